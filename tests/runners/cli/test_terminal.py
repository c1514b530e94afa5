"""What stands in files of anybody steers no terminal, whichever command shows it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.errors import RecordError
from evals.terminal import Guarded, guard_streams, printable, unguarded
from runners.cli import COMMANDS, main
from runners.jobs.prepared import PreparedTask
from runners.records.reading import parse_record
from runners.records.store import Store
from tests.runners.conftest import Bench
from tests.support.terminal import on_a_terminal

pytestmark = pytest.mark.slow

WEIGHIN = str(Path(sysconfig.get_path("scripts")) / "weighin")
HOSTILE = (
    "\x1b]0;owned\x07"  # the window's title
    "\x1b[2J"  # an empty screen
    "\x1b]52;c;b3duZWQ=\x07"  # the clipboard
    "\x9b31m"  # a sequence that starts with one character
    "\r\x08\x7f"  # over what was written before
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\N{LEFT-TO-RIGHT ISOLATE}"
    "\N{LINE SEPARATOR}\U000e0041"  # a tag that nobody sees
)
KEPT = ("run_id", "created_at", "job.", "schema_version")
"""Leaves of a record without which it is not found."""
OWN = re.compile(r"\x1b\[[0-9;]*m|\r\x1b\[2K|\r\n")
"""Styles, a line that is drawn anew, and what a terminal makes of a line's end."""


def steers(text: str) -> set[str]:
    """The characters that steer a terminal or are not seen."""
    kinds = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in kinds}


