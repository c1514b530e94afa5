from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import RecordError
from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.tasks import NO_SAMPLES, NO_SHARED
from leaderboard.rows.answers import NO_LIKELIHOODS, ItemKey
from leaderboard.stats.paired_means import paired_difference
from runners.records.looks import LooksInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def side(made: Maker, name: str, scores: dict[str, list[float]], **given: Any) -> Side:
    tasks = {
        task: made.task(sum(v) / len(v) if v else None, len(v), group=task)
        for task, v in scores.items()
    }
    return Side(runs=(made.record(name, tasks=tasks, **given),), samples=made.samples(scores))


def test_two_candidates(made: Maker):
    # t: of five items one gained, two lost. u: all four gained.
    a = side(made, "a", {"t": [1, 1, 0, 1, 0], "u": [0, 0, 0, 0]})
    b = side(made, "b", {"t": [0, 0, 1, 1, 0], "u": [1, 1, 1, 1]})
    (found,) = compare([a, b])
    t, u = found.tasks
    assert (t.name, t.metric, t.reference, t.other) == ("t", "acc", 0.6, 0.4)
    assert t.paired
    assert u.paired
    assert (t.paired.gained, t.paired.lost, t.paired.p) == (1, 2, 1.0)
    # McNemar of four against none: 2/16; the smaller of two: doubled by Benjamini-Hochberg.
    assert (u.paired.p, u.p_adjusted, t.p_adjusted) == (0.125, 0.25, 1.0)
    # Over all: (-0.2 + 1) / 2, each task counting once.
    assert found.overall
    assert found.overall.difference == pytest.approx(0.4)
    assert (found.overall.gained, found.overall.lost, found.overall.n) == (5, 2, 9)
    assert [(i.part, i.key.doc_id, i.reference_score, i.other_score) for i in found.items] == [
        ("t", 0, 1, 0), ("t", 1, 1, 0), ("t", 2, 0, 1),
        ("u", 0, 0, 1), ("u", 1, 0, 1), ("u", 2, 0, 1), ("u", 3, 0, 1),
    ]  # fmt: skip
    first = found.items[0]
    assert (first.reference_logprobs, first.target, first.prompt) == ((-1.0, -2.0), "0", None)
    assert (found.mismatches, found.overall_reason) == ((), "")


def test_weights_of_tasks(made: Maker):
    a = side(made, "a", {"t": [1, 1, 0, 1, 0], "u": [0, 0, 0, 0]})
    b = side(made, "b", {"t": [0, 0, 1, 1, 0], "u": [1, 1, 1, 1]})
    (found,) = compare([a, b], weights={"u": 0.0})
    assert found.overall
    assert found.overall.difference == pytest.approx(-0.2)


def test_a_candidate_against_itself(made: Maker):
    a = side(made, "a", {"t": [1, 0] * 20})
    (found,) = compare([a, a])
    assert found.overall
    assert (found.overall.difference, found.overall.p, found.items) == (0, 1, ())
    # Forty items without a flip still leave z^2 / (40 + z^2).
    assert found.overall.interval.high == pytest.approx(0.0876, abs=1e-4)


def test_each_side_is_compared_with_the_first(made: Maker):
    sides = [side(made, name, {"t": [1, 0, x]}) for name, x in (("a", 0), ("b", 1), ("c", 0))]
    found = compare(sides)
    assert [(c.reference.candidate.name, c.other.candidate.name) for c in found] == [
        ("a", "b"),
        ("a", "c"),
    ]
    assert [len(c.items) for c in found] == [1, 0]
    for few in (sides[:1], sides * 2, [Side(runs=()), sides[0]]):
        with pytest.raises(ValueError, match="compare two to 4"):
            compare(few)


def test_subjects_of_a_group_are_one_set_of_items(made: Maker):
    def group(name: str, scores: dict[str, list[float]]) -> Side:
        tasks = {t: made.task(sum(v) / len(v), len(v), group="g") for t, v in scores.items()}
        return Side(runs=(made.record(name, tasks=tasks),), samples=made.samples(scores))

    a, b = group("a", {"x": [0, 0, 0], "y": [1]}), group("b", {"x": [1, 0, 0], "y": [0]})
    (task,) = compare([a, b])[0].tasks
    assert task.name == "g"
    assert task.paired == paired_difference([0, 0, 0, 1], [1, 0, 0, 0])


