"""Accuracy by task, with intervals and what guessing would score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leaderboard.pages.frame import frame, lines_high, name_lines, scaled, whiskers
from leaderboard.pages.theme import palette
from leaderboard.rows.score import Score
from leaderboard.text import plotly
from leaderboard.units import format_percent, points

if TYPE_CHECKING:
    import plotly.graph_objects as go


def tasks_figure(scores: Sequence[Score], *, dark: bool) -> go.Figure:
    """A dot a task, in per cent, with its 95 % interval and a tick where guessing lies.

    Args:
        scores: tasks and groups; those without a value, or that are no proportion, are left out.
        dark: the background.

    A hollow dot is a score that is not significantly above guessing.
    """
    colours = palette(dark=dark)
    shown = [score for score in scores if score.value is not None and score.interval]
    figure = frame(dark=dark, height=lines_high(len(shown)))
    values = [points(score.value or 0.0) for score in shown]
    intervals = [scaled(score.interval, points) for score in shown]
    guessed = [score.told_from_chance is False for score in shown]
    lines = list(range(len(shown)))
    chances = [(i, score.chance) for i, score in enumerate(shown) if score.chance is not None]
    figure.add_scatter(
        x=[points(chance) for _, chance in chances],
        y=[i for i, _ in chances],
        mode="markers",
        name="guessing",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 2.5, "color": colours.muted}},
        hovertemplate="guessing: %{x:.1f}%<extra></extra>",
    )
    figure.add_scatter(
        x=values,
        y=lines,
        mode="markers",
        name="score with 95 % interval over items",
        error_x=whiskers(values, intervals, colours.accent),
        marker={
            "size": 10,
            "color": [colours.background if hollow else colours.accent for hollow in guessed],
            "line": {"width": 2, "color": colours.accent},
        },
        hovertext=[_hover(score) for score in shown],
        hoverinfo="text",
    )
    name_lines(figure, [score.name for score in shown])
    figure.update_xaxes(title="%", rangemode="tozero")
    return figure


def _hover(score: Score) -> str:
    interval = score.interval
    limits = (
        f"{format_percent(interval.low)} to {format_percent(interval.high)}" if interval else ""
    )
    chance = f"<br>guessing: {format_percent(score.chance)}" if score.chance is not None else ""
    told = "<br>not significantly above guessing" if score.told_from_chance is False else ""
    return (
        f"<b>{plotly(score.name)}</b> ({plotly(score.metric)})<br>{format_percent(score.value)}, "
        f"95 % {limits}<br>n = {score.n:,}{chance}{told}"
    )
