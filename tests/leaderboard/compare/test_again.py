"""A record, measured again: an honest one agrees, an invented one differs."""

from __future__ import annotations

import random

import pytest
from scipy.stats import binom

from leaderboard.compare.again import LEVEL, OTHER_KERNELS, USUAL_FLOOR, Again, judge_again
from leaderboard.rows.answers import Answers, ItemKey, read_answers
from tests.leaderboard.conftest import Maker

ITEMS = 100


def answers(made: Maker, scores: list[float]) -> Answers:
    record = made.record("a", tasks={"t": made.task(sum(scores) / len(scores), len(scores))})
    return read_answers(record, made.samples({"t": scores}))


def again(made: Maker, there: list[float], here: list[float], **given: int) -> Again:
    a, b = answers(made, there), answers(made, here)
    keys: list[ItemKey] = sorted(a.rows)[: given.get("asked", len(there))]
    return judge_again(a, b, keys)


def moved(n: int, right_there: int) -> tuple[list[float], list[float]]:
    """Scores there and here that differ in n items, of which the record has some right."""
    there = [1.0] * right_there + [0.0] * (n - right_there) + [1.0] * (ITEMS - n)
    here = [0.0] * right_there + [1.0] * (n - right_there) + [1.0] * (ITEMS - n)
    return there, here


def test_the_same_answers_agree(made: Maker) -> None:
    found = again(made, *moved(0, 0))
    assert (found.verdict, found.items, found.changed) == ("agrees", ITEMS, 0)


def test_rounding_on_both_sides_agrees(made: Maker) -> None:
    # 8 of 100, four each way; 8 % may change: P(8 or more) is about a half.
    found = again(made, *moved(8, 4))
    assert (found.verdict, found.changed, found.better_there) == ("agrees", 8, 4)


def test_more_than_rounding_differs(made: Maker) -> None:
    # P(X >= 18 | n = 100, p = 0.08) = 0.001.
    assert binom.sf(17, 100, USUAL_FLOOR + OTHER_KERNELS) < LEVEL
    found = again(made, *moved(18, 9))
    assert found.verdict == "differs"
    assert "18 of 100 items came out otherwise" in found.reason


def test_answers_that_are_always_better_differ(made: Maker) -> None:
    # Eight changes are within rounding, and all of them in the record's favour are not: 2 / 2^8.
    found = again(made, *moved(8, 8))
    assert found.verdict == "differs"
    assert "the record has 8 right and this machine 0" in found.reason


def test_items_that_cannot_be_made_again_leave_it_open(made: Maker) -> None:
    there, here = [1.0] * 20, [1.0] * 15
    found = again(made, there, here)
    assert found.verdict == "cannot tell"
    assert "5 of 20 items are other prompts" in found.reason


def test_few_items_tell_nothing(made: Maker) -> None:
    assert again(made, [1.0] * 5, [0.0] * 5).verdict == "cannot tell"


def test_what_would_have_been_noticed_is_noticed(made: Maker) -> None:
    share = again(made, *moved(0, 0)).noticed
    assert share is not None
    # The claim, simulated: invented answers come out otherwise, honest ones at half of the floor.
    rng = random.Random(1)
    floor, trials, seen = USUAL_FLOOR + OTHER_KERNELS, 2000, 0
    for _ in range(trials):
        changed = sum(rng.random() < share + (1 - share) * floor / 2 for _ in range(ITEMS))
        seen += binom.sf(changed - 1, ITEMS, floor) < LEVEL
    assert seen / trials >= 0.93


@pytest.mark.parametrize("honest", [0.0, 0.03, 0.06])
def test_an_honest_record_is_rarely_called_different(made: Maker, honest: float) -> None:
    rng = random.Random(2)
    called = 0
    for _ in range(200):
        there = [float(rng.random() < 0.4) for _ in range(ITEMS)]
        here = [1.0 - one if rng.random() < honest else one for one in there]
        called += again(made, there, here).verdict == "differs"
    # Two tests at 1 % each: 4 of 200 expected at the most, 11 or more in one of 400.
    assert called <= 10