def test_items_of_a_passage_and_repetitions_are_clusters(made: Maker):
    tasks = {"t": made.task(0.5, 4)}
    items = {"t": ["same", "same", "p", "q"]}
    a, b = (
        Side(
            runs=(made.record(name, tasks=tasks),), samples=made.samples({"t": scores}, items=items)
        )
        for name, scores in (("a", [0, 0, 1, 1]), ("b", [1, 1, 1, 0]))
    )
    plain = compare([a, b])[0].tasks[0].paired
    assert plain
    assert (plain.n, plain.clusters) == (4, 3)
    passage = {ItemKey("t", "p", 2): "text", ItemKey("t", "q", 3): "text"}
    grouped = compare([a, b], clusters=passage)[0].tasks[0].paired
    assert grouped
    assert grouped.clusters == 2


def test_what_was_not_asked_the_same_is_refused(made: Maker):
    a = side(made, "a", {"t": [1, 0]})
    b = side(made, "b", {"t": [1, 0]}, suite={"digest": "new", "version": 2})
    with pytest.raises(RecordError, match="not asked the same: suite: tiny version 1"):
        compare([a, b])
    (found,) = compare([a, b], insist=True)
    assert [m.kind for m in found.mismatches] == ["suite"]
    assert found.overall


def test_items_missing_on_one_side_are_listed(made: Maker):
    a = side(made, "a", {"t": [1, 0, 1]})
    short = made.record("b", tasks={"t": made.task(1.0, 2, asked=3)}, status="interrupted")
    b = Side(runs=(short,), samples=made.samples({"t": [1, 1]}))
    (task,) = compare([a, b])[0].tasks
    assert (task.only_reference, task.only_other) == ((ItemKey("t", "t-2", 2),), ())
    assert task.paired
    # Both means are over the two items that both answered.
    assert (task.paired.n, task.reference, task.other) == (2, 0.5, 1.0)


def test_a_task_that_one_side_did_not_reach(made: Maker):
    a = side(made, "a", {"t": [1, 0], "u": [1]})
    tasks = {"t": made.task(0.5, 2, group="t"), "u": made.task(None, 0, asked=1, group="u")}
    b = Side(
        runs=(made.record("b", tasks=tasks, status="failed"),),
        samples=made.samples({"t": [1, 0]}),
    )
    (found,) = compare([a, b])
    assert found.tasks[1].reason == NO_SHARED
    assert found.tasks[1].only_reference == (ItemKey("u", "u-0", 0),)
    assert (found.overall, found.overall_reason) == (None, f"u: {NO_SHARED}")


def perplexed(made: Maker, name: str, nats: list[float]) -> Side:
    """A side with a task of two items and one of as many documents, of ten words each."""
    task = made.task(7.4, len(nats), group="p", metric="word_perplexity", higher_is_better=False)
    tasks = {"t": made.task(0.5, 2), "p": task}
    words = [None] * 2 + [10.0] * len(nats)
    table = made.samples(
        {"t": [1.0, 0.0], "p": [None] * len(nats)},
        **{
            "metric.word_perplexity": [None, None, *nats],
            "weight.word_perplexity": words,
        },
    )
    return Side(runs=(made.record(name, tasks=tasks),), samples=table)


def test_a_perplexity_is_compared_by_documents_and_enters_no_mean(made: Maker):
    nats = [-20.0, -22.0, -19.0, -25.0, -21.0, -23.0]
    # One nat less in each document of ten words: e^0.1 = 1.105 times the perplexity, to the digit.
    (found,) = compare([perplexed(made, "a", nats), perplexed(made, "b", [x - 1 for x in nats])])
    task = found.tasks[1]
    assert (task.name, task.counts, task.paired, task.recorded) == ("p", False, None, (7.4, 7.4))
    assert task.likelihood
    assert task.likelihood.loss == pytest.approx(0.1)
    assert task.likelihood.interval
    assert task.likelihood.interval.low == task.likelihood.interval.high == pytest.approx(0.1)
    assert task.likelihood.documents == 6
    assert found.overall
    assert found.overall.n == 2


