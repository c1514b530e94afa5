"""Tables of the Candidate panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.pages.candidate.tables import flag_grid
from runners.records.record import FlagInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

SLOW = FlagInfo(name="contended", detail="someone else was here", level="warning")
FEW = FlagInfo(name="n too small for p95", detail="5 values", level="note")


def test_what_several_runs_say_is_said_once(made: Maker) -> None:
    runs = [
        made.record(repeat=0, flags=[FEW]),
        made.record(repeat=1, flags=[FEW, SLOW]),
        made.record(repeat=2, flags=[FEW], verdict={"verdict": "fits"}),
    ]
    rows = [[cell.text for cell in row] for row in flag_grid(runs).rows]
    assert rows == [
        ["all 3 runs", "n too small for p95", "5 values"],
        [runs[1].run_id, "contended", "someone else was here"],
        [runs[2].run_id, "verdict", "fits"],
    ]


def test_one_of_one_run_is_named(made: Maker) -> None:
    run = made.record(flags=[FEW])
    assert [row[0].text for row in flag_grid([run]).rows] == [run.run_id]


def test_without_flags_there_are_no_rows(made: Maker) -> None:
    assert flag_grid([made.record(flags=[])]).rows == ()
