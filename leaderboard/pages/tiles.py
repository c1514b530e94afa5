"""Headline numbers in a row, as HTML in which no text from a record is markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.text import html


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number."""

    label: str
    value: str
    spread: str
    """Half the interval's width, shown after a ±; empty where nothing is known of it."""
    basis: str
    """Basis of the number: items, runs or source."""


def as_html(tiles: Sequence[Tile]) -> str:
    """The row, which wraps where the screen is narrow."""
    cells = "".join(
        f'<div class="tile"><div class="label">{html(tile.label)}</div>'
        f'<div class="value">{html(tile.value)}'
        + (f' <span class="pm">± {html(tile.spread)}</span>' if tile.spread else "")
        + f'</div><div class="basis">{html(tile.basis)}</div></div>'
        for tile in tiles
    )
    return f'<div class="tiles">{cells}</div>'