def spoilt(content: dict[str, Any], read: Any) -> dict[str, Any]:
    """JSON whose texts are hostile, one by one as far as it is still read."""

    def leaves(node: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in list(items):
            where = f"{path}{key}"
            if isinstance(value, str) and not where.startswith(KEPT):
                yield node, key, value
            elif isinstance(value, dict | list):
                yield from leaves(value, f"{where}.")

    for node, key, value in leaves(content):
        node[key] = f"{value}{HOSTILE}"
        try:
            read(content)
        except RecordError:
            node[key] = value
    return content


@pytest.fixture(scope="module")
def folder(prepared: dict[str, PreparedTask], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose records are hostile, one damaged under a hostile name, and hostile files."""
    made = tmp_path_factory.mktemp("hostile")
    bench = Bench(store=Store(made / "store"), tasks=prepared, steps=[])
    bench.outcomes(bench.fake("a", pick=1), bench.fake("b", pick=0), tasks=("tiny_choice",))
    for path in bench.store.root.glob("*/record.json"):
        record = spoilt(
            json.loads(path.read_text("utf-8")),
            lambda content: parse_record(json.dumps(content), where="test"),
        )
        assert HOSTILE in record["candidate"]["name"]
        assert HOSTILE in record["machine"]["cpu_model"]
        path.write_text(json.dumps(record))
    (bench.store.root / HOSTILE).mkdir()
    (bench.store.root / HOSTILE / "record.json").write_text("{")
    write(made / f"{HOSTILE}.yaml", name=f"h{HOSTILE}", runtime="fake", settings={"threads": 1})
    dies = {"fake": {"fail_at": "scoring", "fail_how": "raise"}, "threads": 1}
    write(made / "dies.yaml", name="dies", runtime="fake", settings=dies)
    write(made / "odd.yaml", name="odd", **{HOSTILE: HOSTILE})
    write(made / "tiny.yaml", name="tiny", tasks=[{"task": "tiny_choice"}], latency_repeats=1,
          workloads=[{"prompt_tokens": 8, "new_tokens": 4}])  # fmt: skip
    task = f"t{HOSTILE}"
    results = {task: {"acc,none": 0.5, "alias": HOSTILE}}
    write(made / "results_1.json", results=results, configs={task: {"task": task}}, date=1.0,
          config={"model": HOSTILE, "model_args": HOSTILE})  # fmt: skip
    return made


def write(path: Path, **content: Any) -> None:
    """YAML, or JSON, whose escapes YAML reads otherwise."""
    text = json.dumps(content) if path.suffix == ".json" else yaml.safe_dump(content)
    path.write_text(text)


RUN = ("--suite", "tiny.yaml", "--include", "TINY", "--store", "store")
STORE = ("--store", "store")
CALLS = [
    ("list", "runs", *STORE),
    ("list", "runs", *STORE, "--json"),
    ("list", HOSTILE),
    ("show", "FIRST", *STORE),
    ("show", "FIRST", *STORE, "--json"),
    ("show", HOSTILE, *STORE),
    ("show", "FIRST", "--store", HOSTILE),
    ("compare", "FIRST", "SECOND", *STORE),
    ("compare", "FIRST", HOSTILE, *STORE),
    ("check", "FIRST", "--against", "SECOND", *STORE),
    ("check", "FIRST", "--against", "SECOND", *STORE, "--github"),
    ("check", "FIRST", "--against", HOSTILE, *STORE),
    ("baseline", "set", "kept", "FIRST", "--reason", HOSTILE, *STORE, "--baselines", "kept"),
    ("baseline", "set", HOSTILE, "FIRST", "--reason", "", *STORE, "--baselines", "kept"),
    ("baseline", "list", "--baselines", "kept"),
    ("baseline", "show", "kept", "--baselines", "kept"),
    ("export", *STORE, "--format", "json"),
    ("export", HOSTILE, *STORE),
    ("export", *STORE, "--output", f"{HOSTILE}/none.csv"),
    ("run", "HOSTILE", "dies.yaml", *RUN),
    ("run", "HOSTILE", *RUN, "--dry-run"),
    ("run", "odd.yaml", *RUN),
    ("run", f"{HOSTILE}.gguf"),
    ("run", "HOSTILE", "--suite", HOSTILE),
    ("run", "HOSTILE", "--tasks", HOSTILE, "--include", "TINY"),
    ("run", "HOSTILE", "--budget", HOSTILE),
    ("fit", f"{HOSTILE}.gguf"),
    ("fetch", "HOSTILE"),
    ("fetch", f"{HOSTILE}.gguf"),
    ("import", "lm-eval", "results_1.json", "--store", "imported"),
    ("import", "lm-eval", HOSTILE),
    ("ship", *STORE),
    ("ship", *STORE, "--memory", "1KiB"),
    ("ship", *STORE, "--json"),
    ("ship", *STORE, "--markdown", "--suite", HOSTILE),
    ("gc", *STORE),
    ("board", *STORE, "--address", HOSTILE),
    ("doctor", "--store", HOSTILE),
    ("completion", HOSTILE),
    ("plan", "HOSTILE", "--suite", "tiny.yaml", "--include", "TINY", "--into", "blocks"),
    ("plan", f"{HOSTILE}.gguf"),
    ("run", "--job", HOSTILE),
    ("merge", "store", "--store", "merged"),
    ("merge", HOSTILE),
    ("push", f"me/{HOSTILE}"),
    ("pull", HOSTILE),
    ("verify", "FIRST", *STORE),
    ("propose", "me/model", "FIRST", "--benchmark", HOSTILE, "--scale", "share", *STORE),
    ("mock-server", "--faults", HOSTILE),
    (HOSTILE,),
    (f"--{HOSTILE}",),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(call).partition("\x1b")[0])
def test_no_command_lets_a_name_steer_the_terminal(
    call: tuple[str, ...], folder: Path, tiny: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setenv("WEIGHIN_CACHE", str(folder / "cache"))
    first, second = (path.parent.name for path in sorted(folder.glob("store/*-[ab]-*/record.json")))
    given = {"FIRST": first, "SECOND": second, "TINY": str(tiny), "HOSTILE": f"{HOSTILE}.yaml"}
    args = [given.get(word, word) for word in call]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", ["weighin", *args])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capsys.readouterr()
    assert said.out + said.err
    assert "No such option" not in said.err or call == CALLS[-1]  # the call is what it seems
    if "export" not in call[:1]:
        assert steers(said.out + said.err) == set()


def test_every_command_is_tried():
    assert {call[0] for call in CALLS} >= set(COMMANDS)


@pytest.mark.parametrize(
    "args",
    [
        ("list", "runs", "--store", "store"),
        ("export", "--store", "store"),
        ("run", f"{HOSTILE}.yaml", "--suite", "tiny.yaml", "--include", "TINY", "--fresh"),
    ],
)
def test_on_a_terminal_nothing_but_our_own_styles_steers(
    args: tuple[str, ...], folder: Path, tiny: Path
):
    words = (str(tiny) if word == "TINY" else word for word in args)
    written = on_a_terminal([WEIGHIN, *words], folder)
    assert "owned" in written
    assert steers(OWN.sub("", written)) == set()


def test_an_export_to_a_file_or_a_program_is_what_was_recorded(folder: Path):
    done = subprocess.run(
        [WEIGHIN, "export", "--store", "store"], cwd=folder, capture_output=True, check=True
    )
    assert HOSTILE.replace("\r", "\n").encode() in done.stdout.replace(b"\r", b"\n")


def test_a_shell_is_offered_no_name_that_steers(folder: Path):
    asked = {
        "_WEIGHIN_COMPLETE": "bash_complete",
        "COMP_WORDS": "weighin show --store store ",
        "COMP_CWORD": "4",
    }
    done = subprocess.run(
        [WEIGHIN], cwd=folder, capture_output=True, check=False, text=True,
        env={**os.environ, **asked},
    )  # fmt: skip
    assert "-a-" in done.stdout
    assert "owned" not in done.stdout
    assert steers(done.stdout) == set()


def test_text_stays_what_it_is_but_for_what_steers():
    name = "Qwen 2.5 (7B), Größe\N{NO-BREAK SPACE}千, \N{ROCKET}"
    assert printable(name) == name
    assert printable("a\x1b[1mb\nc\u202ed") == "a\ufffd[1mb\ufffdc\ufffdd"
    assert printable("a\nb\rc", keep="\n") == "a\nb\ufffdc"


def test_the_guard_stands_once_and_before_bytes_too(monkeypatch: pytest.MonkeyPatch):
    behind = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", behind)
    monkeypatch.setattr(sys, "stdout", None)  # a process may be started without
    guard_streams()
    guard_streams()
    assert isinstance(sys.stderr, Guarded)
    assert sys.stderr.stream is behind
    assert sys.stderr.buffer.write(b"\x1b[2m") == 4
    sys.stderr.writelines(["\x1b[1m", "é\n"])
    unguarded(sys.stderr).write("\x1b[0m")
    behind.flush()
    assert behind.buffer.getvalue() == b"\\ufffd[2m\\ufffd[1m\\xe9\n\x1b[0m"
