"""The overview as blocks, without Streamlit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from leaderboard.export.site.library import StoredLibrary
from leaderboard.gate.past import write_gate
from leaderboard.pages.blocks import Answer, Bar, Code, Figure, Note, Popover, Ranked
from leaderboard.pages.controls import Download, Go, Presets
from leaderboard.pages.overview.page import page
from leaderboard.pages.presets import Preset
from leaderboard.rows.view import View
from tests.leaderboard.pages.test_checks import report
from tests.support.stores import empty, good

if TYPE_CHECKING:
    from leaderboard.pages.blocks import Block

__all__ = ["empty", "good"]
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
    assert isinstance(one(found, Presets), Presets)


def test_it_leads_to_the_comparison_that_speaks_for_it(good: Path):
    bar = one(blocks(good), Bar)
    (why,) = (block for block in bar.blocks if isinstance(block, Go))
    assert (why.label, why.page) == ("Why? Against big", "compare")
    rows = StoredLibrary([good]).rows()
    digests = {row.record.candidate.name: row.record.candidate.digest for row in rows}
    assert why.changes == {"candidates": (digests["big"], digests["small"])}


def test_it_is_verified_and_others_measured_inside_the_limit(good: Path):
    found = blocks(good, View(limits=(("memory", 150.0),)))
    bar = one(found, Bar)
    (verify,) = (block for block in bar.blocks if isinstance(block, Popover))
    assert Code("weighin run small --memory 150MiB") in verify.blocks
    assert [block for block in found if isinstance(block, Code)] == [
        Code("weighin run MODEL --suite tiny --memory 150MiB")
    ]


def test_the_table_is_taken_along_as_shown(good: Path):
    bars = [block for block in blocks(good, View(search="name:big")) if isinstance(block, Bar)]
    files = {b.file: b.content() for b in bars[-1].blocks if isinstance(b, Download)}
    assert sorted(files) == ["weighin.csv", "weighin.json", "weighin.parquet"]
    csv = files["weighin.csv"]
    assert isinstance(csv, bytes)
    assert len(csv.decode().splitlines()) == 2
    (copied,) = (b for b in bars[-1].blocks if isinstance(b, Popover) and b.title == "Markdown")
    assert isinstance(copied.blocks[0], Code)
    assert "| big |" in copied.blocks[0].text
    assert "| small |" not in copied.blocks[0].text


def test_nothing_fits_has_no_next_step(good: Path):
    found = blocks(good, View(limits=(("memory", 50.0),)))
    assert "None of 2 candidates fits" in one(found, Answer).claim
    assert len([block for block in found if isinstance(block, Bar)]) == 1


def test_a_regression_is_said_above_the_answer(good: Path):
    write_gate(good, report("small", "regressed", "20270101T000000-a"))
    found = blocks(good)
    alarm = next(i for i, b in enumerate(found) if isinstance(b, Note) and b.kind == "error")
    assert alarm < next(i for i, b in enumerate(found) if isinstance(b, Answer))


def test_an_empty_store_says_how_to_fill_it(empty: Path):
    assert Code("weighin run") in blocks(empty)
