"""A run in progress is seen where the board is looked at, and never as if live in a file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from leaderboard.export.site.write import site
from leaderboard.pages.blocks import Block, Code, Live, Note, Table
from leaderboard.pages.running.strip import place, running
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from runners.records.progress import Progress, progress_file, take
from runners.records.store import JOURNALS
from tests.support.stores import HOSTILE, empty, good, hostile

__all__ = ["empty", "good", "hostile"]

WEIGHIN = Path(sys.executable).with_name("weighin")
TOLD: dict[str, Any] = {
    "batch": "b", "command": "weighin run q4_0 q8_0 f16", "heard_at": 1.0, "jobs": 3,
    "started_at": "2026-01-02T21:04:05+00:00", "position": 1, "candidate": "q4_0", "repeat": 0,
    "phase": "scoring", "task": "boolq", "workload": "", "done": 34, "total": 40, "left_s": 180.0,
    "runs": ["20260101T000000-big", "20260101T000001-big"], "keys": ["k"],
}  # fmt: skip


def tell(root: Path, **changes: Any) -> Path:
    told = Progress(**{**TOLD, "heard_at": time.time(), **changes})
    path = progress_file(root, told.batch)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told.model_dump_json(exclude={"alive"}) + "\n")
    return path


@pytest.fixture
def alive() -> Iterator[Callable[[Path], None]]:
    """Holds a batch's file as its process does."""
    held: list[int] = []

    def hold(path: Path) -> None:
        held.append(os.open(path, os.O_RDWR))
        take(held[-1])

    yield hold
    for one in held:
        os.close(one)


def strip(store: Path) -> Live:
    (found,) = running(StoredLibrary([store]))
    assert isinstance(found, Live)
    return found


def now(store: Path) -> list[Block]:
    return list(strip(store).now())


def test_what_runs_is_told_with_what_it_has_finished(good: Path, alive: Any) -> None:
    alive(tell(good))
    note, table = now(good)
    words = "2 of 3 · q4_0 · scoring boolq 34/40 items · about 3 min left"
    assert note == Note(f"Running: {words}", "running")
    assert isinstance(table, Table)
    # Two runs of `big` are one row: 60 of 100 items, two runs.
    (row,) = table.grid.rows
    assert [cell.text for cell in row][:3] == ["big", "60.0", "100"]
    assert row[-2].text == "2"


def test_a_long_silence_is_said(good: Path, alive: Any) -> None:
    alive(tell(good, heard_at=time.time() - 200, runs=[]))
    (note,) = now(good)
    assert isinstance(note, Note)
    assert note.text.endswith(" · last word 3 min ago")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repeat": 2, "left_s": None}, "2 of 3 · q4_0 (repeat 3) · scoring boolq 34/40 items"),
        (
            {"phase": "latency", "task": "", "workload": "512+64", "done": 1, "total": 6},
            "2 of 3 · q4_0 · latency 512+64 1/6 requests · about 3 min left",
        ),
        ({"phase": "load", "task": "", "total": 0}, "2 of 3 · q4_0 · load · about 3 min left"),
    ],
)
def test_the_place_is_said_in_each_phase(changes: dict[str, Any], words: str) -> None:
    assert place(Progress(**{**TOLD, **changes}, alive=True)) == words


def test_one_that_died_says_so_with_the_command_that_resumes_it(good: Path) -> None:
    tell(good)
    note, code = now(good)
    assert isinstance(note, Note)
    assert note.kind == "warning"
    words = "A run that began on 2026-01-02 21:04 UTC died at 2 of 3 · q4_0 · scoring boolq 34/40"
    assert note.text.startswith(f"{words} items. ")
    assert code == Code("weighin run q4_0 q8_0 f16")


def test_the_page_is_made_anew_when_a_run_has_ended(good: Path, alive: Any) -> None:
    nothing = strip(good).mark()
    alive(tell(good, runs=[]))
    begun = strip(good).mark()
    tell(good, done=39, runs=[])
    assert strip(good).mark() == begun != nothing
    tell(good)
    assert strip(good).mark() != begun


def test_a_file_never_shows_it_as_if_live(good: Path, alive: Any) -> None:
    alive(tell(good))
    text = site(StoredLibrary([good]), View())
    assert "Running:" not in text
    found = re.search(r"Was running when this file was written, (.*?) UTC: 2 of 3", text)
    assert found
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", found[1])


def test_a_file_names_the_run_that_died_without_its_command(empty: Path) -> None:
    tell(empty, command="weighin run /home/somebody/model.gguf")
    text = site(StoredLibrary([empty]), View())
    assert "died at 2 of 3" in text
    assert "somebody" not in text


def test_nothing_is_said_where_nothing_runs(good: Path) -> None:
    assert now(good) == []


def test_its_texts_are_no_markup(hostile: Path, alive: Any) -> None:
    alive(tell(hostile, candidate=HOSTILE, task=HOSTILE, phase=HOSTILE))
    assert "<img" not in site(StoredLibrary([hostile]), View())


@pytest.mark.slow
def test_a_real_run_is_seen_killed_and_resumed(tmp_path: Path) -> None:
    for name in "ab":
        settings = "settings: {fake: {delay_per_item_s: 0.1}}" if name == "b" else ""
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nruntime: fake\n{settings}\n")
    store = tmp_path / "s t"
    store.mkdir()
    told = ["run", "a.yaml", "b.yaml", "--tasks", "piqa", "--limit", "16", "--store", store.name]
    worker = subprocess.Popen([WEIGHIN, *told], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        seen = ""
        words = re.compile(r"Running: 2 of 2 · b · scoring \w+ \d+/16 items")
        while not words.match(seen) and worker.poll() is None:
            note = next((one for one in now(store) if isinstance(one, Note)), Note(""))
            seen = note.text
            with suppress(subprocess.TimeoutExpired):
                worker.wait(0.1)
        assert words.match(seen)
        table = next(one for one in now(store) if isinstance(one, Table))
        assert [row[0].text for row in table.grid.rows] == ["a"]
        assert table.grid.rows[0][2].text == "16"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    note, code = now(store)
    assert isinstance(note, Note)
    assert " died at 2 of 2 · b · scoring " in note.text
    assert isinstance(code, Code)
    assert code.text == "weighin run a.yaml b.yaml --tasks piqa --limit 16 --store 's t'"
    again = subprocess.run([WEIGHIN, *told], cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode == 0
    assert now(store) == []
    assert list((store / JOURNALS).iterdir()) == []


def test_a_check_that_measures_both_sides_is_seen_and_does_not_go_on(good: Path) -> None:
    tell(good / "gates" / "20260101T000000-small", command="weighin check a --rerun")
    note, code = now(good)
    assert isinstance(note, Note)
    assert "Both sides are measured together, so this begins anew, and" in note.text
    assert code == Code("weighin check a --rerun")
