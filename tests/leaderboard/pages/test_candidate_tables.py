"""Tables of the Candidate panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.pages.blocks import Code, Figure, Note, Tiles
from leaderboard.pages.candidate.identity import machine_grid
from leaderboard.pages.candidate.page import page
from leaderboard.pages.candidate.tables import flag_grid
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from leaderboard.units import MISSING
from runners.records.record import FlagInfo
from tests.support.stores import failed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.leaderboard.conftest import Maker

__all__ = ["failed"]

SLOW = FlagInfo(name="contended", detail="someone else was here", level="warning")
NOTE = FlagInfo(name="cache state unknown", detail="perhaps warm", level="note")
ONE_RUN = FlagInfo(name="n too small for p95", detail="5 values", level="note")


def test_what_several_runs_say_is_said_once(made: Maker) -> None:
    runs = [
        made.record(repeat=0, flags=[NOTE]),
        made.record(repeat=1, flags=[NOTE, SLOW]),
        made.record(repeat=2, flags=[NOTE], verdict={"verdict": "fits"}),
    ]
    rows = [[cell.text for cell in row] for row in flag_grid(runs).rows]
    assert rows == [
        ["all 3 runs", "cache state unknown", "perhaps warm"],
        [runs[1].run_id, "contended", "someone else was here"],
        [runs[2].run_id, "verdict", "fits"],
    ]


def test_one_of_one_run_is_named(made: Maker) -> None:
    run = made.record(flags=[NOTE])
    assert [row[0].text for row in flag_grid([run]).rows] == [run.run_id]


def test_an_older_note_on_one_runs_percentile_is_not_said(made: Maker) -> None:
    # Which percentile the requests of all runs bear stands beside the slow end: `p90 of 20`.
    assert flag_grid([made.record(flags=[ONE_RUN]), made.record(flags=[ONE_RUN])]).rows == ()


def test_without_flags_there_are_no_rows(made: Maker) -> None:
    assert flag_grid([made.record(flags=[])]).rows == ()


def test_a_candidate_that_failed_says_so_first_and_draws_nothing_empty(failed: Path) -> None:
    blocks = list(page(StoredLibrary([failed]), View()))
    (error, *_) = (one for one in blocks if isinstance(one, Note))
    assert error.kind == "error"
    assert error.text.startswith("It failed in ")
    doctor = next(one for one in blocks if isinstance(one, Code))
    assert doctor.text.startswith("weighin doctor\n")
    assert not [one for one in blocks if isinstance(one, Figure) and one.name == "tasks"]
    tiles = [tile for one in blocks if isinstance(one, Tiles) for tile in one.tiles]
    assert MISSING not in {tile.value for tile in tiles}


def test_the_machine_is_told_in_words_without_what_is_empty(made: Maker) -> None:
    record = made.record(
        machine={"cpu_model": "X", "ram_bytes": 2**34, "gpu": (), "python": "3.11"}
    )
    told = dict(tuple(cell.text for cell in row) for row in machine_grid(record).rows)
    assert told["memory"] == "16.0 GiB"
    assert told["processor"] == "X"
    assert "GPU" not in told
    assert not [key for key in told if "_" in key]
