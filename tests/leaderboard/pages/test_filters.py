from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.pages.blocks import Fold
from leaderboard.pages.controls import PickNumber, PickSeveral, Presets
from leaderboard.pages.overview.filters import filters, presets
from leaderboard.pages.presets import Preset
from leaderboard.rows.view import View

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB, GIB = 2**20, 2**30
VPS = Preset(name="vps", memory_bytes=GIB)


def rows(made: Maker) -> list[Row]:
    return [made.row("a", 0.6, peak=300 * MIB), made.row("b", 0.5, peak=200 * MIB)]


def box(found: list[Row], view: View, name: str) -> PickNumber:
    (one,) = (b for b in filters(found, view) if isinstance(b, PickNumber) and b.name == name)
    return one


def test_an_empty_box_says_what_there_is(made: Maker):
    memory = box(rows(made), View(), "memory_mib")
    assert (memory.chosen, memory.empty) == (None, "any; here 200 to 300")
    assert memory.label == "max memory, MiB"


def test_a_typed_limit_is_one_of_the_views_and_an_empty_box_takes_it_away(made: Maker):
    view = View(limits=(("memory", 250.0),))
    assert box(rows(made), view, "memory_mib").chosen == 250.0
    decode = box(rows(made), view, "decode_tokens_per_s")
    # In the order of the table of metrics: decode stands before memory.
    assert decode.changes(10.0) == {"limits": (("decode", 10.0), ("memory", 250.0))}
    assert box(rows(made), view, "memory_mib").changes(None) == {"limits": ()}


def test_a_computer_leaves_a_fifth_of_its_memory_for_the_app():
    (found,) = presets([VPS], View())
    assert isinstance(found, Presets)
    free, vps = found.buttons
    assert free[3]  # no limit is set
    # 80 % of 1,024 MiB.
    assert vps[1:] == ("vps (1 GiB)", {"limits": (("memory", 819),)}, False)
    (chosen,) = presets([VPS], View(limits=(("memory", 819),)))
    assert isinstance(chosen, Presets)
    assert [one[3] for one in chosen.buttons] == [False, True]
    assert list(presets([], View())) == []


def test_more_headroom_lowers_the_limit_that_is_set(made: Maker):
    view = View(limits=(("memory", 800.0),))
    # 800 MiB are 80 % of 1,000; half of them are 500.
    changes = box(rows(made), view, "headroom_percent").changes(50.0)
    assert changes == {"limits": (("memory", 500),), "headroom_percent": 50.0}
    assert box(rows(made), View(), "headroom_percent").changes(20.0) == {"headroom_percent": None}


def test_a_box_of_one_name_is_not_shown(made: Maker):
    named = [b.name for b in filters(rows(made), View()) if isinstance(b, PickSeveral)]
    assert named == []
    kept = [b.name for b in filters(rows(made), View(families=("gone",)))
            if isinstance(b, PickSeveral)]  # fmt: skip
    assert kept == ["families"]


def test_only_weights_other_than_one_are_in_the_view(made: Maker):
    (fold,) = (b for b in filters(rows(made), View(weights=(("t", 2.0),))) if isinstance(b, Fold))
    assert fold.title == "Tasks and their weights (1 changed)"
    weight = next(b for b in fold.blocks if isinstance(b, PickNumber))
    assert weight.changes(0.0) == {"weights": (("t", 0.0),)}
    assert weight.changes(1.0) == {"weights": ()}
