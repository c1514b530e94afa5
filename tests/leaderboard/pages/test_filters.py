from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.pages.blocks import Bar, Fold, Popover
from leaderboard.pages.controls import PickNumber, PickSeveral, Presets, Reset
from leaderboard.pages.overview.filters import filters, presets
from leaderboard.pages.overview.what_counts import what_counts
from leaderboard.pages.presets import Preset
from leaderboard.rows.address import read_query, write_query
from leaderboard.rows.view import View

if TYPE_CHECKING:
    from leaderboard.pages.blocks import Block
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB, GIB = 2**20, 2**30
VPS = Preset(name="vps", memory_bytes=GIB)


def rows(made: Maker) -> list[Row]:
    return [made.row("a", 0.6, peak=300 * MIB), made.row("b", 0.5, peak=200 * MIB)]


def box(found: list[Row], view: View, name: str) -> PickNumber:
    (one,) = (b for b in all_of(found, view) if isinstance(b, PickNumber) and b.name == name)
    return one


def all_of(found: list[Row], view: View) -> list[Block]:
    """The controls of the row, and those behind its button."""
    (bar,) = filters(found, view)
    assert isinstance(bar, Bar)
    behind = [b for b in bar.blocks if isinstance(b, Popover)]
    return [*bar.blocks, *(one for popover in behind for one in popover.blocks)]


def test_an_empty_box_says_what_there_is(made: Maker):
    memory = box(rows(made), View(), "memory_mib")
    assert (memory.chosen, memory.empty) == (None, "any (200\N{EN DASH}300)")
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
    named = [b.name for b in all_of(rows(made), View()) if isinstance(b, PickSeveral)]
    assert named == []
    kept = [b.name for b in all_of(rows(made), View(families=("gone",)))
            if isinstance(b, PickSeveral)]  # fmt: skip
    assert kept == ["families"]


def test_only_weights_other_than_one_are_in_the_view(made: Maker):
    counts = what_counts(rows(made), View(weights=(("t", 2.0),)), [])
    assert counts.title == "What counts (1)"
    (fold,) = (b for b in counts.blocks if isinstance(b, Fold))
    assert fold.title == "Tasks and their weights (1 changed)"
    weight = next(b for b in fold.blocks if isinstance(b, PickNumber))
    assert weight.changes(0.0) == {"weights": (("t", 0.0),)}
    assert weight.changes(1.0) == {"weights": ()}


def test_an_architecture_can_be_asked_for(made: Maker):
    found = [
        made.row(name, 0.5, candidate={"architecture": name, "licence": "MIT"})
        for name in ("llama", "granitehybrid")
    ]
    (one,) = (b for b in all_of(found, View()) if isinstance(b, PickSeveral))
    assert (one.name, list(one.options)) == ("architectures", ["granitehybrid", "llama"])
    view = View(architectures=("granitehybrid",))
    lines = look(gather(found), view).lines
    assert [line.row.record.candidate.name for line in lines if not line.reasons] == [
        "granitehybrid"
    ]
    assert lines[-1].reasons[0].text == "architecture llama"
    assert read_query(write_query(view)) == (view, ())


def test_filters_come_off_where_any_is_set(made: Maker):
    def off(view: View) -> list[str]:
        return [b.label for b in all_of(rows(made), view) if isinstance(b, Reset)]

    assert off(View()) == []
    assert off(View(limits=(("memory", 250.0),))) == ["Reset filters"]
    assert off(View(prefer="accurate")) == ["Reset filters"]
    titles = [b.title for b in all_of(rows(made), View(licences=("MIT",), weights=(("t", 2.0),)))
              if isinstance(b, Popover)]  # fmt: skip
    assert titles == ["More filters (1 set)"]  # weights are behind another button


def test_classes_are_offered_where_candidates_are_of_several(made: Maker):
    def offered(*counts: int) -> list[str]:
        found = [made.row(str(n), 0.5, candidate={"parameters": n}) for n in counts]
        boxes = [b for b in all_of(found, View()) if isinstance(b, PickSeveral)]
        return [word for box in boxes if box.name == "classes" for word in box.options.values()]

    assert offered(10**9, 10**9) == []
    # Of 1 and of 20 billion, all of them computed here.
    assert offered(10**9, 20 * 10**9) == ["Tiny Titan (≤ 4B)", "≤ 32B", "off-grid (no network)"]
