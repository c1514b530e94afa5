"""The last lines of `run` and `show`: the plot, the presets and the next commands."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.rows.metric import Number
from leaderboard.rows.row import Row, merged
from runners.cli.ending import judged, next_commands, presets, print_ending
from runners.cli.layout import _Stdout as Stdout
from runners.cli.plot import Point, plot
from runners.compute.budget import Budget
from runners.records.record import Record
from runners.records.store import Store

ROOT = Path(__file__).parents[3]
STORE = Store(ROOT / "results" / "reference")
MIB = 2**20


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return merged([one for one in STORE.records() if isinstance(one, Record)])


def with_peak(row: Row, peak_mib: int) -> Row:
    return replace(row, numbers={**row.numbers, "memory": Number(value=peak_mib * MIB)})


def budget(name: str, mib: int) -> Budget:
    return Budget(name=name, memory=f"{mib}MiB")


def test_presets_that_the_same_candidates_fit_share_a_line(rows: list[Row]):
    two = [with_peak(rows[0], 300), with_peak(rows[1], 100)]
    asked = [
        budget("large-1", 1000),
        budget("exact", 300),
        budget("tiny-9", 99),
        budget("mid", 200),
    ]
    nbsp = "\N{NO-BREAK SPACE}"
    assert presets(two, asked) == [
        (False, "tiny-9: none fits"),
        (True, f"mid (200{nbsp}MiB): fits: q8_0"),
        (True, f"exact (300{nbsp}MiB), large-1: both fit"),
    ]
    assert presets(two[:1], asked[2:]) == [(False, f"tiny-9, mid (200{nbsp}MiB): no")]


def test_a_candidate_without_a_peak_fits_nothing(rows: list[Row]):
    bare = replace(rows[0], numbers={})
    assert presets([bare], [budget("large-1", 1000)]) == [(False, "large-1: no")]


def test_the_commands_compare_the_choice_and_offer_to_measure_what_was_disturbed(rows: list[Row]):
    found = judged(rows, STORE)
    assert found is not None
    choice = found.choice
    assert choice.row is not None
    said = next_commands(rows, STORE, choice)
    assert said[0].startswith(f"Next: weighin compare {choice.row.record.candidate.name} ")
    assert said[-1].startswith("Next: weighin board --store ")
    flagged = [replace(rows[0], flags=("contended (2 of 5 runs)",)), *rows[1:]]
    again = next_commands(flagged, STORE, choice)[0]
    assert again == f"Next: {rows[0].record.command} --fresh"


@pytest.mark.parametrize("width", [80, 120])
def test_the_ending_fits_and_says_which_to_ship(rows: list[Row], width: int):
    stream = io.StringIO()
    print_ending(Stdout(file=stream, width=width, highlight=False), rows, STORE)
    lines = stream.getvalue().splitlines()
    store = str(STORE.root)
    assert all(len(line) <= width for line in lines if store not in line)
    text = " ".join(" ".join(lines).split())
    assert "Ship smollm2-135m-instruct-" in text
    assert "memory-256mib: none fits" in text
    for name in ("q4_k_m", "q8_0", "f16", "q4_0", "q4_1", "q2_k"):
        assert any(name in line and line.lstrip()[0] in "│┤3" for line in lines)


def test_a_plot_in_unicode_and_in_ascii():
    points = [
        Point(x=100, y=40.0, name="a", chosen=True),
        Point(x=200, y=50.0, name="b"),
        Point(x=300, y=45.0, name="c"),
    ]
    lines = plot(points, width=60, x_label="MiB", guess=45.0, ascii_only=False)
    assert lines[0].startswith("  50.0 ┤")
    assert lines[0].rstrip().endswith("● b")
    assert lines[7].startswith("  40.0 ┤◆ a")
    # (50 - 45) / 10 of seven steps is 3.5, rounded to the even row 4.
    assert "╌╌╌" in lines[4]
    assert "● c" in lines[4]
    assert lines[-1].split() == ["100", "300", "MiB"]
    assert max(map(len, lines)) <= 60
    plain = "\n".join(plot(points, width=60, x_label="MiB", guess=45.0, ascii_only=True))
    assert plain.isascii()
    assert "# a" in plain


def test_equal_candidates_are_plotted_too():
    same = [Point(x=100, y=40.0, name=name) for name in "abc"]
    lines = plot(same, width=60, x_label="MiB", guess=None, ascii_only=False)
    assert any("●" in line for line in lines)


def test_a_terminal_that_knows_ascii_alone_gets_ascii(rows: list[Row]):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    print_ending(Stdout(file=stream, width=80, highlight=False), rows, STORE)
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "# recommended o other" in text
    assert "\\u25" not in text
