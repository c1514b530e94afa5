"""Small multiples: a panel a machine, one below the other on one axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from plotly.subplots import make_subplots

from leaderboard.pages.frame import label, lines_high, name_lines, scaled, whiskers
from leaderboard.pages.theme import palette, template
from leaderboard.rows.across import Across
from leaderboard.rows.metric import Metric
from leaderboard.rows.names import short_names
from leaderboard.text import cut, plotly

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_PANELS = 4
"""Machines that are drawn; the table has all."""
AXES_PX, TITLE_PX = 96, 34
MOST_TITLE = 44
"""Characters of a machine's name, which fit on a phone."""


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
    digests = list(found.rows)
    names_short = short_names([names[digest] for digest in digests])
    panel = lines_high(len(digests)) - AXES_PX // 2
    figure = make_subplots(
        rows=len(machines),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=TITLE_PX / (panel * len(machines)),
        subplot_titles=[plotly(cut(found.machines[machine], MOST_TITLE)) for machine in machines],
    )
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
            row=place,
            col=1,
        )
    figure.update_layout(
        template=template(dark=dark), height=panel * len(machines) + AXES_PX // 2, showlegend=False
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    figure.update_xaxes(rangemode="tozero")
    figure.update_xaxes(title=plotly(metric.axis_title), row=len(machines), col=1)
    name_lines(figure, names_short)
    return figure
