from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard.choose.choice import Choice, choose
from leaderboard.choose.limits import Limits
from leaderboard.choose.resampling import gather
from leaderboard.rows.address import read_query
from leaderboard.rows.answers import ItemKey
from leaderboard.rows.row import merged
from leaderboard.rows.view import PREFERENCES

if TYPE_CHECKING:
    from leaderboard.rows.peers import Scores
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def choice(
    rows: list[Row], bounds: dict[str, float] | None = None, prefer: Any = "smallest", **given: Any
) -> Choice:
    return choose(gather(rows, **given), Limits(bounds=bounds or {}), prefer=prefer)


def scores(right: int, n: int) -> Scores:
    return {"t": {ItemKey("t", str(i), i): float(i < right) for i in range(n)}}


def test_the_most_accurate_that_fits(made: Maker):
    rows = [
        made.row("large", 0.8, 10_000, peak=500 * MIB),
        made.row("medium", 0.7, 10_000, peak=200 * MIB),
        made.row("small", 0.6, 10_000, peak=100 * MIB),
    ]
    found = choice(rows, {"memory": 200 * MIB})
    assert found.row is rows[1]
    assert found.tied == (rows[1],)
    assert found.certainty == 1
    first, second = found.standings
    assert (first.row, first.accuracy, first.fits, first.shortfall) == (rows[1], 0.7, 1, 0)
    assert (second.row, second.probability) == (rows[2], 0)
    assert second.shortfall == pytest.approx(0.1, abs=2e-3)
    assert [r.row for r in found.admission.refused] == [rows[0]]


@pytest.mark.parametrize(
    ("peak", "decode", "smallest", "fastest"),
    [
        # 0.4 % less memory and 0.4 % more speed are nothing that anyone would notice.
        (996, 50.2, 0, 0),
        (990, 50.0, 1, 0),
        (1000, 51.0, 0, 1),
    ],
)
def test_what_nobody_notices_does_not_decide_a_tie(
    made: Maker, peak: int, decode: float, smallest: int, fastest: int
):
    rows = [
        made.row("a", 0.52, 100, peak=1000 * MIB, decode=50.0),
        made.row("b", 0.51, 100, peak=peak * MIB, decode=decode),
    ]
    assert choice(rows, prefer="smallest").row is rows[smallest]
    assert choice(rows, prefer="fastest").row is rows[fastest]


def test_of_a_tie_the_preferred_is_shipped(made: Maker):
    rows = [
        made.row("a", 0.52, 100, peak=300 * MIB, decode=50),
        made.row("b", 0.51, 100, peak=100 * MIB, decode=40),
        made.row("c", 0.50, 100, peak=200 * MIB, decode=90),
        made.row("d", 0.10, 100, peak=50 * MIB, decode=200),
    ]
    shipped = {prefer: choice(rows, prefer=prefer).row for prefer in PREFERENCES}
    assert shipped == {"smallest": rows[1], "fastest": rows[2], "accurate": rows[0]}
    found = choice(rows)
    assert found.tied == (rows[0], rows[1], rows[2])
    assert found.other is rows[0]
    assert found.against
    assert found.against.difference == pytest.approx(-0.01)
    assert found.certainty is None
    assert found.preferred == shipped


def test_an_address_knows_the_preferences():
    found = [read_query({"prefer": [one]}) for one in PREFERENCES]
    assert [(view.prefer, problems) for view, problems in found] == [(p, ()) for p in PREFERENCES]


def test_shortfall_of_a_close_call(made: Maker):
    # Two of 100 items each, 0.55 and 0.5: draws differ by 0.05 with a standard deviation of
    # sqrt(0.55 * 0.45 + 0.25) / sqrt(102) ~ 0.0698. Unshrunk z = 0.716 and the second falls short
    # by 0.05 + s (phi(z) - z (1 - Phi(z))) = 0.05 + 0.0098. Shrunk, both lie nearer.
    found = choice([made.row("b", 0.5, 100), made.row("a", 0.55, 100)], draws=20_000)
    first, second = found.standings
    assert first.row.record.candidate.name == "a"
    assert 0.5 < first.probability < 0.763
    assert first.probability + second.probability == pytest.approx(1)
    assert 0 < first.shortfall < second.shortfall < 0.06
    assert second.shortfall - first.shortfall < 0.05
    assert first.expected < first.accuracy
    assert second.expected > second.accuracy


