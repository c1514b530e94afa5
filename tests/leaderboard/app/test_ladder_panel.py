from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.leaderboard.app.conftest import HOSTILE, figures, page_html, page_text

REFERENCE = Path(__file__).parents[3] / "results" / "reference"

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board


def test_a_quantisation_is_shown_with_what_it_loses_and_saves(board: Board, good: Path) -> None:
    text = page_text(board("ladder", good))
    assert "Against big (2 runs)" in text
    # 4 of 100 lost; 150 MiB of disk, 300 of memory; the first token takes 100 ms longer.
    assert "-4.0 -9.8 to -0.2 100 regressed" in text
    assert "small 150 300 -100 2.00" in text
    assert "not measured in these runs" in text


def conclusion(app: Any) -> str:
    """The sentence on top, without what keeps Markdown from reading it."""
    found: str = next(one.value for one in app.markdown if "Lowest" in one.value)
    return found.replace("\\", "")


def test_fidelity_comes_first_and_the_conclusion_on_top(board: Board) -> None:
    app = board("ladder", REFERENCE, family="smollm2-135m-instruct")
    # The control, which has the weights of F16, is the lowest that passes.
    first = conclusion(app)
    assert "passes: q4_1 (5.7 bits a weight): its answers are 0.3% more perplexing" in first
    assert first.endswith(
        "Beyond the 2 % of perplexity that are allowed: q4_k_m (7.0% more perplexing), "
        "q4_0 (19% more perplexing), q2_k (30% more perplexing)."
    )
    assert [one.value for one in app.header][:2] == [
        "Perplexity of the answers",
        "Accuracy lost",
    ]
    assert "1.070 1.065 to 1.076 regressed" in page_text(app)
    assert any("boolq" in one.value for one in app.caption)


def test_a_margin_of_perplexity_changes_the_conclusion(board: Board) -> None:
    first = conclusion(board("ladder", REFERENCE, perplexity_percent="10"))
    assert "allowed: q4_0" in first


def test_a_wider_margin_changes_the_verdict_and_the_address(board: Board, good: Path) -> None:
    app = board("ladder", good)
    app.number_input[1].set_value(12.0).run()
    assert "100 pass" in page_text(app)
    assert app.query_params["margin_points"] == "12"


def test_a_margin_in_the_address_is_taken(board: Board, good: Path) -> None:
    app = board("ladder", good, margin_points="5.5")
    assert app.number_input[1].value == 5.5
    assert "100 cannot tell" in page_text(app)


def test_an_unknown_family_is_named(board: Board, good: Path) -> None:
    app = board("ladder", good, family="nobody")
    assert "nobody" in app.warning[0].value
    assert "Against big" in page_text(app)


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path) -> None:
    assert board("ladder", empty).header[0].value == "No runs yet"


def test_without_samples_only_what_is_saved_is_shown(board: Board, damaged: Path) -> None:
    text = page_text(board("ladder", damaged))
    assert "What they lose against big is not known without answers by item" in text
    assert "Accuracy lost" not in text
    assert "150 300 -100" in text


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("ladder", hostile)
    assert "<img" not in page_html(app)
    for one in (*app.caption, *app.markdown, *app.warning):
        assert HOSTILE not in one.value
    assert figures(app)
    assert not any("<img" in figure for figure in figures(app))
