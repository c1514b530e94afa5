"""The overview as blocks, without Streamlit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from leaderboard.gate.past import write_gate
from leaderboard.pages.blocks import Answer, Bar, Code, Figure, Note, Popover, Ranked
from leaderboard.pages.controls import Download, Go, Presets
from leaderboard.pages.overview.page import page
from leaderboard.pages.presets import Preset
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from tests.leaderboard.pages.test_checks import report
from tests.support.stores import empty, failed, good

if TYPE_CHECKING:
    from leaderboard.pages.blocks import Block

__all__ = ["empty", "failed", "good"]
PRESETS = (Preset(name="vps", memory_bytes=2**30),)
T = TypeVar("T")


def blocks(store: Path, view: View | None = None) -> list[Block]:
    return list(page(StoredLibrary([store], PRESETS), view or View()))


def one(found: list[Block], kind: type[T]) -> T:
    return next(block for block in found if isinstance(block, kind))


def test_the_answer_comes_before_plot_and_table(good: Path):
    found = blocks(good)
    order = [type(block) for block in found if isinstance(block, Answer | Figure | Ranked)]
    assert order == [Answer, Figure, Ranked]
    assert one(found, Answer).claim.startswith("Ship small: no accuracy difference found")
    first = one(found, Bar).blocks[0]
    assert isinstance(first, Presets)


def go(found: list[Block], label: str) -> Go:
    return next(
        b for bar in found if isinstance(bar, Bar) for b in bar.blocks
        if isinstance(b, Go) and b.label.startswith(label)
    )  # fmt: skip


def popover(found: list[Block], title: str) -> Popover:
    return next(
        b for bar in found if isinstance(bar, Bar) for b in bar.blocks
        if isinstance(b, Popover) and b.title == title
    )  # fmt: skip


def digests(store: Path) -> dict[str, str]:
    rows = StoredLibrary([store]).rows()
    return {row.record.candidate.name: row.record.candidate.digest for row in rows}


def test_it_leads_to_the_comparison_that_speaks_for_it(good: Path):
    why = go(blocks(good), "Why?")
    assert (why.label, why.page) == ("Why? Against big", "compare")
    known = digests(good)
    assert why.changes == {"candidates": (known["big"], known["small"])}


def test_it_is_verified_and_others_measured_inside_the_limit(good: Path):
    found = blocks(good, View(limits=(("memory", 150.0),)))
    assert Code("weighin run small --memory 150MiB") in popover(found, "Verify it").blocks
    assert [block for block in found if isinstance(block, Code)] == [
        Code("weighin run MODEL --suite tiny --memory 150MiB")
    ]


def test_the_table_is_taken_along_as_shown(good: Path):
    along = popover(blocks(good, View(search="name:big")), "Take along").blocks
    files = {b.file: b.content() for b in along if isinstance(b, Download)}
    assert sorted(files) == ["weighin.csv", "weighin.json", "weighin.parquet"]
    csv = files["weighin.csv"]
    assert isinstance(csv, bytes)
    assert len(csv.decode().splitlines()) == 2
    (copied,) = (b for b in along if isinstance(b, Code))
    assert "| big |" in copied.text
    assert "| small |" not in copied.text


def test_two_ticked_rows_lead_to_their_comparison(good: Path):
    known = digests(good)
    assert not go(blocks(good), "Compare").possible
    table = one(blocks(good), Ranked)
    first = table.ticks(known["small"])
    assert first == {"candidates": (known["small"],)}
    table = one(blocks(good, View(**first)), Ranked)
    both = table.ticks(known["big"])
    # The first that was ticked is the reference, though it stands below.
    assert both == {"candidates": (known["small"], known["big"])}
    found = blocks(good, View(**both))
    button = go(found, "Compare 2")
    assert (button.page, button.changes, button.possible) == ("compare", both, True)
    assert one(found, Ranked).ticks(known["small"]) == {"candidates": (known["big"],)}


def test_a_pinned_row_stays_on_top_whatever_is_searched_for(good: Path):
    known = digests(good)
    pins = one(blocks(good), Ranked).pins(known["small"])
    table = one(blocks(good, View(search="big", **pins)), Ranked)
    assert [line.row.record.candidate.name for line in table.pinned] == ["small"]
    assert [line.row.record.candidate.name for line in table.lines] == ["big"]
    assert table.pins(known["small"]) == {"pins": ()}


def test_nothing_fits_has_no_next_step(good: Path):
    found = blocks(good, View(limits=(("memory", 50.0),)))
    assert "None of 2 candidates fits" in one(found, Answer).claim
    titles = [b.title for bar in found if isinstance(bar, Bar) for b in bar.blocks
              if isinstance(b, Popover)]  # fmt: skip
    assert "Use it" not in titles


def test_where_every_run_failed_there_is_a_table_and_no_empty_plot(failed: Path):
    found = blocks(failed)
    assert "3 of 3 runs crashed in latency (SIGSEGV)" in one(found, Answer).claim
    assert not [block for block in found if isinstance(block, Figure)]
    assert len(one(found, Ranked).lines) == 3


def test_a_regression_is_said_above_the_answer(good: Path):
    write_gate(good, report("small", "regressed", "20270101T000000-a"))
    found = blocks(good)
    alarm = next(i for i, b in enumerate(found) if isinstance(b, Note) and b.kind == "error")
    assert alarm < next(i for i, b in enumerate(found) if isinstance(b, Answer))


def test_an_empty_store_says_how_to_fill_it(empty: Path):
    assert Code("weighin run") in blocks(empty)