def test_the_same_answers_are_a_tie(made: Maker):
    rows = [made.row("large", 0.5, 40, peak=2 * MIB), made.row("small", 0.5, 40, peak=MIB)]
    answers = {row.record.run_id: scores(20, 40) for row in rows}
    found = choice(rows, answers=answers)
    assert found.paired
    assert found.row is rows[1]  # of equals the smaller
    assert [(one.probability, one.shortfall) for one in found.standings] == [(0.5, 0), (0.5, 0)]


def test_one_item_is_no_certainty(made: Maker):
    # McNemar p = 1. Without a prior the first was the best in every draw; with it in 82 %.
    rows = [made.row("a", 1.0, 400), made.row("b", 399 / 400, 400)]
    answers = {rows[0].record.run_id: scores(400, 400), rows[1].record.run_id: scores(399, 400)}
    found = choice(rows, answers=answers, draws=8000)
    assert len(found.tied) == 2
    assert 0.5 < found.standings[0].probability <= 0.83


def test_a_run_is_what_must_fit(made: Maker):
    # 49 tokens/s on average where 50 are wanted, over runs that vary by 10 %: in many a run it
    # fits, and is far more accurate.
    runs = [
        made.record("a", repeat=i, decode=d, tasks={"t": made.task(0.9, 1000)})
        for i, d in enumerate([44.0, 49.0, 54.0])
    ]
    slow = merged([*runs, made.record("b", decode=90, tasks={"t": made.task(0.5, 1000)})])
    found = choice(slow, {"decode": 50}, draws=20_000)
    assert found.row is slow[1]
    assert found.runs_vary
    # Two degrees of freedom, spread 5 / 49 = 0.102; of a run about the mean sqrt(1 + 1/3) of it:
    # ln(50 / 49) / 0.1178 = 0.1715, and P(t2 > 0.1715) = (1 - 0.1715 / sqrt(2 + 0.0294)) / 2.
    (standing,) = found.standings
    assert 1 - standing.probability == pytest.approx(0.440, abs=0.02)
    assert standing.shortfall == pytest.approx(0.440 * 0.4, abs=0.02)


def test_a_limit_must_hold_the_largest_run(made: Maker):
    runs = [made.record("a", repeat=i, peak=p * MIB) for i, p in enumerate([100, 100, 130])]
    (row,) = merged(runs)
    assert row.value("memory") == 130 * MIB
    refused = choice([row], {"memory": 120 * MIB}).admission.refused
    assert [r.reasons[0].text for r in refused] == ["peak memory 130 MiB (at most 120 MiB)"]


def test_what_failed_is_not_shipped_however_likely(made: Maker):
    rows = [made.row("a", 0.9, status="failed"), made.row("b", 0.4)]
    found = choice(rows)
    assert found.row is rows[1]
    assert found.certainty == 1


def test_weights_change_the_answer(made: Maker):
    from leaderboard.rows.row import row

    def two(name: str, t: float, u: float) -> Row:
        tasks = {"t": made.task(t, 500, group="t"), "u": made.task(u, 500, group="u")}
        return row(made.record(name, tasks=tasks))

    rows = [two("a", 0.9, 0.2), two("b", 0.3, 0.7)]
    assert choice(rows).row is rows[0]
    found = choice(rows, weights={"t": 0.1})
    assert found.row is rows[1]
    # 0.73 = 0.1 times 0.3, plus 0.7; the weights add up to 1.1.
    assert found.standings[0].accuracy == pytest.approx(0.73 / 1.1)


def test_unlike_machines_are_refused(made: Maker):
    elsewhere = made.row("b", machine={**made.base.machine.said(), "fingerprint": "other"})
    with pytest.raises(ValueError, match="more than one machine"):
        choice([made.row("a"), elsewhere])


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(
    numbers=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), min_size=1, max_size=6),
    limit=st.integers(1, 9),
)
def test_probabilities_are_shares_and_the_answer_fits(made: Maker, numbers, limit):
    rows = [made.row(str(i), r / 30, 30, peak=p * MIB) for i, (r, p) in enumerate(numbers)]
    found = choice(rows, {"memory": limit * MIB}, draws=50)
    if found.row is None:
        assert all(peak > limit for _, peak in numbers)
        return
    best = max(r / 30 for r, p in numbers if p <= limit)
    assert found.standings[0].accuracy == best
    assert found.row in found.alike
    assert set(map(id, found.alike)) <= set(map(id, found.tied))
    # What Compare tells from the best is not shipped, though it ties among many.
    peaks = [row.value("memory") or 0 for row in found.alike]
    assert found.row.value("memory") == min(peaks) <= limit * MIB
    # Single runs: nobody else could fit.
    assert sum(one.probability for one in found.standings) == pytest.approx(1)
    assert all(one.shortfall >= 0 for one in found.standings)
