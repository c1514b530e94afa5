"""What is printed fits the terminal: no word broken, nothing over the width, colour with words."""

from __future__ import annotations

import io
import re
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from evals.terminal import wrapped
from runners.cli import group
from runners.cli.layout import COLOURS, Column, Grid, elided, say, state
from runners.cli.layout import _Stdout as Stdout
from tests.support.terminal import on_a_terminal

ROOT = Path(__file__).parents[3]
Q8, F16 = "smollm2-135m-instruct-q8_0", "smollm2-135m-instruct-f16"
WEIGHIN = Path(sysconfig.get_path("scripts")) / "weighin"
STORE = ["--store", "reference"]
COMMANDS = {
    "list candidates": ["list", "candidates"],
    "list suites": ["list", "suites"],
    "list tasks": ["list", "tasks"],
    "list budgets": ["list", "budgets"],
    "list runs": ["list", "runs", *STORE],
    "show": ["show", Q8, *STORE],
    "compare": ["compare", F16, Q8, *STORE],
    "check": ["check", Q8, "--against", F16, *STORE],
    "doctor": ["doctor", *STORE],
    "gc": ["gc", "--dry-run", *STORE],
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layout")
    hidden = shutil.ignore_patterns(".*", "gates")
    shutil.copytree(ROOT / "results" / "reference", folder / "reference", ignore=hidden)
    return folder


def printed(here: Path, monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> str:
    monkeypatch.chdir(here)
    monkeypatch.setenv("COLUMNS", str(width))
    said = CliRunner().invoke(group, COMMANDS[name], standalone_mode=False)
    assert said.exception is None or isinstance(said.exception, SystemExit), said.output
    return said.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_wider_than_the_terminal_and_no_word_is_broken(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    wide = printed(here, monkeypatch, name, 400)
    # Of names without spaces, what was cut shows it; a fragment of a word would be none of these.
    words = set(re.findall(r"\S+", wide)) | {word.strip("(),;:") for word in wide.split()}
    for width in (80, 120):
        text = printed(here, monkeypatch, name, width)
        assert text
        long = [line for line in text.splitlines() if len(line) > width and " " in line.strip()]
        assert long == []
        if name == "doctor":  # its load and its times change from call to call
            continue
        known = words | LEFT_OUT
        broken = [word for word in text.split()
                  if word not in known and word.strip("(),;:") not in known
                  and not re.search(r"[…─│┤└●◆╌\d]", word)]  # fmt: skip
        assert broken == []


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


def test_help_fits_eighty_columns():
    wide = []
    for path in commands(group):
        said = CliRunner().invoke(group, [*path, "--help"], terminal_width=80)
        assert said.exit_code == 0
        wide += [(*path, line) for line in said.stdout.splitlines() if len(line) > 80]
    assert wide == []


LEFT_OUT = {"left", "out", "for", "want", "of", "width", "±:", "the", "widest", "row"}


def rendered(grid: Grid, width: int) -> list[str]:
    stream = io.StringIO()
    Stdout(file=stream, width=width, highlight=False).print(grid)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def table() -> Grid:
    speed, bits = Column(heading="speed tokens/s", drop=1), Column(heading="bits", drop=2)
    grid = Grid("", "name", speed, bits, Column(heading="note", wrap=True))
    grid.add_row("a-long-name-1", "12.5", "4.5", "one two three four five six seven")
    return grid


def test_headings_wrap_then_columns_go_by_priority():
    # 13 + 14 + 4 + 33 and three gaps of 2: 70.
    assert rendered(table(), 70)[0] == "name           speed tokens/s  bits  note"
    narrow = rendered(table(), 56)
    assert narrow[:2] == ["                  speed", "name           tokens/s  bits  note"]
    # 13 + 24 and a gap, where the wrapped column is not narrower than 24.
    least = rendered(table(), 40)
    assert least[0].split() == ["name", "note"]
    assert least[-1] == "left out for want of width: speed tokens/s," or "left out" in least[-2]
    assert max(map(len, least)) <= 40


def test_names_are_cut_in_the_middle_and_sentences_between_words():
    assert elided("smollm2-135m-q4_0", 9) == "smol…q4_0"
    assert elided("short", 9) == "short"
    assert wrapped("one two-three four", 9) == ["one", "  two-three", "  four"]


def test_what_may_not_be_dropped_is_cut():
    grid = Grid("", "name", "other")
    grid.add_row("x" * 30, "y" * 30)
    lines = rendered(grid, 40)
    assert max(map(len, lines)) <= 40
    assert lines[2].count("…") == 2


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_stands_with_its_word_and_no_color_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, no_color: str, *, coloured: bool
):
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    out = Stdout(file=stream, width=80, force_terminal=True, highlight=False)
    out.print(state("regressed"))
    say(out, "pass on all", style=COLOURS["pass"])
    assert "regressed" in stream.getvalue()
    assert ("\x1b[31m" in stream.getvalue()) == coloured
    assert ("\x1b[32m" in stream.getvalue()) == coloured


def test_a_stream_that_is_no_terminal_has_no_colour():
    stream = io.StringIO()
    Stdout(file=stream, width=80, highlight=False).print(state("regressed"))
    assert stream.getvalue() == "regressed\n"


def test_a_comparison_ends_with_what_changed(here: Path, monkeypatch: pytest.MonkeyPatch):
    last = " ".join(printed(here, monkeypatch, "compare", 80).split("\n\n")[-1].split())
    assert last.startswith(f"{Q8} against {F16}: no significant accuracy difference (-0.2 points")
    assert "worse: TTFT 32+64, TTFT 512+64, TTFT fill+64; better: decode time per token" in last
    assert last.endswith("cold start, peak memory, weights file.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "nobody", *STORE],
         "weighin: no run 'nobody' in reference; weighin list runs names them, --store chooses "
         "another store"),
        (["show"], "weighin: Missing argument 'RUN'; weighin show --help says what there is"),
        (["gc", "--zz"], "weighin: No such option '--zz'; weighin gc --help says what there is"),
    ],
)  # fmt: skip
def test_an_error_is_a_sentence_that_a_terminal_does_not_break(
    here: Path, args: list[str], said: str
):
    lines = on_a_terminal([WEIGHIN, *args], here, columns=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == said
