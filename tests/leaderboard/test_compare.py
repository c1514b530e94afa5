from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import RecordError
from leaderboard.answers import NO_ITEM_SCORES, ItemKey
from leaderboard.compare import NO_SAMPLES, NO_SHARED, Side, compare
from leaderboard.paired import paired_difference

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
        ("a", "b"), ("a", "c"),
    ]  # fmt: skip
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


def test_a_perplexity_does_not_enter_the_mean(made: Maker):
    scores = {"t": [1.0, 0.0]}
    tasks = {"t": made.task(0.5, 2), "p": made.task(7.4, 2, group="p", metric="perplexity")}
    both = [
        Side(runs=(made.record(name, tasks=tasks),), samples=made.samples({**scores, "p": [0, 0]}))
        for name in ("a", "b")
    ]
    (found,) = compare(both)
    assert found.tasks[1].reason == f"p: {NO_ITEM_SCORES}"
    assert found.overall
    assert found.overall.n == 2


def test_without_samples_there_are_times_alone(made: Maker):
    a = side(made, "a", {"t": [1, 0]})
    (found,) = compare([a, Side(runs=a.runs)])
    assert (found.overall, found.overall_reason, found.items) == (None, NO_SAMPLES, ())
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
