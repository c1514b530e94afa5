"""The blocks about what context costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.pages.blocks import Beside, Figure, Fold, Heading, Table, Text
from leaderboard.pages.contexts.cost import TITLE, cost_blocks, cost_grid
from leaderboard.pages.contexts.figures import PEAK, SCORE, TTFT, length_figure
from leaderboard.runs.contexts import context_points
from runners.records.contexts import ContextInfo
from tests.leaderboard.runs.test_contexts import beyond, context, measured

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_nothing_is_shown_of_a_run_without_lengths(made: Maker) -> None:
    bare = made.record()
    only_beyond = made.record(contexts={"niah_8k": beyond(8192)})
    assert [*cost_blocks([("a", bare), ("b", only_beyond)])] == []


def test_one_candidate_has_three_figures_and_a_table(made: Maker) -> None:
    blocks = [*cost_blocks([("a", measured(made, niah_16k=beyond(16_384)))])]
    assert isinstance(blocks[0], Heading)
    assert blocks[0].text == TITLE
    assert isinstance(blocks[1], Beside)
    drawn = [one for column in blocks[1].columns for one in column if isinstance(one, Figure)]
    assert len({one.name for one in drawn}) == 3
    said = next(one for one in blocks if isinstance(one, Text))
    assert said.text.endswith("each 1,024 tokens of context. Not run: 16k: context 4,096.")
    fold = next(one for one in blocks if isinstance(one, Fold))
    assert isinstance(fold.blocks[0], Table)
    assert [row[0].text for row in fold.blocks[0].grid.rows] == ["1k", "4k", "8k"]


def test_a_figure_has_a_line_a_candidate_at_the_lengths_that_were_run(made: Maker) -> None:
    curve = context_points(measured(made))
    score = length_figure([("a", curve)], SCORE, dark=False)
    assert list(score.layout.xaxis.ticktext) == ["1k", "4k", "8k"]
    assert list(score.data[0].x) == [1024, 4096, 8192]
    assert [round(one) for one in score.data[0].y] == [80, 40, 10]
    ttft = length_figure([("a", curve), ("b", curve[:1])], TTFT, dark=True)
    assert list(ttft.data[0].y) == [1.024, 4.096, 8.192]
    # The slowest is twice the median, the fastest half of it.
    assert list(ttft.data[0].error_y.array) == [1.024, 4.096, 8.192]
    assert (len(ttft.data[1].x), ttft.layout.showlegend) == (1, True)
    # From 0.512 to 16.384 s: 1.5 powers of ten.
    assert ttft.layout.yaxis.type == "log"
    assert list(ttft.layout.yaxis.ticktext) == ["0.500", "1.00", "2.00", "5.00", "10.0", "20.0"]
    assert list(length_figure([("a", curve)], PEAK, dark=False).data[0].y) == [116, 164, 228]


def test_a_number_that_is_not_known_says_why(made: Maker) -> None:
    lacking = ContextInfo(tokens=1024, unknown={"peak_bytes": "the model runs elsewhere"})
    grid = cost_grid(context_points(measured(made, niah_1k=lacking)), "a")
    first = grid.rows[0]
    assert first[0].text == "1k"
    assert first[-1].hint == "the model runs elsewhere"
    assert first[3].hint == "not measured"


def test_a_longer_context_than_the_length_is_said(made: Maker) -> None:
    thinks = context(1024, opened=3072)
    grid = cost_grid(context_points(measured(made, niah_1k=thinks)), "a")
    assert grid.rows[0][0].text == "3,072"
