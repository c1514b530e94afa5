from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from leaderboard.rows.answers import Answers, read_answers
from leaderboard.runs.deadline import NO_GENERATION, NO_TIMES, deadline_curves, steps, within
from leaderboard.stats.intervals import proportion_interval

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def generated(
    made: Maker,
    scores: list[float],
    ends: list[list[float] | None],
    prefill: list[float | None] | None = None,
    asked: int | None = None,
) -> Answers:
    n = len(scores)
    task = made.task(sum(scores) / n, n, asked=asked or n, group="gsm")
    record = made.record(tasks={"gsm": task})
    samples = made.samples({"gsm": scores})
    for name, values in {
        "answer": pa.array(["text"] * n),
        "token_s": pa.array(ends, pa.list_(pa.float64())),
        "prefill_s": pa.array(prefill or [0.1] * n, pa.float64()),
    }.items():
        at = samples.column_names.index(name) if name in samples.column_names else None
        samples = (
            samples.append_column(name, values)
            if at is None
            else samples.set_column(at, name, values)
        )
    return read_answers(record, samples)


def test_an_answer_counts_once_its_last_token_is_there(made: Maker) -> None:
    # Complete after 1, 2, 3, 4 s; the second is wrong.
    curves, reason = deadline_curves(
        generated(made, [1, 0, 1, 1], [[0.5, 1.0], [2.0], [1.0, 3.0], [4.0]])
    )
    assert reason == ""
    curve = curves[0]
    assert (curve.task, curve.n, curve.asked) == ("gsm", 4, 4)
    assert steps(curve) == ((0.0, 1.0, 2.0, 3.0, 4.0), (0.0, 0.25, 0.25, 0.5, 0.75))
    assert within(curve, 0.9).share == 0
    assert within(curve, 1.0).share == 0.25
    assert within(curve, 3.5).share == 0.5
    assert within(curve, 100).share == 0.75


def test_a_share_has_wilsons_interval_of_its_items(made: Maker) -> None:
    curve = deadline_curves(generated(made, [1, 0, 1, 1], [[1.0], [2.0], [3.0], [4.0]]))[0][0]
    found = within(curve, 3.0)
    # 2 of 4, z² = 3.8415: centre 0.5, half-width 1.96 · sqrt(0.25/4 + 3.8415/64) / 1.9604 = 0.35.
    assert found.interval.low == pytest.approx(0.15, abs=1e-3)
    assert found.interval.high == pytest.approx(0.85, abs=1e-3)
    assert found.n == 4


def test_answers_about_one_passage_count_as_one(made: Maker) -> None:
    # Two passages of two answers that go together: as one of two items.
    answers = generated(made, [1, 1, 0, 0], [[1.0], [2.0], [3.0], [4.0]])
    passages = pa.array(["a", "a", "b", "b"])
    samples = answers.samples.append_column("passage", passages)
    curve = deadline_curves(read_answers(answers.record, samples))[0][0]
    found = within(curve, 9.0)
    # The design effect is 3, as 2 · 2 / 16 = 1/4 is to 1/3/4: n / 3.
    assert found.interval == proportion_interval(0.5, None, 4, design_effect=3)
    assert found.n == 4


def test_the_curve_never_falls_and_ends_at_the_score(made: Maker) -> None:
    curve = deadline_curves(generated(made, [0.5, 1.0, 0.0], [[9.0], [1.0], [5.0]]))[0][0]
    _, shares = steps(curve)
    assert list(shares) == sorted(shares)
    assert shares[-1] == pytest.approx(0.5)


def test_an_answer_that_ended_before_its_first_token_took_its_prefill(made: Maker) -> None:
    curve = deadline_curves(generated(made, [1], [[]], [0.25]))[0][0]
    assert curve.times_s == (0.25,)


def test_an_answer_without_any_time_is_named(made: Maker) -> None:
    curves, reason = deadline_curves(generated(made, [1], [None], [None]))
    assert curves == ()
    assert reason == f"gsm: {NO_TIMES}"


def test_unanswered_items_are_told_and_not_counted_as_wrong(made: Maker) -> None:
    curve = deadline_curves(generated(made, [1, 1], [[1.0], [2.0]], asked=50))[0][0]
    assert (curve.n, curve.asked) == (2, 50)
    assert within(curve, 2.0).share == 1.0


def test_likelihood_tasks_have_no_curve(made: Maker) -> None:
    record = made.record(tasks={"t": made.task(0.5, 2)})
    samples = made.samples({"t": [1, 0]})
    assert deadline_curves(read_answers(record, samples)) == ((), NO_GENERATION)
    timed = samples.append_column("token_s", pa.array([None, None], pa.list_(pa.float64())))
    assert deadline_curves(read_answers(record, timed)) == ((), NO_GENERATION)
