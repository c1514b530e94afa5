"""Abilities on the Overview: columns, weights, least scores, and the suite that measures them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.pages.blocks import Answer, Bar, Beside, Popover, Ranked, Table
from leaderboard.pages.compare.page import page as compare
from leaderboard.pages.controls import PickNumber, PickSeveral
from leaderboard.pages.overview.columns import known_columns
from leaderboard.pages.overview.page import page
from leaderboard.pages.stored import StoredLibrary
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.row import row
from leaderboard.rows.view import View
from tests.support.stores import able

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leaderboard.pages.blocks import Block
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

__all__ = ["able"]
WEIGHED = View(ability_weights=(("tools", 1.0), ("code", 3.0)))


def blocks(store: Path, view: View) -> list[Block]:
    return list(page(StoredLibrary([store]), view))


def table(store: Path, view: View) -> Ranked:
    return next(block for block in blocks(store, view) if isinstance(block, Ranked))


def boxes(store: Path, view: View) -> dict[str, PickNumber | PickSeveral]:
    """What stands behind the button, by its name."""
    behind = next(
        one for bar in blocks(store, view) if isinstance(bar, Bar) for one in bar.blocks
        if isinstance(one, Popover) and one.title.startswith("What counts")
    )  # fmt: skip
    pairs = [
        one for b in behind.blocks if isinstance(b, Beside) for col in b.columns for one in col
    ]
    found = [*behind.blocks, *pairs]
    return {one.name: one for one in found if isinstance(one, PickNumber | PickSeveral)}


def test_each_ability_has_a_column_behind_the_accuracy(able: Path):
    shown = table(able, View())
    assert [one.header for one in shown.columns[:3]] == ["accuracy", "tools", "code"]
    caller = shown.lines[0]
    cells = {one.header: one.cell(caller) for one in shown.columns}
    # 36 of 40 twice: Wilson's 0.769 to 0.960, half 0.095, over sqrt(2): 6.8.
    assert (cells["tools"].text, cells["tools"].spread) == ("90.0", "6.8")
    assert cells["tools"].hint == "80 items"
    assert [one.value(caller) for one in shown.columns[1:3]] == [0.9, 0.1]
    hints = {one.header: one.hint for one in shown.columns}
    assert hints["tools"].startswith("Mean of bfcl_simple, json_schema. After it")
    assert hints["code"].startswith("Task mbpp. After it")


def test_with_weights_the_columns_say_what_counts(able: Path):
    shown = table(able, WEIGHED)
    hints = {one.header: one.hint for one in shown.columns}
    assert hints["weighted accuracy"].startswith("Mean for code (75%) and tools (25%).")
    assert "Counts 25% of the accuracy." in hints["tools"]
    # The order of the table follows.
    assert [line.row.record.candidate.name for line in shown.lines] == ["coder", "caller"]
    assert [one.cell(shown.lines[0]).text for one in shown.columns[:3]] == ["70.0", "10.0", "90.0"]


def test_of_one_ability_there_is_no_column(able: Path):
    facts = View(measured=("knowledge",))
    assert [one.header for one in table(able, facts).columns][:2] == ["accuracy", "TTFT"]
    assert "ability:knowledge" not in boxes(able, facts)


def test_a_score_near_guessing_is_grey(made: Maker):
    # 30 of 100 where guessing gives 25: Wilson's interval begins at 21.9.
    tasks = {
        "sciq": made.task(0.3, group="sciq", chance=0.25),
        "boolq": made.task(0.9, group="boolq", chance=0.5),
    }
    one = row(made.record(tasks=tasks))
    known = known_columns([one])
    line = look(gather([one]), View()).lines[0]
    cells = {key: known[f"ability:{key}"].cell(line) for key in ("knowledge", "grounded")}
    assert cells["knowledge"].muted
    assert cells["knowledge"].hint == "100 items, not significantly above guessing"
    assert not cells["grounded"].muted


def test_a_weight_is_typed_and_taken_away(able: Path):
    plain = boxes(able, View())
    assert [plain[f"ability:{name}"].chosen for name in ("tools", "code")] == [None, None]
    changed = plain["ability:code"].changes(3.0)
    assert changed == {"ability_weights": (("code", 3.0),)}
    weighed = boxes(able, WEIGHED)
    assert weighed["ability:tools"].chosen == 1.0
    # In the order of abilities, whichever is typed last.
    code_first = boxes(able, View(ability_weights=(("code", 1.0),)))
    assert code_first["ability:tools"].changes(2.0) == {
        "ability_weights": (("tools", 2.0), ("code", 1.0))
    }
    assert weighed["ability:tools"].changes(None) == {"ability_weights": (("code", 3.0),)}


def test_a_least_score_says_which_there_are(able: Path):
    box = boxes(able, View())["min_ability:tools"]
    assert isinstance(box, PickNumber)
    assert box.empty == "any (10\N{EN DASH}90)"
    assert box.changes(50.0) == {"ability_limits": (("tools", 50.0),)}


def test_another_suite_is_opened_by_what_it_measures(able: Path):
    box = boxes(able, View())["measured"]
    assert isinstance(box, PickSeveral)
    assert list(box.options) == ["knowledge", "tools", "code"]
    assert box.changes(("knowledge",)) == {
        "measured": ("knowledge",), "suite": "facts", "builds": (),
    }  # fmt: skip
    assert box.changes(()) == {"measured": ()}


def test_the_answer_is_the_weighted_one(able: Path):
    answer = next(block for block in blocks(able, WEIGHED) if isinstance(block, Answer))
    assert answer.claim.startswith("Ship coder for code (75%) and tools (25%)")


def test_downloads_have_the_abilities(able: Path):
    (first, _) = flat_lines(table(able, View()).lines)
    assert (first["ability.tools"], first["ability.tools.n"]) == (0.9, 80)
    # 0.9 less Wilson's 0.1305 over sqrt(2).
    assert round(first["ability.tools.low"], 3) == 0.808


def test_compare_weighs_as_the_overview_does(able: Path):
    rows = StoredLibrary([able]).rows()
    both = {row.record.candidate.name: row.record.candidate.digest for row in rows}
    view = replace(WEIGHED, suite=_suite(rows), candidates=(both["caller"], both["coder"]))
    found = list(compare(StoredLibrary([able]), view))
    overall = next(b.grid for b in found if isinstance(b, Table))
    assert overall.caption == "Mean for code (75%) and tools (25%), against caller"
    # 70 % against 30 %.
    assert overall.rows[0][1].text == "+40.0"


def _suite(rows: Sequence[Row]) -> str:
    return next(row.record.suite.digest for row in rows if row.record.suite.name != "facts")
