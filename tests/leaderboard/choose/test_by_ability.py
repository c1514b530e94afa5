"""Weights and limits by ability: draws, ties, the answer and its reasons follow them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaderboard.choose.overview import Overview, look
from leaderboard.choose.reading import gather_for
from leaderboard.choose.resampling import Peers
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.row import row
from leaderboard.rows.view import View
from tests.support.stores import able

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

__all__ = ["able"]
TOOLS_AND_CODE = (("tools", 1.0), ("code", 3.0))


def found(store: Path, view: View) -> Overview:
    library = StoredLibrary([store])
    selection = library.selected(view)
    assert selection is not None
    return library.overview(selection, view)


def unread(rows: list[Row], view: View) -> Peers:
    """Rows whose answers by item are not here."""
    return gather_for(rows, lambda _run: None, view)


def test_the_answer_follows_the_weights(able: Path):
    # Every task alike: caller (0.9 + 0.9 + 0.1) / 3 = 63.3 %, coder 36.7 %.
    plain = found(able, View())
    assert plain.claim.startswith("Ship caller: the most accurate of 2, 26.7 points above coder (+")
    assert plain.answer.evidence.startswith("63.3%, ")
    # A quarter tools, whose two tasks count together, and three quarters code: 30 and 70 %.
    weighed = found(able, View(ability_weights=TOOLS_AND_CODE))
    assert weighed.claim.startswith(
        "Ship coder for code (75%) and tools (25%): the most accurate of 2, 40.0 points above "
        "caller (+"
    )
    assert weighed.answer.evidence.startswith("Weighted accuracy 70.0%, 100 MiB")
    assert weighed.answer.evidence.endswith(
        "By ability, and points against caller: tools 10.0% (-80.0), code 90.0% (+80.0)."
    )
    assert [line.accuracy for line in weighed.lines] == pytest.approx([0.7, 0.3])
    alone = found(able, View(ability_weights=(("code", 2.0),)))
    assert alone.claim.startswith("Ship coder for code: the most accurate of 2, 80.0 points")
    assert "By ability" not in alone.answer.evidence
    # Of code there are 40 items, of all tasks 120.
    assert alone.basis.startswith("Paired bootstrap over 40 items;")
    assert weighed.basis.startswith("Paired bootstrap over 120 items;")
    assert [line.items for line in alone.lines] == [40, 40]


def test_the_draws_weigh_as_the_mean_does(able: Path):
    # The Bayesian bootstrap of n = 40: variance p (1 - p) / 41 a task, 0.09 / 41 each here. Weights
    # 1/8, 1/8, 3/4: sqrt(0.09 / 41 * (2 / 64 + 9 / 16)) = 0.0361. A prior item widens it a little.
    library = StoredLibrary([able])
    view = View(ability_weights=TOOLS_AND_CODE)
    selection = library.selected(view)
    assert selection is not None
    peers = gather_for(selection.rows, lambda run: library.answers(run)[0], view)
    assert peers.draws.paired
    expected = math.sqrt(0.09 / 41 * (2 / 64 + 9 / 16))
    assert peers.draws.accuracy.std(axis=0) == pytest.approx([expected, expected], rel=0.06)
    assert peers.draws.accuracy.mean(axis=0) == pytest.approx(peers.draws.estimate, abs=0.003)


def test_the_interval_is_that_of_the_weighted_mean(able: Path):
    # Wilson of 36 of 40: 0.769 to 0.960; of 4: 0.040 to 0.231. Above 0.7: 1/8 of 0.131 twice and
    # 3/4 of 0.060, as squares: 0.0506; below: 1/8 of 0.060 twice and 3/4 of 0.131: 0.0989.
    first = found(able, View(ability_weights=TOOLS_AND_CODE)).lines[0]
    assert first.interval
    assert first.interval.high - 0.7 == pytest.approx(0.0506, abs=5e-4)
    assert 0.7 - first.interval.low == pytest.approx(0.0989, abs=5e-4)


def test_equal_weights_of_a_task_each_change_nothing(made: Maker):
    tasks = {"mbpp": made.task(0.6, group="mbpp"), "ifeval": made.task(0.3, group="ifeval")}
    rows = [row(made.record(name, tasks=tasks)) for name in ("a", "b")]
    equal = View(ability_weights=(("code", 2.0), ("instructions", 2.0)))
    plain, weighed = unread(rows, View()), unread(rows, equal)
    assert weighed.weights is None
    np.testing.assert_array_equal(plain.draws.accuracy, weighed.draws.accuracy)
    one, other = look(plain, View()), look(weighed, equal)
    assert [line.accuracy for line in one.lines] == [line.accuracy for line in other.lines]
    assert [line.interval for line in one.lines] == [line.interval for line in other.lines]
    assert one.choice.standings == other.choice.standings


def test_what_counts_nothing_is_not_counted_among_tasks_near_guessing(made: Maker):
    def tasks(share: float):
        return {
            "mmlu": made.task(0.25, group="mmlu", chance=0.25),
            "arc_easy": made.task(0.25, group="arc_easy", chance=0.25),
            "boolq": made.task(share, group="boolq", chance=0.5),
        }

    rows = [row(made.record(name, tasks=tasks(0.9))) for name in ("a", "b")]
    plain = look(unread(rows, View()), View()).answer
    assert "Not significantly above guessing in 2 of 3 tasks." in plain.warnings
    grounded = View(ability_weights=(("grounded", 1.0),))
    assert not any(
        "guessing" in one for one in look(unread(rows, grounded), grounded).answer.warnings
    )


def test_a_least_score_of_an_ability_is_a_limit_like_others(able: Path):
    # coder answers 10 % of tools.
    view = View(ability_limits=(("tools", 50.0),), ability_weights=(("code", 1.0),))
    judged = found(able, view)
    assert judged.claim == ("Ship caller for code: the only one of 2 that fits.")
    (refused,) = judged.choice.admission.refused
    assert [(one.limit, one.text) for one in refused.reasons] == [
        ("ability:tools", "tools 10.0% (at least 50.0%)")
    ]
    # It may be the answer's only limit, and nobody keeps to another.
    nobody = found(able, View(ability_limits=(("code", 95.0),)))
    assert nobody.claim == (
        "None of 2 candidates fits. Closest is coder: code 90.0% (at least 95.0%), 6% off."
    )


def test_how_surely_a_least_score_is_kept_is_drawn_with_the_accuracy(able: Path, made: Maker):
    # caller, tools 90 %: below 85 % in a share of the draws of two tasks of 40 items: the mean of
    # two of sd 0.0468 has sd 0.0331: P(z > -1.51) = 0.93.
    view = View(ability_limits=(("tools", 85.0),))
    standing = found(able, view).choice.standing
    assert standing is not None
    assert 0.90 < standing.fits < 0.96
    assert "Meets your limits in 9" in found(able, view).answer.evidence
    # Without answers by item: Beta(90.5, 10.5) above 0.85, 92.5 %.
    one = row(made.record("a", tasks={"mbpp": made.task(0.9, group="mbpp")}))
    limited = View(ability_limits=(("code", 85.0),))
    judged = look(unread([one], limited), limited)
    assert judged.choice.standing
    assert judged.choice.standing.fits == pytest.approx(0.925, abs=0.02)


def test_a_suite_that_measures_what_is_weighed_is_taken(able: Path):
    library = StoredLibrary([able])

    def suite(view: View) -> tuple[str, tuple[str, ...]]:
        selection = library.selected(view)
        assert selection is not None
        return selection.rows[0].record.suite.name, selection.problems

    assert suite(View()) == ("tiny", ())
    assert suite(View(measured=("knowledge",))) == ("facts", ())
    assert suite(View(ability_weights=(("knowledge", 1.0),))) == ("facts", ())
    # One that is named stays, and what it lacks is said.
    stays = suite(View(suite="facts", ability_weights=(("tools", 1.0), ("knowledge", 1.0))))
    assert stays[0] == "facts"
    assert "does not measure tools, which counts nothing here" in stays[1][0]
    none = suite(View(measured=("knowledge", "maths")))
    assert (none[0], len(none[1])) == ("tiny", 1)
