from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.choose.answer import Answer, answer
from leaderboard.choose.choice import choose
from leaderboard.choose.limits import Limits
from leaderboard.choose.resampling import gather
from leaderboard.rows.answers import ItemKey
from leaderboard.rows.row import row
from runners.records.record import FlagInfo

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def said(rows: list[Row], prefer: Any = "smallest", **bounds: float) -> Answer:
    limits = Limits(bounds=bounds)
    return answer(choose(gather(rows), limits, prefer=prefer), limits)


def test_a_tie_is_a_conclusion(made: Maker):
    rows = [
        made.row("m-f16", 0.52, 100, peak=400 * MIB, decode=50),
        made.row("m-q8", 0.51, 100, peak=200 * MIB, decode=100),
        made.row("m-q4", 0.50, 100, peak=300 * MIB, decode=200),
    ]
    found = said(rows)
    # Newcombe's interval of 51 and 52 of 100: -14.5 to +12.6.
    assert found.claim.startswith(
        "Ship m-q8: no accuracy difference found against f16 (-1.0 points"
    )
    assert found.claim.endswith("), 50% less memory, 100% faster.")
    assert found.evidence.startswith("51.0%, 200 MiB, 100 tokens/s, first token 100 ms. Expected")
    assert found.evidence.endswith("points against whichever is the most accurate.")
    assert found.nexts == (
        "Fastest: q4, -1.0 points, 50% more memory, 100% faster.",
        "Most accurate: f16, +1.0 points, 100% more memory, 50% slower.",
    )
    assert said(rows, "accurate").claim == (
        "Ship m-f16: the most accurate of 3; no accuracy difference found from 2 others."
    )
    assert said(rows[1:]).claim == (
        "Ship m-q8: the most accurate of 2 and the smallest of the best; no accuracy difference "
        "found from 1 other."
    )


def test_what_two_preferences_would_ship_is_one_line(made: Maker):
    rows = [
        made.row("m-q8", 0.51, 100, peak=200 * MIB, decode=50),
        made.row("m-q4", 0.50, 100, peak=300 * MIB, decode=100),
    ]
    assert said(rows, "fastest").nexts == (
        "Smallest and most accurate: q8, +1.0 points, 33% less memory, 50% slower.",
    )


def test_without_a_tie_the_certainty_is_said(made: Maker):
    rows = [made.row("a", 0.8, 1000), made.row("b", 0.6, 1000, peak=50 * MIB)]
    found = said(rows)
    assert found.claim.startswith("Ship a: the most accurate of 2, 20.0 points above b (+1")
    assert "> 99% likely to be the most accurate; expected shortfall below 0.1 points." in (
        found.evidence
    )
    assert found.nexts == ("Less accurate: b, -20.0 points, 50% less memory.",)


def test_limits_are_in_the_sentence(made: Maker):
    rows = [made.row("a", 0.8, peak=300 * MIB), made.row("b", 0.4, latency={}, memory=None)]
    found = said(rows, memory=300 * MIB)
    assert found.claim == "Ship a: the only one of 2 that fits."
    assert found.evidence.endswith("Meets your limits in > 99% of runs.")
    assert said(rows[1:]).sentence == "Ship b: the only candidate measured. 40.0%."
    assert said([]).claim == "There is no candidate to choose from."


def test_guessing_stands_beside_the_headline(made: Maker):
    # Four choices give 25 %, two 50 %: 37.5 % on average.
    def two(name: str, t: float, u: float) -> Row:
        tasks = {
            "t": made.task(t, 400, group="t", chance=0.25),
            "u": made.task(u, 400, group="u", chance=0.5),
        }
        return row(made.record(name, tasks=tasks))

    found = said([two("a", 0.45, 0.6)])
    assert found.evidence.startswith("52.5% (+15.0 over guessing)")
    assert found.warnings == ()
    found = said([two("a", 0.28, 0.5), two("b", 0.27, 0.5)])
    assert found.warnings[0] == (
        "All 2 are within 5 points of guessing (37.5%): try a larger model."
    )
    found = said([two("a", 0.45, 0.5)])
    assert found.warnings == ("Not significantly above guessing in 1 of 2 tasks.",)


def test_what_disturbs_is_in_the_sentence(made: Maker):
    flags = [FlagInfo(name="contended", detail="d"), FlagInfo(name="few items", detail="d")]
    found = said([made.row("a", 0.5, flags=flags)])
    assert found.warnings == (
        "Its timings were disturbed by other processes (contended): measure it again on an idle "
        "machine (--fresh).",
        "Flagged: few items.",
    )


def test_what_compare_tells_from_the_best_is_not_shipped_although_it_ties(made: Maker):
    # Six of 40 items lost, all one way: p = 0.031 for the two alone, sqrt(6) = 2.45 standard errors
    # or less. Among four equal ones the largest difference has 2.57 or more in 5 % of cases.
    key = [ItemKey("t", str(i), i) for i in range(40)]
    lost = {"a": range(0), "b": range(6), "c": range(6, 12), "d": range(12, 18)}
    rows = [
        made.row(name, 1 - len(gone) / 40, 40, peak=(9 - i) * MIB)
        for i, (name, gone) in enumerate(lost.items())
    ]
    answers = {
        row.record.run_id: {"t": {k: float(i not in gone) for i, k in enumerate(key)}}
        for row, gone in zip(rows, lost.values(), strict=True)
    }
    found = choose(gather(rows, answers=answers), Limits())
    assert (len(found.tied), found.alike, found.row) == (4, (rows[0],), rows[0])
    assert answer(found, Limits()).claim == (
        "Ship a: the most accurate of 4, 15.0 points above b (+4.9 to +29.1)."
    )
    assert found.certainty is None


def test_what_would_be_missed_is_said(made: Maker):
    rows = [made.row("a", 0.5, 40, peak=2 * MIB), made.row("b", 0.475, 40, peak=MIB)]
    key = [ItemKey("t", str(i), i) for i in range(40)]
    answers = {
        one.record.run_id: {"t": {k: float(i < right) for i, k in enumerate(key)}}
        for one, right in zip(rows, (20, 19), strict=True)
    }
    limits = Limits()
    found = answer(choose(gather(rows, answers=answers), limits), limits)
    # One of 40 items differs. All flips one way, Connor's formula is d sqrt(n) = 1.96 sqrt(d) +
    # 0.8416 sqrt(d - d^2) from d = 0.19 on: sqrt(40 * 0.19) = 2.757, 1.96 + 0.8416 * 0.9 = 2.717.
    assert found.warnings == (
        "Minimum detectable difference (80% power): 18.5 points on 40 items.",
    )
