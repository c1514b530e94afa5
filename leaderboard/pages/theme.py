"""Colours and templates of all plots: safe for colour-blind readers, light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import plotly.graph_objects as go

# M. Okabe and K. Ito, Color Universal Design (2008): told apart with any common colour blindness.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
AMBER, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of a plot on one background."""

    background: str
    panel: str
    """Colour of boxes on the background."""
    text: str
    muted: str
    """Secondary text, axes, and what lies outside the limits."""
    grid: str
    accent: str
    on_accent: str
    """Text on the accent."""
    bad: str
    """What regressed."""
    edge: str
    """Shadow at the edge behind which there is more."""
    series: tuple[str, ...]
    """Colours of series, in this order."""


LIGHT = Palette(
    background="#FFFFFF",
    panel="#F4F5F7",
    text="#1B2128",
    muted="#5F6872",
    grid="#E4E7EB",
    accent=BLUE,
    on_accent="#FFFFFF",
    bad="#C0182B",
    edge="#C3CAD2",
    series=(BLUE, ORANGE, GREEN, PURPLE, AMBER, "#2A8FC4"),
)
DARK = Palette(
    background="#12161B",
    panel="#1C2229",
    text="#E8EBEE",
    muted="#97A1AC",
    grid="#2C343D",
    accent=SKY,
    on_accent="#12161B",
    bad="#FF6B6B",
    edge="#4A5561",
    series=(SKY, AMBER, "#2BC79A", "#E39BC3", YELLOW, "#E8702A"),
)


def palette(*, dark: bool) -> Palette:
    """The colours on one background."""
    return DARK if dark else LIGHT


def in_dark() -> dict[str, str]:
    """Colour on a light page -> the same on a dark one, so that a figure need be drawn once."""
    pairs = {LIGHT.background: DARK.background, LIGHT.panel: DARK.panel, LIGHT.text: DARK.text,
             LIGHT.muted: DARK.muted, LIGHT.grid: DARK.grid, LIGHT.accent: DARK.accent}  # fmt: skip
    return pairs | dict(zip(LIGHT.series, DARK.series, strict=True))


@cache
def template(*, dark: bool) -> go.layout.Template:
    """Fonts, grid and colours of every figure."""
    colours = palette(dark=dark)
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": colours.grid,
        "title": {"standoff": 10, "font": {"size": 13, "color": colours.muted}},
        "tickfont": {"size": 12, "color": colours.muted},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": '"Source Sans", sans-serif', "size": 14, "color": colours.text},
            "colorway": list(colours.series),
            "margin": {"l": 8, "r": 8, "t": 24, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "hoverlabel": {
                "bgcolor": colours.panel,
                "bordercolor": colours.grid,
                "font": {"color": colours.text, "size": 13},
                "align": "left",
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.muted},
        }
    )
