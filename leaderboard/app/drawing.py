"""How panels draw figures, tables and tiles: in one way, so that they look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from leaderboard.pages.grid import Grid, as_html
from leaderboard.pages.tiles import Tile
from leaderboard.pages.tiles import as_html as as_tiles

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figure(drawn: go.Figure, name: str, *, alt: str) -> None:
    """A figure as wide as its place, with the board's own colours rather than Streamlit's.

    Args:
        drawn: the figure.
        name: of it among those of its page.
        alt: what it shows, for who cannot see it; the numbers are in a table beside it.
    """
    st.plotly_chart(drawn, theme=None, key=name, config={"displayModeBar": False}, alt=alt)


def grid(table: Grid) -> None:
    """A table."""
    st.html(as_html(table))


def tiles(shown: Sequence[Tile]) -> None:
    """Headline numbers in a row, which wraps where the screen is narrow."""
    st.html(as_tiles(shown))
