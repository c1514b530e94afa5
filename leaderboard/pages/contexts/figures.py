"""Figures of what context costs: one number against the length, a line a candidate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, label, whiskers
from leaderboard.pages.overview.log_scale import log_range, log_ticks
from leaderboard.pages.theme import palette
from leaderboard.runs.contexts import ContextPoint, length_name
from leaderboard.stats.intervals import Interval
from leaderboard.text import plotly
from leaderboard.units import mib, points

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 280
NAME_PX = 22
"""Height of a candidate's line in the legend."""
APART = 0.035
"""Part of a length by which the points of several candidates stand beside each other."""
Curve = tuple[str, Sequence[ContextPoint]]
"""A candidate's name, and its lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a length: its value, and how far it may lie from it."""

    title: str
    unit: str
    value: Callable[[ContextPoint], float | None]
    """In the unit that is shown."""
    spread: Callable[[ContextPoint], Interval | None]
    digits: int = 0
    log: bool = False
    """True: drawn on a logarithmic scale, on which twice the length is a step."""


def _score(point: ContextPoint) -> float | None:
    return points(point.score.value) if point.score and point.score.value is not None else None


def _score_interval(point: ContextPoint) -> Interval | None:
    found = point.score.interval if point.score else None
    return found and Interval(low=points(found.low), high=points(found.high))


def _ttft(point: ContextPoint) -> float | None:
    return point.about.ttft_s.p50 if point.about.ttft_s else None


def _ttft_range(point: ContextPoint) -> Interval | None:
    found = point.about.ttft_s
    return Interval(low=found.minimum, high=found.maximum) if found else None


def _peak(point: ContextPoint) -> float | None:
    return None if point.about.peak_bytes is None else mib(point.about.peak_bytes)


SCORE = Number(title="found, %", unit="%", value=_score, spread=_score_interval)
TTFT = Number(
    title="TTFT, s (log scale)", unit=" s", value=_ttft, spread=_ttft_range, digits=2, log=True
)
PEAK = Number(title="peak memory, MiB", unit=" MiB", value=_peak, spread=lambda _: None)


def length_figure(curves: Sequence[Curve], number: Number, *, dark: bool) -> go.Figure:
    """A number against the length of the context, on a scale where each length is twice the last.

    Args:
        curves: candidates; lengths that lack the number are left out.
        number: which.
        dark: the background.
    """
    colours = palette(dark=dark)
    named = len(curves) > 1
    figure = frame(dark=dark, height=HEIGHT + (NAME_PX * len(curves) if named else 0))
    for place, (name, curve) in enumerate(curves):
        shown = [(one, value) for one in curve if (value := number.value(one)) is not None]
        values = [value for _, value in shown]
        colour = colours.series[place % len(colours.series)]
        beside = 1 + APART * (place - (len(curves) - 1) / 2)
        figure.add_scatter(
            x=[one.about.tokens * beside for one, _ in shown],
            y=values,
            mode="lines+markers",
            name=label(name),
            error_y=whiskers(values, [number.spread(one) for one, _ in shown], colour),
            line={"width": 1.8, "color": colour},
            marker={"size": 8, "color": colour},
            cliponaxis=False,
            hovertext=[_hover(name, one, value, number) for one, value in shown],
            hoverinfo="text",
        )
    lengths = sorted({one.about.tokens for _, curve in curves for one in curve})
    figure.update_xaxes(
        type="log", title="context, tokens", tickmode="array", tickvals=lengths,
        ticktext=[length_name(one) for one in lengths],
    )  # fmt: skip
    figure.update_yaxes(title=number.title, rangemode="tozero")
    if number is SCORE:
        figure.update_yaxes(range=[-3, 103])
    if number.log:
        ends = [end for _, curve in curves for one in curve for end in _ends(one, number)]
        figure.update_yaxes(type="log", tickmode="array", **log_ticks(log_range(ends)))
    figure.update_layout(showlegend=named)
    return figure


def _ends(point: ContextPoint, number: Number) -> Iterator[float]:
    """What a point's number and its whisker reach, where that is above 0."""
    spread, value = number.spread(point), number.value(point)
    for end in (value, *((spread.low, spread.high) if spread else ())):
        if end is not None and end > 0:
            yield end


def _hover(name: str, point: ContextPoint, value: float, number: Number) -> str:
    spread = number.spread(point)
    between = (
        f"<br>{spread.low:,.{number.digits}f} to {spread.high:,.{number.digits}f}" if spread else ""
    )
    prompts = point.about.prompt_tokens
    tokens = f"<br>prompts of {prompts.p50:,.0f} tokens (median)" if prompts else ""
    return (
        f"<b>{plotly(name)}, {point.label}</b><br>{value:,.{number.digits}f}{number.unit}"
        f"{between}{tokens}"
    )
