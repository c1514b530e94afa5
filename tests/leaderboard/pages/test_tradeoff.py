"""The trade-off plot: where a bubble stands, how large it is, and where its label goes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from leaderboard.choose.overview import Overview, look
from leaderboard.choose.resampling import gather
from leaderboard.pages.overview.label_places import Bubble, positions
from leaderboard.pages.overview.log_scale import log_range, log_ticks
from leaderboard.pages.overview.tradeoff import tradeoff, unplotted
from leaderboard.pages.theme import DARK, LIGHT
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker

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


def test_bubbles_stand_at_their_numbers_with_intervals(rows: list[Row]):
    lines = look(gather(rows), View(prefer="accurate")).lines
    figure, absent = tradeoff(lines, "memory"), unplotted(lines, "memory")
    traces = {trace.name: trace for trace in figure.data}
    answer = traces["recommended"]
    assert (answer.x, answer.y, answer.customdata) == ((400.0,), (60.0,), ("m-big",))
    assert figure.layout.xaxis.type == "log"
    # Wilson: 60 of 100 is 50.20 to 69.06.
    assert answer.error_y.array == pytest.approx([9.06], abs=0.01)
    assert answer.error_y.arrayminus == pytest.approx([9.80], abs=0.01)
    assert [line.row.record.candidate.name for line in absent] == ["m-bare"]


def test_areas_are_in_proportion_to_the_third_axis(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory")
    sizes = {
        name: size
        for t in figure.data
        for name, size in zip(t.customdata, t.marker.size, strict=True)
    }
    # 25 tokens/s against 100: half the diameter.
    assert sizes["m-big"] / sizes["m-small"] == pytest.approx(0.5)


def test_labels_are_short_and_carry_the_probability(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory")
    # Nothing is lighter or faster than small; big is on the front where it is more accurate:
    # 0.1 / sqrt(0.24 / 100 + 0.25 / 100) = 1.43 standard errors, 92 %.
    assert {label for trace in figure.data for label in trace.text} == {"big 92%", "small 100%"}


def test_those_outside_are_greyed_and_have_no_probability(rows: list[Row]):
    figure = tradeoff(overview(rows, memory=200.0).lines, "memory")
    outside = next(trace for trace in figure.data if trace.name == "outside your limits")
    assert (outside.text, outside.opacity) == (("big",), 0.45)
    assert "outside: peak memory 400 MiB (at most 200 MiB)" in outside.hovertext[0]


def test_guessing_is_a_dashed_line(rows: list[Row]):
    figure = tradeoff(overview(rows).lines, "memory", guessing=0.277)
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1, line.line.dash) == (pytest.approx(27.7), pytest.approx(27.7), "dash")
    assert figure.layout.annotations[0].text == "random guessing 27.7 %"
    assert figure.layout.yaxis.range[0] < 27.7
    assert not tradeoff((), "memory", guessing=0.277).layout.shapes


def test_there_is_a_figure_of_nothing():
    figure, absent = tradeoff((), "decode"), unplotted((), "decode")
    assert (len(figure.data), absent) == (0, ())


def test_labels_lie_on_no_bubble_and_on_no_other_label():
    near = [Bubble(x=200 + 30 * i, y=200, radius=12, text=f"name {i}") for i in range(6)]
    found = positions(near, 800, 400)
    assert len({place for place in found if place}) > 1
    # At the right edge there is no room on the right; above is the next choice, and too wide.
    assert positions([Bubble(x=790, y=200, radius=10, text="long")], 800, 400) == ["middle left"]


def test_a_label_without_room_is_left_out():
    crowd = [Bubble(x=100, y=100, radius=40, text="a"), *(
        Bubble(x=100 + dx, y=100 + dy, radius=40, text="")
        for dx in (-60, 0, 60) for dy in (-60, 0, 60)
    )]  # fmt: skip
    assert positions(crowd, 800, 400)[0] == ""


def test_a_log_axis_of_less_than_a_decade_has_ticks():
    ticks = log_ticks([260.0, 425.0])
    assert pytest.approx(ticks["tickvals"]) == [250.0, 300.0, 350.0, 400.0, 450.0]
    left, right = log_range([260.0, 425.0])
    assert left < math.log10(260) < math.log10(425) < right


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_texts_and_marks_stand_out_from_the_page(colours: object):
    def contrast(a: str, b: str) -> float:
        light, dark = sorted((luminance(a), luminance(b)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    page = colours.background  # type: ignore[attr-defined]
    assert contrast(colours.text, page) >= 7  # type: ignore[attr-defined]
    assert contrast(colours.muted, page) >= 4.5  # type: ignore[attr-defined]
    assert contrast(colours.accent, page) >= 4.5  # type: ignore[attr-defined]
