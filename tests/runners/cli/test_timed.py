"""`weighin run --time`: what it says at its end, what it refuses, and what it expects before."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest

from evals.suites import Suite, SuiteTask
from runners.batches.looks import Summary
from runners.batches.timed_journal import LookTaken
from runners.batches.timed_stage import Stage
from runners.cli.timed import judged, refuse_beside_time, roomy
from runners.cli.timed_words import how_it_ended, sentences
from runners.records.looks import LooksInfo
from runners.records.reading import parse_record
from tests.leaderboard.conftest import EXAMPLE, Maker

LOOK = LookTaken(
    stage=1, information=1.0, spent=0.01, critical_z=2.8, begun=3, final=False, settled=False,
    detectable=0.034, flips={}, leaving={},
)  # fmt: skip
SUMMARY = Summary(
    given_s=1800.0, used_s=1752.0, begun=3, left=("a", "b"), slow=(), settled=False,
    looks=((LOOK, 96), (replace(LOOK, stage=2, final=True), 540)), needed_s=60.0,
    exhausted=False, further=(1020, 0.62),
)  # fmt: skip
OPTIONS = {"time_s": 1800.0, "job": None, "address": None, "against": None, "users": None,
           "no_score": False, "score": "once"}  # fmt: skip


def test_what_was_used_and_what_more_would_buy():
    assert list(sentences(SUMMARY)) == [
        "Used 29 min of 30 min: 2 looks, at 96, 540 items of each candidate.",
        "Were all 3 equal, any two would be told apart in at most 5% of such runs, all looks "
        "together.",
        # 62 % of 3.4 points.
        "30 min more: 1,020 items of each, and a minimum detectable difference (80% power) of 2.1 "
        "points instead of 3.4.",
    ]
    again = replace(SUMMARY, looks=((LOOK, 96), (replace(LOOK, final=True), 96)))
    assert next(sentences(again)) == "Used 29 min of 30 min: 1 look, at 96 items of each candidate."
    nothing = replace(SUMMARY, further=None)
    assert [*sentences(nothing)][-1] == (
        "There are no more items: more time needs a larger suite, or a higher --limit."
    )


def test_an_early_end_is_said():
    early = replace(SUMMARY, left=("a",), looks=((LOOK, 96),), used_s=300.0, settled=True)
    said = list(sentences(early))
    assert said[0] == "Settled in 5 min of 30 min: 1 look, at 96 items of each candidate."
    assert len(said) == 2
    alike = replace(early, looks=((replace(LOOK, settled=True), 96),))
    assert "one model's quantisations that answer alike" in [*sentences(alike)][1]
    # Who was too slow for it was not told from the one that is left.
    slow = replace(early, slow=("b",), settled=False)
    used, turned = [*sentences(slow)][:2]
    assert used.startswith("Used 5 min")
    assert turned == "b turned slow, and was asked no further: the others went on."


def test_too_little_time_is_said():
    none = replace(SUMMARY, looks=(), needed_s=2400.0)
    assert list(sentences(none)) == [
        "No look in 30 min: nothing is told apart; about 40 min would do."
    ]
    assert list(sentences(replace(none, begun=1, left=("a",)))) == []


def test_where_more_time_would_not_help_none_is_promised():
    none = replace(SUMMARY, looks=(), needed_s=None)
    assert list(sentences(none)) == ["No look in 30 min: nothing is told apart."]
    assert list(sentences(replace(none, exhausted=True))) == [
        "No look in 30 min: nothing is told apart; the suite has no more items."
    ]
    assert list(sentences(replace(none, left=("a",)))) == [
        "Only a came so far: there is nothing to compare it with."
    ]
    assert list(sentences(replace(none, left=()))) == [
        "No candidate came so far: there is nothing to compare."
    ]


def test_a_comparison_that_ended_before_says_how():
    made = Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))
    records = [
        made.record(name, job=made.base.job.model_copy(update={"looks": looks}))
        for name, looks in (
            ("a", LooksInfo(plan="p", time_s=60.0, look=2, looks=2, critical_z=2.0)),
            ("b", LooksInfo(plan="p", time_s=60.0, look=1, looks=1, critical_z=3.0,
                            stopped="outside the tie")),
        )
    ]  # fmt: skip
    assert how_it_ended([*records, made.record("a", repeat=1)]) == (
        "This comparison ended before, after 2 looks: a stayed until the end; b left at look 1 "
        "(outside the tie)."
    )
    alone = LooksInfo(plan="p", time_s=60.0, look=0, looks=0, critical_z=0.0)
    job = made.base.job.model_copy(update={"looks": alone})
    assert how_it_ended([made.record("a", job=job)]) == (
        "This comparison ended before: a stayed until the end."
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"time_s": 5.0}, "at least 10s"),
        ({"address": "local"}, "--on: looks need every candidate at one place"),
        ({"job": "plan.json"}, "--job: the plan decides"),
        ({"against": "f16"}, "--against: name the reference as a candidate"),
        ({"no_score": True}, "--no-score: without scores"),
        ({"users": "1,2"}, "--users: the time is spent on one user"),
        ({"score": "each"}, "--score each: tasks are answered once"),
    ],
)
def test_what_cannot_be_had_in_a_given_time_is_refused(changes: dict[str, object], why: str):
    refuse_beside_time(OPTIONS)
    refuse_beside_time({**OPTIONS, **changes, "time_s": None})
    with pytest.raises(click.UsageError, match=why):
        refuse_beside_time({**OPTIONS, **changes})


def test_a_given_time_makes_room_in_the_suite():
    suite = Suite(name="s", tasks=(SuiteTask(task="a", limit=40), SuiteTask(task="b"),
                                   SuiteTask(task="c", total=5000)))  # fmt: skip
    # Two a second of 300 s; at least 200 of a short time, at most 3,000 of a long one.
    found = roomy(suite, 300.0).tasks
    assert [(t.limit, t.total) for t in found] == [(600, None), (600, None), (None, 5000)]
    assert [roomy(suite, s).tasks[0].limit for s in (10.0, 1e5)] == [200, 3000]


def test_one_without_a_usable_score_leaves_and_the_others_are_judged():
    made = Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))
    stages = []
    for name, right in (("a", 30), ("broken", 0), ("b", 10)):
        odd = {"unusable": "its acc is NaN"} if name == "broken" else {}
        task = made.task(right / 40, 40, **odd)
        record = made.record(name, tasks={"t": task}, status="completed")
        scores = [1.0] * right + [0.0] * (40 - right)
        stages.append(Stage(record, made.samples({"t": scores})))
    found = judged(stages, [], 1.0, 3)
    assert found is not None
    assert found.leaving == ((1, "no usable score"), (2, "outside the tie"))
    assert found.spent == pytest.approx(0.05)
    # Of one alone there is nothing to judge.
    assert judged(stages[:2], [], 1.0, 3) is None
