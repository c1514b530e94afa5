"""Figures of several users at once: throughput, and the wait for the first token."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, scaled, whiskers
from leaderboard.pages.theme import palette
from leaderboard.runs.users import LevelPoint, Mean, SeveralUsers
from leaderboard.text import plotly
from leaderboard.units import format_number, ms

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 320
ROOM = 1.12
"""Height of the throughput's axis by the greatest of it: the word at the knee has room."""
SHOWN_UP_TO = 3.0
"""A deadline is drawn where it is at most this many times the longest wait."""


def throughput_figure(found: SeveralUsers, *, dark: bool) -> go.Figure:
    """Output tokens a second against users; requests a second where nobody counts tokens.

    The dashed line is the smallest number's throughput times more users: what it would be if they
    did not slow each other down.
    """
    counted = all(point.tokens_per_s for point in found.points if point.requests_per_s)
    unit = "output tokens/s" if counted else "requests/s"
    points, means = _known(
        found.points, lambda one: one.tokens_per_s if counted else one.requests_per_s
    )
    colours, figure = palette(dark=dark), _frame(found, dark=dark)
    if points:
        first = means[0].value / points[0].users
        most = max(mean.interval.high if mean.interval else mean.value for mean in means)
        figure.add_scatter(
            x=[point.users for point in points],
            y=[first * point.users for point in points],
            mode="lines",
            name="without slowing each other down",
            line={"dash": "dash", "width": 1.4, "color": colours.muted},
            hoverinfo="skip",
        )
        _line(figure, points, means, colours.series[0], name="measured", unit=unit)
        figure.update_yaxes(range=[0, ROOM * most])
    if len(found.knees) == 1 and found.knees[0] != found.most:
        _mark(figure, found.knees[0], "knee", colours.text)
    figure.update_yaxes(title=unit)
    return figure


def ttft_figure(found: SeveralUsers, *, dark: bool) -> go.Figure:
    """Milliseconds to the first token against users: the median of each length of prompt, and the
    slow end of all requests.
    """
    colours, figure = palette(dark=dark), _frame(found, dark=dark)
    order = [0, *range(2, len(colours.series))]  # the slow end has the second colour
    for at, name in enumerate(found.workloads):
        points, means = _known(found.points, lambda one, at=at: one.ttft_s[at])  # type: ignore[misc]
        if points:
            colour = colours.series[order[at % len(order)]]
            _line(
                figure, points, means, colour, name=f"median, {plotly(name)}", unit="ms", scale=ms
            )
    slow = [(one.users, one.ttft_slow) for one in found.points if one.ttft_slow is not None]
    figure.add_scatter(
        x=[users for users, _ in slow],
        y=[ms(tail.value) for _, tail in slow],
        mode="markers",
        name="slow end of all",
        marker={"symbol": "line-ew", "size": 16, "line": {"width": 3, "color": colours.series[1]}},
        hovertext=[
            f"{users} at once: {format_number(ms(tail.value))} ms, {tail.basis}"
            for users, tail in slow
        ],
        hoverinfo="text",
    )
    longest = max((tail.value for _, tail in slow), default=0.0)
    if longest and found.deadline_ttft_s <= SHOWN_UP_TO * longest:
        figure.add_hline(
            y=ms(found.deadline_ttft_s),
            line={"dash": "dash", "width": 1.4, "color": colours.muted},
            annotation={"text": "deadline", "font": {"color": colours.muted}},
        )
    figure.update_yaxes(title="ms", rangemode="tozero")
    return figure


def _mark(figure: go.Figure, users: int, word: str, colour: str) -> None:
    """A line up from a number of users, with a word at its top."""
    figure.add_vline(x=users, line={"dash": "dot", "width": 1.4, "color": colour})
    figure.add_annotation(
        x=math.log10(users),  # a line takes the number, and an annotation its logarithm
        y=1.0,
        yref="paper",
        xanchor="left",
        yanchor="top",
        xshift=3,
        text=word,
        showarrow=False,
        font={"color": colour},
    )


def _frame(found: SeveralUsers, *, dark: bool) -> go.Figure:
    """Users from left to right, each doubling as wide as the last."""
    figure = frame(dark=dark, height=HEIGHT)
    numbers = [point.users for point in found.points]
    room = 0.12 * (math.log10(numbers[-1] / numbers[0]) or 1.0)
    figure.update_xaxes(
        title="users at once",
        type="log",
        tickmode="array",
        tickvals=numbers,
        ticktext=[f"{number:,}" for number in numbers],
        range=[math.log10(numbers[0]) - room, math.log10(numbers[-1]) + room],
    )
    figure.update_layout(showlegend=True)
    return figure


def _known(
    points: Sequence[LevelPoint], number: Callable[[LevelPoint], Mean | None]
) -> tuple[list[LevelPoint], list[Mean]]:
    """The points that have a number, and it."""
    found = [(point, mean) for point in points if (mean := number(point)) is not None]
    return [point for point, _ in found], [mean for _, mean in found]


def _line(
    figure: go.Figure, points: Sequence[LevelPoint], means: Sequence[Mean], colour: str, *,
    name: str, unit: str, scale: Callable[[float], float] = float,
) -> None:  # fmt: skip
    values = [scale(mean.value) for mean in means]
    figure.add_scatter(
        x=[point.users for point in points],
        y=values,
        mode="lines+markers",
        name=name,
        line={"width": 2.2, "color": colour},
        marker={"size": 8},
        error_y=whiskers(values, [scaled(mean.interval, scale) for mean in means], colour),
        hovertext=[
            f"{point.users} at once: {format_number(value)} {unit}"
            for point, value in zip(points, values, strict=True)
        ],
        hoverinfo="text",
    )
