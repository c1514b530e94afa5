"""The trade-off plot: where a point stands, what is drawn about it, where its label goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboard.choose.overview import Overview, look
from leaderboard.choose.resampling import gather
from leaderboard.pages.overview.label_places import Spot, positions
from leaderboard.pages.overview.log_scale import log_range, log_ticks
from leaderboard.pages.overview.pareto_line import pareto, stairs
from leaderboard.pages.overview.plot_labels import HEIGHT, fit_labels
from leaderboard.pages.overview.plot_limits import SHADED
from leaderboard.pages.overview.tradeoff import tradeoff, unplotted
from leaderboard.pages.stored import StoredLibrary
from leaderboard.pages.theme import DARK, LIGHT, Palette, palette
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker
from tests.support.stores import sixty

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["sixty"]
MIB = 2**20


def overview(rows: Sequence[Row], **limits: float) -> Overview:
    return look(gather(rows), View(limits=tuple(limits.items())))


@pytest.fixture
def rows(made: Maker) -> list[Row]:
    return [
        made.row("m-big", 0.6, peak=400 * MIB, decode=25.0),
        made.row("m-small", 0.5, peak=100 * MIB, decode=100.0),
        made.row("m-bare", None),
    ]


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(one for one in figure.data if one.name == name)


def test_points_stand_at_their_numbers_with_intervals(rows: list[Row]):
    lines = look(gather(rows), View(prefer="accurate")).lines
    figure, absent = tradeoff(lines, "memory"), unplotted(lines, "memory")
    answer = trace(figure, "recommended")
    assert (answer.x, answer.y, answer.customdata) == ((400.0,), (60.0,), ("m-big",))
    assert figure.layout.xaxis.type == "log"
    # Wilson: 60 of 100 is 50.20 to 69.06.
    assert answer.error_y.array == pytest.approx([9.06], abs=0.01)
    assert answer.error_y.arrayminus == pytest.approx([9.80], abs=0.01)
    assert [line.row.record.candidate.name for line in absent] == ["m-bare"]


def test_the_pareto_line_is_that_of_the_two_axes_that_are_shown(made: Maker):
    found = overview(
        [
            made.row("best", 0.6, peak=400 * MIB, decode=25.0),
            made.row("small", 0.5, peak=100 * MIB, decode=50.0),
            # As fast as none, heavier than small and less accurate: optimal in speed alone.
            made.row("fast", 0.4, peak=200 * MIB, decode=100.0),
        ]
    ).lines
    # Cheaper from left to right up: 100 MiB reach 50 %, 400 reach 60; `fast` is dominated.
    memory = tradeoff(found, "memory")
    line = trace(memory, "Pareto line")
    assert (line.x, line.y, line.line.shape) == ((100.0, 400.0), (50.0, 60.0), "hv")
    assert trace(memory, "fits").customdata == ("fast",)
    # More tokens a second are better: all three are optimal, and the stairs go down.
    line = trace(tradeoff(found, "decode"), "Pareto line")
    assert (line.x, line.y, line.line.shape) == ((25.0, 50.0, 100.0), (60.0, 50.0, 40.0), "vh")


def test_of_equals_none_dominates_another():
    memory = METRICS["memory"]
    assert pareto([(1.0, 0.5), (1.0, 0.5), (2.0, 0.5), (2.0, 0.6)], memory) == [
        True, True, False, True,
    ]  # fmt: skip


def test_the_line_turns_where_the_next_price_buys_more(rows: list[Row]):
    line = trace(tradeoff(overview(rows).lines, "memory"), "Pareto line")
    # Below 400 MiB there are the 50 % of 100 MiB.
    assert stairs(line) == [(100.0, 50.0), (400.0, 50.0), (400.0, 60.0)]
    # At more than 25 tokens/s there are the 50 % of 100 tokens/s.
    line = trace(tradeoff(overview(rows).lines, "decode"), "Pareto line")
    assert stairs(line) == [(25.0, 60.0), (25.0, 50.0), (100.0, 50.0)]


def test_labels_are_the_ends_of_names(rows: list[Row]):
    figure = fit_labels(tradeoff(overview(rows).lines, "memory"), 1280)
    named = [one for one in figure.data if one.customdata]
    assert {label for one in named for label in one.text} == {"big", "small"}


def test_long_names_are_cut_in_the_middle_and_shorter_on_a_phone(made: Maker):
    name = "unsloth/a-very-long-name-of-a-model-GGUF-q8_0"
    figure = tradeoff(overview([made.row(name), made.row("x/other", 0.4)]).lines, "memory")
    wide, phone = (
        next(t for one in fit_labels(figure, px).data for t in one.text or () if "q8" in t)
        for px in (1280, 358)
    )
    # 18 letters: the last nine, and eight before the ellipsis.
    assert phone == "unsloth/\N{HORIZONTAL ELLIPSIS}GGUF-q8_0"
    assert wide.endswith("GGUF-q8_0")
    assert len(phone) < len(wide) < len(name)


def test_of_sixty_no_two_labels_overlap_at_any_width(sixty: Path):
    library = StoredLibrary([sixty])
    selection = library.selected(View())
    assert selection
    lines = library.overview(selection, View()).lines
    figure = tradeoff(lines, "memory", guessing=0.25)
    for width in (320, 358, 640, 1080, 1216, 1280):
        named = [one for one in fit_labels(figure, width).data if one.customdata]
        boxes = [box for one in named for box in label_boxes(figure, one, width)]
        assert len(boxes) >= (4 if width < 640 else 10)
        for number, box in enumerate(boxes):
            assert 0 <= box[0] < box[1] <= width
            assert not any(overlap(box, other) for other in boxes[:number])


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    left, right, low, high = one
    return left < other[1] and other[0] < right and low < other[3] and other[2] < high


def test_of_many_only_the_recommended_has_bars(sixty: Path, rows: list[Row]):
    library = StoredLibrary([sixty])
    selection = library.selected(View())
    assert selection
    many = tradeoff(library.overview(selection, View()).lines, "memory")
    few = tradeoff(overview(rows).lines, "memory")
    for figure, expected in ((many, {"recommended"}), (few, {one.name for one in few.data[:-1]})):
        drawn = {one.name for one in figure.data if one.error_y.visible}
        assert drawn == expected


def label_boxes(
    figure: go.Figure, one: go.Scatter, width: int
) -> Iterator[tuple[float, float, float, float]]:
    """Where labels lie, worked out anew: 12 px letters are 6.2 px wide on the average."""
    across, up = figure.layout.xaxis.range, figure.layout.yaxis.range
    for x, y, text, place in zip(one.x, one.y, one.text, one.textposition, strict=True):
        if not text:
            continue
        at = (width - 60) * (math.log10(x) - across[0]) / (across[1] - across[0])
        high = (HEIGHT - 105) * (y - up[0]) / (up[1] - up[0])
        wide, (vertical, side) = 6.2 * len(text), place.split()
        reach = one.marker.size / 2
        left = {"left": at - wide - reach, "center": at - wide / 2, "right": at + reach}[side]
        low = {"top": high + reach, "middle": high - 6, "bottom": high - reach - 12}[vertical]
        yield left, left + wide, low, low + 12


def test_those_outside_are_crosses_with_the_reason(rows: list[Row]):
    figure = tradeoff(overview(rows, memory=200.0).lines, "memory")
    outside = trace(figure, "outside your limits")
    assert outside.customdata == ("m-big",)
    assert outside.marker.symbol == "x-thin"
    assert "outside: peak memory 400 MiB (at most 200 MiB)" in outside.hovertext[0]


def test_a_limit_is_drawn_and_what_lies_beyond_is_shaded(rows: list[Row]):
    figure = tradeoff(overview(rows, memory=200.0).lines, "memory", limits={"memory": 200.0})
    shaded = next(one for one in figure.layout.shapes if one.type == "rect")
    line = next(one for one in figure.layout.shapes if one.type == "line")
    assert (shaded.x0, shaded.yref) == (200.0, "paper")
    assert shaded.x1 == pytest.approx(10 ** figure.layout.xaxis.range[1])
    assert (line.x0, line.x1) == (200.0, 200.0)
    assert [one.text for one in figure.layout.annotations] == ["your limit 200 MiB"]
    # Speed has a least, so what is slower is shaded; no limit of another axis is drawn.
    slow = tradeoff(overview(rows).lines, "decode", limits={"decode": 50.0, "memory": 200.0})
    (shaded,) = (one for one in slow.layout.shapes if one.type == "rect")
    assert (shaded.x0, shaded.x1) == (pytest.approx(10 ** slow.layout.xaxis.range[0]), 50.0)


def test_a_limit_far_away_is_pointed_to(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory", limits={"memory": 13107.0})
    assert not figure.layout.shapes
    (note,) = figure.layout.annotations
    assert note.text == "your limit 13,107 MiB \N{RIGHTWARDS ARROW}"
    assert (note.x, note.xanchor) == (1.0, "right")
    # Nothing is as small: the whole plot is beyond.
    figure = tradeoff(overview(rows, memory=5.0).lines, "memory", limits={"memory": 5.0})
    assert figure.layout.annotations[0].text.startswith("\N{LEFTWARDS ARROW} your limit 5.00 MiB")
    assert figure.layout.shapes[0].x0 == pytest.approx(10 ** figure.layout.xaxis.range[0])


def test_a_least_accuracy_is_drawn_across(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory", limits={"accuracy": 55.0})
    shaded = next(one for one in figure.layout.shapes if one.type == "rect")
    assert (shaded.y0, shaded.y1) == (figure.layout.yaxis.range[0], 55.0)


def test_guessing_is_a_dashed_line(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory", guessing=0.277)
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1, line.line.dash) == (pytest.approx(27.7), pytest.approx(27.7), "dash")
    assert figure.layout.annotations[0].text == "random guessing 27.7 %"
    assert figure.layout.yaxis.range[0] < 27.7
    assert not tradeoff((), "memory", guessing=0.277).layout.shapes


def test_there_is_a_figure_of_nothing():
    figure, absent = tradeoff((), "decode"), unplotted((), "decode")
    assert all(not one.x for one in figure.data)
    assert not figure.layout.showlegend
    assert absent == ()


def test_labels_lie_on_no_point_and_on_no_other_label():
    near = [Spot(x=200 + 30 * i, y=200, radius=12, text=f"name {i}") for i in range(6)]
    found = positions(near, 800, 400)
    assert len({place for place in found if place}) > 1
    # At the right edge there is no room on the right; above is the next choice, and too wide.
    assert positions([Spot(x=790, y=200, radius=10, text="long")], 800, 400) == ["middle left"]


def test_a_label_without_room_is_left_out():
    crowd = [Spot(x=100, y=100, radius=40, text="a"), *(
        Spot(x=100 + dx, y=100 + dy, radius=40, text="")
        for dx in (-60, 0, 60) for dy in (-60, 0, 60)
    )]  # fmt: skip
    assert positions(crowd, 800, 400)[0] == ""


def test_a_log_axis_of_less_than_a_decade_has_ticks():
    left, right = log_range([260.0, 425.0])
    assert left < math.log10(260) < math.log10(425) < right
    ticks = log_ticks((left, right))
    assert pytest.approx(ticks["tickvals"]) == [250.0, 300.0, 350.0, 400.0, 450.0]


def test_the_axis_reaches_to_a_limit_that_is_near():
    left, right = log_range([260.0, 425.0], 500.0)
    assert right > math.log10(500) > log_range([260.0, 425.0])[1]
    assert log_range([260.0, 425.0], 5000.0) == log_range([260.0, 425.0])
    assert left == log_range([260.0, 425.0])[0]


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(colour: str, opacity: float, page: str) -> str:
    """A see-through colour on a page."""
    mixed = [
        round(opacity * int(colour[i : i + 2], 16) + (1 - opacity) * int(page[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02X}" for part in mixed)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_texts_and_marks_stand_out_from_the_page(colours: Palette):
    page = colours.background
    assert contrast(colours.text, page) >= 7
    assert contrast(colours.muted, page) >= 4.5
    assert contrast(colours.bad, page) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.accent, page) >= 4.5  # and so a chip's text, which is the page's


@pytest.mark.parametrize("dark", [False, True])
def test_excluded_points_and_their_names_stand_out_where_they_are_shaded(
    rows: list[Row], dark: bool
):
    """WCAG 2.1 AA: 4.5 for text, 3 for marks; on the shade that lies beyond a limit."""
    figure = tradeoff(
        overview(rows, memory=200.0).lines, "memory", limits={"memory": 200.0}, dark=dark
    )
    colours = palette(dark=dark)
    ground = over(colours.muted, SHADED, colours.background)
    outside = trace(figure, "outside your limits")
    assert outside.opacity is None
    assert contrast(outside.textfont.color, ground) >= 4.5
    assert contrast(outside.marker.line.color, ground) >= 3
    for one in ("fits", "Pareto-optimal", "recommended"):
        mark = trace(figure, one)
        strongest = max(contrast(c, ground) for c in (mark.marker.color, mark.marker.line.color))
        assert strongest >= 3
        assert contrast(mark.textfont.color, ground) >= 4.5
