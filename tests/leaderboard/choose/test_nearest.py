from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.choose.limits import Limits, admit
from leaderboard.choose.nearest import nearest, nothing_fits
from runners.records.record import JobError

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def said(rows: list[Row], **bounds: float) -> tuple[str, tuple[str, ...]]:
    limits = Limits(bounds=bounds)
    return nothing_fits(admit(rows, limits).refused, limits)


def test_the_smallest_worst_overshoot_is_the_nearest(made: Maker):
    # Memory over by 25 % and speed short by 0 %; memory over by 10 % and speed short by 20 %: the
    # worst of each is 25 and 60 / 50 - 1 = 20 %.
    rows = [
        made.row("a", peak=125 * MIB, decode=60),
        made.row("b", peak=110 * MIB, decode=50),
        made.row("c", peak=500 * MIB, decode=70),
    ]
    found = nearest(admit(rows, Limits(bounds={"memory": 100 * MIB, "decode": 60})).refused)
    assert found
    assert found.refused.row is rows[1]
    assert found.over == pytest.approx(0.2)


def test_it_is_said_with_what_would_do(made: Maker):
    rows = [made.row("a", peak=276 * MIB), made.row("b b", peak=260 * MIB + 1)]
    assert said(rows, memory=240 * MIB) == (
        "None of 2 candidates fits. Closest is b b: peak memory 260 MiB (at most 240 MiB), 8% off.",
        (
            "Allow 261 MiB, or see whether it works in less:",
            "weighin fit 'b b'",
            "weighin run 'b b' --memory 240MiB",
        ),
    )
    claim, nexts = said(rows, decode=51.0)
    assert claim.endswith("decode speed 50.0 tokens/s (at least 51.0 tokens/s), 2% off.")
    assert nexts == ()


def test_what_is_not_measured_is_nothing_near(made: Maker):
    rows = [made.row("a", memory=None), made.row("b", 0.4, peak=900 * MIB)]
    claim, _ = said(rows, memory=100 * MIB)
    assert "Closest is b" in claim
    assert said(rows[:1], memory=100 * MIB)[0] == (
        "The only candidate does not fit: peak memory not known."
    )


def test_a_crash_is_no_budget(made: Maker):
    error = JobError(phase="latency", message="the worker was ended by SIGSEGV")
    rows = [made.row(name, status="failed", error=error) for name in "abc"]
    assert said(rows) == ("3 of 3 runs crashed in latency (SIGSEGV).", ("Run weighin doctor.",))
    alive = [*rows[:2], made.row("d", peak=200 * MIB)]
    assert "Closest is d" in said(alive, memory=100 * MIB)[0]


def test_nothing_was_scored(made: Maker):
    assert said([made.row("a", None)])[0] == "No candidate that fits has an accuracy."
