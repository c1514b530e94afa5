"""What Streamlit makes of a run in progress, of two runs compared, and of the box that measures."""

from __future__ import annotations

import os
import time
from pathlib import Path

from runners.records.progress import Progress, progress_file, take
from tests.leaderboard.app.conftest import Board, page_html, page_text
from tests.support.stores import good, nightly

__all__ = ["good", "nightly"]


def test_a_run_in_progress_stands_above_every_page(board: Board, good: Path) -> None:
    told = Progress(
        batch="b", command="weighin run q4_0", started_at="2026-01-02T21:04:05+00:00",
        heard_at=time.time(), jobs=3, position=1, candidate="q4_0", repeat=0, phase="scoring",
        task="boolq", workload="", done=34, total=40, left_s=180.0, runs=[], keys=["k"],
    )  # fmt: skip
    path = progress_file(good, "b")
    path.parent.mkdir()
    path.write_text(told.model_dump_json(exclude={"alive"}) + "\n")
    handle = os.open(path, os.O_RDWR)
    take(handle)
    try:
        for panel in ("candidate", "checks"):
            (said,) = [one.value for one in board(panel, good).info if "Running" in one.value]
            for part in ("2 of 3", "scoring boolq 34/40 items", "about 3 min left"):
                assert part in said.replace("\\", "")
    finally:
        os.close(handle)
    app = board("checks", good)
    assert "died at 2 of 3" in page_text(app).replace("\\", "")
    assert "weighin run q4_0" in [one.value for one in app.code]


def test_two_runs_are_compared_by_address(board: Board, nightly: Path) -> None:
    sides = ["20260101T020000-nightly", "20260108T020000-nightly"]
    app = board("compare", nightly, side=sides)
    assert "12.0 points less accurate" in page_text(app).replace("\\", "")
    assert [box.label for box in app.selectbox[:2]] == ["reference", "compared with it"]
    # Another date on one side stands in the address; the other side stays.
    app.selectbox[1].select("20260107T020000-nightly").run()
    assert app.query_params["side"] == [sides[0], "20260107T020000-nightly"]


def test_history_links_to_the_comparison_and_to_the_checks(board: Board, nightly: Path) -> None:
    found = page_html(board("history", nightly))
    assert 'href="compare?' in found
    assert "side=20260107T020000-nightly&amp;side=20260108T020000-nightly" in found
    assert 'href="checks?' in found


def test_what_is_typed_becomes_a_command_of_quoted_words(board: Board, good: Path) -> None:
    app = board("measure", good)
    app.text_input[0].input("my model.gguf; reboot").run()
    app.number_input[0].set_value(5).run()
    assert [one.value for one in app.code] == ["weighin run 'my model.gguf; reboot' --repeats 5"]
    assert app.query_params["model"] == "my model.gguf; reboot"
