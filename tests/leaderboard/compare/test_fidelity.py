"""Fidelity to a reference: by hand, and the known answers of the reference runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.fidelity import (
    ONLY_LABELS,
    choice_divergence,
    fidelity,
    same_weights,
)
from leaderboard.compare.texts import BYTES_A_TOKEN, NO_CHOICES, NO_SIZES
from leaderboard.rows.answers import Answers, ItemKey, read_answers
from leaderboard.stats.intervals import Interval
from tests.support.reference import STORE, ladder_runs

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def answers(
    made: Maker,
    name: str,
    nats: dict[str, list[list[float]]],
    candidate: dict[str, Any] | None = None,
    **columns: list[Any],
) -> Answers:
    """A run with these log-likelihoods by task and item; all scores are 1."""
    scores = {task: [1.0] * len(items) for task, items in nats.items()}
    tasks = {task: made.task(1.0, len(v), group=task) for task, v in scores.items()}
    given = [one for items in nats.values() for one in items]
    record = made.record(name, tasks=tasks, candidate=candidate)
    return read_answers(record, made.samples(scores, logprobs=given, **columns))


def test_by_hand(made: Maker):
    # Item 0: 4 and 2 nats over two choices of 3 tokens, then 5 and 3: 2 lost. Item 1: nothing lost
    # in 5 tokens. 2 / 8 = 0.25 nats a token: e^0.25.
    a = answers(made, "a", {"t": [[-4.0, -2.0], [-6.0, -1.0]]}, tokens=[3, 5])
    b = answers(made, "b", {"t": [[-5.0, -3.0], [-6.0, -1.0]]}, tokens=[3, 5])
    found = fidelity(a, b)
    assert found.loss
    assert (found.loss.loss, found.tokens, found.unit) == (0.25, 8.0, "token")
    assert found.ratio == pytest.approx(math.exp(0.25))
    assert [(one.name, one.loss, one.items) for one in found.tasks] == [("t", 0.25, 2)]
    # Both choices lost the same, so that nothing is chosen otherwise and no share moves.
    assert (found.changed, found.choices, found.changed_share) == (0, 2, 0.0)
    assert found.divergence == pytest.approx(0.0, abs=1e-12)
    # Two items have no interval.
    assert (found.interval, found.verdict()) == (None, "cannot tell")


def test_three_verdicts(made: Maker):
    # 20 items of 10 tokens that all lose the same: the interval is that one rate.
    sizes = [10, 11] * 10
    a = answers(made, "a", {"t": [[-9.0]] * 20}, tokens=sizes)

    def against(rates: list[float]) -> Any:
        nats = [[-9.0 - rate * size] for rate, size in zip(rates, sizes, strict=True)]
        return fidelity(a, answers(made, "b", {"t": nats}, tokens=sizes))

    assert against([0.01] * 20).verdict() == "pass"
    assert against([0.03] * 20).verdict() == "regressed"
    assert against([0.03] * 20).verdict(margin=0.05) == "pass"
    # ln 1.02 = 0.0198 lies between.
    assert against([0.0, 0.03] * 10).verdict() == "cannot tell"
    assert against([-0.03] * 20).verdict() == "pass"


def test_the_divergence_over_choices():
    # 3/4 and 1/4 against halves: 3/4 ln(3/2) + 1/4 ln(1/2) = 0.1308. A common shift changes none.
    p = [math.log(0.75) - 3, math.log(0.25) - 3]
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert choice_divergence(p, [-8.0, -8.0]) == pytest.approx(expected)
    assert choice_divergence(p, p) == 0


def test_labels_are_left_out(made: Maker):
    # Letters have one token each in every item; the texts of `t` have not. What was lost on letters
    # does not count, but a choice that changed there does.
    nats = {"t": [[-4.0, -2.0], [-6.0, -1.0]], "letters": [[-1.0, -2.0], [-2.0, -3.0]]}
    worse = {"t": nats["t"], "letters": [[-9.0, -2.0], [-9.0, -9.5]]}
    sizes = [2, 5, 2, 2]
    found = fidelity(
        answers(made, "a", nats, tokens=sizes), answers(made, "b", worse, tokens=sizes)
    )
    assert found.loss
    assert (found.loss.loss, found.labels, found.changed, found.choices) == (0, ("letters",), 1, 4)
    alone = fidelity(
        answers(made, "a", nats, tokens=sizes),
        answers(made, "b", worse, tokens=sizes),
        only=["letters"],
    )
    assert (alone.loss, alone.reason, alone.verdict()) == (None, ONLY_LABELS, None)


def test_one_choice_of_one_token_is_a_text(made: Maker):
    # A last word to be guessed, as in LAMBADA, is no label.
    a = answers(made, "a", {"t": [[-1.0], [-2.0]]}, tokens=[1, 1])
    assert fidelity(a, a).labels == ()


def test_other_tokenizers_are_refused(made: Maker):
    a = answers(made, "a", {"t": [[-4.0, -2.0], [-6.0, -1.0]]}, tokens=[3, 5])
    b = answers(made, "b", {"t": [[-4.0, -2.0], [-6.0, -1.0]]}, tokens=[3, 6])
    found = fidelity(a, b)
    assert found.loss is None
    assert found.reason == (
        "other tokenizers: 1 of 2 items have other numbers of tokens (the first 5 and 6), so nats "
        "a token are not comparable"
    )


def test_bytes_stand_for_tokens_that_are_not_known(made: Maker):
    nats = {"t": [[-4.0, -2.0], [-6.0, -1.0]]}
    worse = {"t": [[-5.0, -3.0], [-6.0, -1.0]]}
    a, b = (answers(made, n, v, bytes=[24, 40]) for n, v in (("a", nats), ("b", worse)))
    found = fidelity(a, b)
    assert found.loss
    # 2 nats in 64 bytes, four of which count as a token.
    assert (found.unit, found.tokens) == ("byte", 64 / BYTES_A_TOKEN)
    assert found.loss.loss == 2 / 16
    # The tokens of one side are enough: the texts are the same.
    ours = answers(made, "c", worse, tokens=[3, 5])
    assert fidelity(a, ours).tokens == 8
    assert fidelity(*(answers(made, n, nats) for n in "ab")).reason == NO_SIZES


def test_what_cannot_be_compared_says_why(made: Maker):
    nats = {"t": [[-4.0, -2.0], [-6.0, -1.0]]}
    a = answers(made, "a", nats, tokens=[3, 5])
    odd = answers(made, "b", {"t": [[-4.0, -2.0], [-math.inf, -1.0]]}, tokens=[3, 5])
    assert fidelity(a, odd).reason == (
        "log-likelihoods of 1 items are not finite, e.g. of document 1 of t"
    )
    none = answers(made, "c", {"t": [[], []]}, tokens=[3, 5])
    assert fidelity(a, none).reason == NO_CHOICES
    cut = answers(made, "d", nats, tokens=[3, 5], truncated=[False, True])
    found = fidelity(a, cut)
    assert found.loss
    assert found.loss.items == 1


def test_choices_that_are_asked_twice_are_counted_once(made: Maker):
    # Two choices and the same without their context: the second half chooses nothing.
    twice: dict[str, Any] = {"tokens": [4, 6], "metric.acc_mutual_info": [1.0, 1.0]}
    a = answers(made, "a", {"t": [[-1.0, -2.0, -9.0, -8.0], [-1.0, -2.0, -9.0, -8.0]]}, **twice)
    b = answers(made, "b", {"t": [[-1.0, -2.0, -0.5, -8.0], [-2.0, -1.0, -9.0, -8.0]]}, **twice)
    found = fidelity(a, b)
    assert (found.changed, found.choices) == (1, 2)
    # Only the second item's first half turned: p = 0.731 and 0.269, ln p - ln q = 1 and -1; half
    # of 0.462 on average.
    assert found.divergence == pytest.approx(0.231, abs=1e-3)


def test_packing_has_its_own_distance(made: Maker):
    # The probe scored item 0 plainly at -4 and -2, packed at -4.1 and -2.1: 0.2 nats in 4 tokens.
    nats = {"t": [[-4.1, -2.1], [-6.0, -1.0]], "letters": [[-1.0, -2.0], [-1.0, -2.0]]}
    plain = [[-4.0, -2.0], None, [-9.0, -1.0], None]
    sizes = [4, 5, 2, 2]
    a = answers(made, "a", nats, tokens=sizes, plain_logprobs=plain)
    b = answers(made, "b", nats, tokens=sizes)
    floor = fidelity(a, b).floor
    assert floor.loss == pytest.approx(0.05)
    assert floor.divergence == pytest.approx(0.0, abs=1e-6)
    assert fidelity(b, b).floor.loss is None


def test_which_weights_are_the_same(made: Maker):
    def record(name: str, **about: Any) -> Any:
        usual = {"weights_sha256": name, "source": None, "made_from": None}
        return made.record(name, candidate={**usual, **about})

    base = record("base", source="pypi:x#a.gguf")
    assert same_weights(base, record("b", weights_sha256="base"))
    assert same_weights(base, record("b", source="pypi:x#a.gguf", made_from="base (Q4_1)"))
    assert not same_weights(base, record("tuned", source="pypi:x#b.gguf"))
    local = record("local")
    assert same_weights(local, record("b", made_from="local (F16)"))
    assert same_weights(local, record("b", made_from="local (F16), converted by transformers 5"))
    assert same_weights(record("b", made_from="x (F16)"), record("c", made_from="x (F16)"))
    assert not same_weights(local, record("c", made_from="other (F16)"))
    # What a candidate's file declares names the candidate; its own file lies elsewhere.
    declared = record("d", source="file:/d.gguf", made_from="local")
    assert same_weights(local, declared)
    assert not same_weights(base, declared)


@pytest.fixture(scope="module")
def rungs() -> dict[str, Answers]:
    scored = [record for record in ladder_runs() if record.job.scores]
    return {
        record.candidate.name.removeprefix("smollm2-135m-instruct-"): read_answers(
            record, STORE.answers(record)
        )
        for record in scored
    }


def test_the_reference_runs(rungs: dict[str, Answers]):
    """Without a new measurement: the records are of the first schema."""
    found = {name: fidelity(rungs["f16"], rungs[name]) for name in rungs if name != "f16"}
    ratios = {name: round(one.ratio or 0, 3) for name, one in found.items()}
    assert ratios == {"q4_1": 1.003, "q8_0": 1.006, "q4_k_m": 1.070, "q4_0": 1.190, "q2_k": 1.302}
    assert {one.labels for one in found.values()} == {("boolq", "commonsense_qa", "mmlu")}
    assert {len(one.tasks) for one in found.values()} == {8}
    assert {name: one.verdict() for name, one in found.items()} == {
        "q4_1": "pass", "q8_0": "pass", "q4_k_m": "regressed", "q4_0": "regressed",
        "q2_k": "regressed",
    }  # fmt: skip
    assert all(one.same_weights for one in found.values())
    q8 = found["q8_0"]
    assert (q8.changed, q8.choices, q8.floor.changed) == (58, 2370, 0.04)


def evenly(asked: Answers, each: int) -> list[ItemKey]:
    """Of each task whose choices are texts the same number of items, evenly spaced."""
    by_task: dict[str, list[ItemKey]] = {}
    for key in asked.rows:
        by_task.setdefault(key.task, []).append(key)
    labels = ("boolq", "commonsense_qa", "mmlu")
    return [
        keys[number * len(keys) // each]
        for task, keys in by_task.items()
        if not task.startswith(labels)
        for number in range(each)
    ]


def test_64_items_put_every_rung_right(rungs: dict[str, Answers]):
    chosen = evenly(rungs["f16"], 8)
    few = {name: _of(one, chosen) for name, one in rungs.items()}
    found = {name: fidelity(few["f16"], few[name]) for name in rungs if name != "f16"}
    assert {one.loss.items for one in found.values() if one.loss} == {64}
    assert {name: one.verdict(margin=0.02) for name, one in found.items()} == {
        "q4_1": "pass", "q8_0": "pass", "q4_k_m": "regressed", "q4_0": "regressed",
        "q2_k": "regressed",
    }  # fmt: skip
    ratios = {name: one.ratio or 0 for name, one in found.items()}
    assert sorted(ratios, key=ratios.__getitem__)[2:] == ["q4_k_m", "q4_0", "q2_k"]


def _of(whole: Answers, keys: list[ItemKey]) -> Answers:
    rows = [whole.rows[key] for key in keys]
    return read_answers(whole.record, whole.samples.take(rows))


def test_a_comparison_has_it(made: Maker):
    scores = {"t": [1.0] * 20}
    tasks = {"t": made.task(1.0, 20, group="t")}
    sides = [
        Side(
            runs=(made.record(name, tasks=tasks),),
            samples=made.samples(scores, tokens=[4, 5] * 10, logprobs=[[nats, -2.0]] * 20),
        )
        for name, nats in (("a", -1.0), ("b", -1.9))
    ]
    (found,) = compare(sides)
    assert found.fidelity
    # 18 nats in 90 tokens.
    assert found.fidelity.ratio == pytest.approx(math.exp(0.2))
    assert isinstance(found.fidelity.interval, Interval)
    assert compare([Side(runs=sides[0].runs), sides[1]])[0].fidelity is None
