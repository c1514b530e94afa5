from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.pages.method.glossary import CHAPTERS
from runners.records.store import Store
from tests.leaderboard.app.conftest import page_html, page_text

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board


def test_what_was_measured_where(board: Board, good: Path) -> None:
    text = page_text(board("method", good))
    machine = Store(good).read("20260101T000000-small").machine
    assert str(machine.fingerprint) in text
    suite = Store(good).read("20260101T000000-small").suite
    where = f"{suite.name} version {suite.version} {machine.fingerprint}"
    assert f"small small {where} fake 1, build unknown 100 2 2 completed" in text
    assert "known by its name only" in text


def test_every_term_is_explained_in_an_empty_store_too(board: Board, empty: Path) -> None:
    app = board("method", empty)
    text = page_text(app)
    assert app.header[0].value == "No runs yet"
    for chapter in CHAPTERS:
        assert chapter.title in text
    assert "Wilson" in text
    assert "McNemar" in text


def test_damaged_records_are_named(board: Board, damaged: Path) -> None:
    assert "newer than this Weighin" in page_text(board("method", damaged))


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("method", hostile)
    assert "<img" not in page_html(app)
    assert "&lt;img src=x" in page_html(app)
