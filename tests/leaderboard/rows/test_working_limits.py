"""Where a candidate begins to work, by its runs under limits, and what a limit makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.choose.limits import Limits, admit
from leaderboard.rows.row import merged
from leaderboard.rows.working_limits import tried, working_limits
from runners.records.circumstances import BudgetInfo, EnforcedInfo, VerdictInfo

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def under(made: Maker, mib: int, verdict: str, *, held: bool = True, **given: Any) -> Record:
    """A run under a limit."""
    by = EnforcedInfo(memory="cgroup v2") if held else EnforcedInfo(memory=None)
    return made.record(
        batch=f"{mib}",
        budget=BudgetInfo(name="", memory_bytes=mib * MIB, enforced=by),
        verdict=VerdictInfo(verdict=verdict, reason=""),
        **given,
    )


def works_from(records: list[Record]) -> float | None:
    (row,) = [row for row in merged(records) if row.record.budget is None]
    found = row.value("works_from")
    return None if found is None else found / MIB


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(256, "fits"), (128, "out of memory")], 256),
        ([(256, "fits"), (192, "too slow"), (128, "thrashes")], 192),
        ([(256, "thrashes"), (128, "fits")], None),  # it works under no larger one
        ([(256, "fits"), (256, "thrashes")], None),
        ([(2048, "fits")], None),  # above the peak, and nothing smaller was tried
        ([(224, "fits")], 224),  # below the peak
        ([(512, "fits"), (320, "out of memory")], 512),  # above the peak, which did not do
        ([], None),
    ],
)
def test_the_smallest_limit_from_which_on_all_runs_worked(
    made: Maker, runs: list[tuple[int, str]], expected: float | None
):
    free = made.record(peak=300 * MIB)
    records = [under(made, mib, verdict, repeat=i) for i, (mib, verdict) in enumerate(runs)]
    assert works_from([free, *records]) == expected


def test_what_nothing_held_to_its_limit_says_nothing(made: Maker):
    assert works_from([made.record(peak=300 * MIB), under(made, 256, "fits", held=False)]) is None


def test_other_scores_than_without_a_limit_are_no_working(made: Maker):
    free = made.record(peak=300 * MIB, tasks={"t": made.task(0.5)})
    other = under(made, 256, "fits", tasks={"t": made.task(0.4)})
    assert works_from([free, other]) is None
    assert works_from([free, under(made, 256, "fits", tasks={"t": made.task(0.5)})]) == 256


def test_another_candidate_or_machine_is_another(made: Maker):
    limited = under(made, 256, "fits")
    assert list(working_limits([limited])) == [tried(made.record())]
    assert tried(made.record("b")) not in working_limits([limited])


def test_a_limit_of_memory_compares_with_it(made: Maker):
    tasks = {"t": made.task(0.5)}
    free = made.record(peak=300 * MIB, tasks=tasks)
    rows = [
        row
        for row in merged([free, under(made, 256, "fits"), under(made, 224, "out of memory")])
        if row.record.budget is None
    ]
    assert admit(rows, Limits(bounds={"memory": 260 * MIB})).refused == ()
    (refused,) = admit(rows, Limits(bounds={"memory": 250 * MIB})).refused
    assert [reason.text for reason in refused.reasons] == [
        "smallest memory limit that works 256 MiB (at most 250 MiB)"
    ]
    # Without trying it was the peak that did not fit.
    (refused,) = admit(merged([free]), Limits(bounds={"memory": 260 * MIB})).refused
    assert refused.reasons[0].text == "peak memory 300 MiB (at most 260 MiB)"
