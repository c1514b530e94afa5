"""Small multiples: a panel a machine, all on one axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from plotly.subplots import make_subplots

from leaderboard.pages.frame import label, lines_high, name_lines, scaled, whiskers
from leaderboard.pages.theme import palette, template
from leaderboard.rows.across import Across
from leaderboard.rows.metric import Metric
from leaderboard.rows.names import short_names

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_PANELS = 4
"""Machines that are drawn; the table has all."""


def multiples(
    found: Across, names: Mapping[str, str], metric: Metric, *, dark: bool = False
) -> go.Figure:
    """A metric of every candidate, a panel a machine; bars are 95 % intervals over runs.

    Args:
        found: candidates x machines.
        names: what to call the candidates, by digest.
        metric: one of METRICS.
        dark: drawn on a dark page.
    """
    colours = palette(dark=dark)
    machines = list(found.machines)[:MOST_PANELS]
    figure = make_subplots(
        rows=1,
        cols=len(machines),
        shared_xaxes="all",
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[label(found.machines[machine]) for machine in machines],
    )
    digests = list(found.rows)
    for place, machine in enumerate(machines, start=1):
        known = [
            (line, found.rows[digest][machine].number(metric.key))
            for line, digest in enumerate(digests)
            if machine in found.rows[digest]
        ]
        measured = [(line, one) for line, one in known if one.value is not None]
        values = [metric.unit.scale(one.value or 0.0) for _, one in measured]
        spans = [scaled(one.interval, metric.unit.scale) for _, one in measured]
        figure.add_bar(
            x=values,
            y=[line for line, _ in measured],
            orientation="h",
            marker={"color": colours.accent},
            error_x=whiskers(values, spans, colours.muted),
            hovertemplate="%{x:,.4g} " + label(metric.unit.symbol) + "<extra></extra>",
            row=1,
            col=place,
        )
    figure.update_layout(
        template=template(dark=dark), height=lines_high(len(digests)) + 30, showlegend=False
    )
    figure.update_xaxes(rangemode="tozero", title=label(metric.axis_title))
    name_lines(figure, short_names([names[digest] for digest in digests]))
    return figure
