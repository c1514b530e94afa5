"""The whole texts of models that think, on the pages that show answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from leaderboard.export.site.drawn import MOST_TEXTS, Drawing
from leaderboard.pages.blocks import Block, Fold, Texts
from leaderboard.pages.candidate.page import page as candidate_page
from leaderboard.pages.compare.page import page as compare_page
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from runners.records.store import Store
from tests.leaderboard.conftest import Maker

ITEMS = 50


@pytest.fixture
def library(tmp_path: Path, made: Maker) -> StoredLibrary:
    """Two that think, of 50 items: one has them all right, the other none."""
    store = Store(tmp_path / "thinking")
    for name, score in (("clear", 1.0), ("muddled", 0.0)):
        record = made.record(name, tasks={"t": made.task(score, ITEMS)}, status="completed")
        raw = [f"<think>{name} & {i}</think>{i}" for i in range(ITEMS)]
        store.add(record, made.samples({"t": [score] * ITEMS}, raw=raw))
    return StoredLibrary([store.root])


def folded(blocks: Iterable[Block]) -> Iterator[Texts]:
    for block in blocks:
        if isinstance(block, Fold):
            yield from (inner for inner in block.blocks if isinstance(inner, Texts))


def test_a_candidate_shows_its_first_texts_and_how_many_more_there_are(library: StoredLibrary):
    (found,) = folded(candidate_page(library, View(candidates=("muddled",))))
    assert found.texts[0].title == "t 0: wrong"
    assert found.texts[0].text == "<think>muddled & 0</think>0"
    assert (len(found.texts), found.beyond) == (40, 10)
    text = Drawing().blocks([found])
    assert text.count("<details") == MOST_TEXTS
    assert "45 more are on the board" in text
    assert "&lt;think&gt;muddled &amp; 0&lt;/think&gt;0" in text


def test_compared_ones_show_both_texts_of_an_item(library: StoredLibrary):
    (found,) = folded(compare_page(library, View(candidates=("clear", "muddled"))))
    assert [one.title for one in found.texts[:2]] == [
        "t 0, lost: the reference",
        "t 0, lost: the other",
    ]
    assert found.beyond == 2 * ITEMS - 40