def test_a_perplexity_without_its_documents_words_is_not_compared(made: Maker):
    old = perplexed(made, "a", [-20.0, -22.0])
    assert old.samples
    old = replace(old, samples=old.samples.drop_columns(["weight.word_perplexity"]))
    (found,) = compare([old, perplexed(made, "b", [-20.0, -22.0])])
    assert found.tasks[1].likelihood is None
    assert found.tasks[1].reason == f"a: {NO_LIKELIHOODS}"
    assert found.overall


def test_one_item_without_a_score_leaves_no_mean(made: Maker):
    good = side(made, "a", {"t": [1, 0], "u": [1, 1]})
    tasks = {"t": made.task(0.5, 2, group="t"), "u": made.task(None, 2, group="u")}
    table = made.samples({"t": [1, 0], "u": [1, float("nan")]})
    (found,) = compare([good, Side(runs=(made.record("b", tasks=tasks),), samples=table)])
    reason = "b: 1 of 2 items have no usable acc: documents 1 (NaN)"
    assert found.tasks[0].paired
    assert (found.tasks[1].paired, found.tasks[1].reason) == (None, reason)
    assert (found.overall, found.overall_reason) == (None, f"u: {reason}")


def test_without_samples_there_are_times_alone(made: Maker):
    a = side(made, "a", {"t": [1, 0]})
    (found,) = compare([a, Side(runs=a.runs)])
    assert (found.overall, found.overall_reason, found.items) == (None, f"t: {NO_SAMPLES}", ())
    assert found.tasks[0].reason == NO_SAMPLES
    assert found.axes


def test_the_newest_run_with_answers_counts(made: Maker):
    scored = [made.record("a", repeat=i, tasks={"t": made.task(0.5, 2)}) for i in (0, 1)]
    timed = made.record("a", repeat=2)
    assert Side(runs=(*scored, timed)).scored is scored[1]
    assert Side(runs=(timed,)).scored is timed


def test_items_about_one_passage_belong_together(made: Maker):
    """Twelve items on three passages: all of one passage lost together."""
    scores = [1.0] * 12, [0.0] * 4 + [1.0] * 8
    texts = ["p"] * 4 + ["q"] * 4 + ["r"] * 4
    sides = [
        Side(
            runs=(made.record(name, tasks={"t": made.task(sum(v) / 12, 12)}),),
            samples=made.samples({"t": v}, passage=texts),
        )
        for name, v in zip("ab", scores, strict=True)
    ]
    (found,) = compare(sides)
    paired = found.tasks[0].paired
    assert paired
    assert (paired.n, paired.clusters, paired.lost) == (12, 3, 4)
    # What is given goes before what the samples say.
    alone = {("t", f"t-{i}", i): i for i in range(12)}
    (found,) = compare(sides, clusters=alone)  # type: ignore[arg-type]
    wide = paired.interval.high - paired.interval.low
    paired = found.tasks[0].paired
    assert paired
    assert paired.clusters == 12
    assert paired.interval.high - paired.interval.low < wide


@pytest.mark.parametrize("confidence", [0.90, 0.95])
def test_runs_of_a_given_time_are_compared_at_the_level_of_their_look(
    made: Maker, confidence: float
):
    # 2 Φ(-2.8) = 0.0051: an interval of 99.5 %, whatever is asked for less.
    scores = {"t": [1.0] * 30 + [0.0] * 10}, {"t": [1.0] * 20 + [0.0] * 20}
    looks = LooksInfo(plan="p", time_s=60.0, look=1, looks=1, critical_z=2.8)
    found = []
    for job in (made.base.job, made.base.job.model_copy(update={"looks": looks})):
        sides = [
            Side(
                runs=(made.record(name, tasks={"t": made.task(0.5, 40)}, job=job),),
                samples=made.samples(one),
            )
            for name, one in zip("ab", scores, strict=True)
        ]
        found.append(compare(sides, confidence=confidence)[0])
    plain, looked = found
    expected = paired_difference(*(one["t"] for one in scores), confidence=confidence)
    assert plain.overall is not None
    assert plain.overall.interval == expected.interval
    assert plain.accuracy_level == 0.05
    level = looked.accuracy_level
    assert level == pytest.approx(0.0051, abs=1e-4)
    wider = paired_difference(*(one["t"] for one in scores), confidence=1 - level)
    assert looked.overall is not None
    assert looked.overall.interval == wider.interval
