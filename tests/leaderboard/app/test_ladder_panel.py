from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.leaderboard.app.conftest import HOSTILE, figures, page_html, page_text

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board


def test_a_rung_is_shown_with_what_it_loses_and_saves(board: Board, good: Path) -> None:
    text = page_text(board("ladder", good))
    assert "Against big (2 runs)" in text
    # 4 of 100 lost; 150 MiB of disk, 300 of memory; the first token takes 100 ms longer.
    assert "small 4.00 -4.0 -9.8 to -0.2 100 regressed 150 300 -100 2.00" in text
    assert "not measured in these runs" in text


def test_a_wider_margin_changes_the_verdict_and_the_address(board: Board, good: Path) -> None:
    app = board("ladder", good)
    app.number_input[0].set_value(12.0).run()
    assert "100 pass 150" in page_text(app)
    assert app.query_params["margin_points"] == "12"


def test_a_margin_in_the_address_is_taken(board: Board, good: Path) -> None:
    app = board("ladder", good, margin_points="5.5")
    assert app.number_input[0].value == 5.5
    assert "100 cannot tell 150" in page_text(app)


def test_an_unknown_family_is_named(board: Board, good: Path) -> None:
    app = board("ladder", good, family="nobody")
    assert "nobody" in app.warning[0].value
    assert "Against big" in page_text(app)


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path) -> None:
    assert board("ladder", empty).subheader[0].value == "No runs yet"


def test_a_rung_without_samples_keeps_its_savings(board: Board, damaged: Path) -> None:
    text = page_text(board("ladder", damaged))
    assert "the samples of one side are not at hand" in text
    assert "150 300 -100" in text


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("ladder", hostile)
    assert "<img" not in page_html(app)
    for one in (*app.caption, *app.markdown, *app.warning):
        assert HOSTILE not in one.value
    assert figures(app)
    assert not any("<img" in figure for figure in figures(app))
