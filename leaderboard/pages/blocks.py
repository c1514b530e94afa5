"""What a page consists of, as data: Streamlit draws it, and so does a static file.

A page is a function of the library (what the stores hold) and of the view (what is looked at).
Texts are data, never markup, but for code between backticks: `weighin run`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from leaderboard.choose.overview import Line
from leaderboard.pages.controls import (
    Changes,
    Download,
    Go,
    Pick,
    PickNumber,
    PickSeveral,
    Presets,
    Reset,
    Search,
)
from leaderboard.pages.folded import LongText
from leaderboard.pages.grid import Grid
from leaderboard.pages.overview.columns import Column
from leaderboard.pages.tiles import Tile

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 names the page, 2 a part of it, 3 a figure."""

    text: str
    level: Literal[1, 2, 3] = 2


@dataclass(frozen=True, slots=True)
class Contents:
    """Links to the parts of a page, by their headings of level 2."""

    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a small one explains what stands above it."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that stands out: what is missing, what went wrong, which link was stale."""

    text: str
    kind: Literal["info", "link", "running", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Code:
    """A command to copy."""

    text: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """Headline numbers in a row, which wraps where the screen is narrow."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts and numbers."""

    grid: Grid


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot; a table beside it has the same numbers."""

    name: str
    """Unique on its page."""
    draw: Callable[[bool], go.Figure]
    """Makes the figure; True: for a dark page."""
    alt: str
    """Description of the figure for who cannot see it."""
    opens: Callable[[str], Go] | None = None
    """What a click on a point opens, by the point's custom data; None: a click does nothing."""


@dataclass(frozen=True, slots=True)
class Items:
    """A long table that one scrolls through."""

    name: str
    """Unique on its page."""
    rows: Sequence[Mapping[str, object]]
    """Column -> value, a text or a number."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Long texts, each behind its title."""

    texts: tuple[LongText, ...]
    beyond: int = 0
    """Number of further texts, which are not held here."""


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON text, folded."""

    text: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks that are shown on demand."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The recommendation, what speaks for it, the price of others, and what it rests on."""

    claim: str
    certainty: str
    nexts: tuple[str, ...]
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """The ranked table, whose heads sort and whose lines can be ticked, pinned and opened."""

    lines: tuple[Line, ...]
    """Those that are shown, in order, without the pinned ones."""
    columns: tuple[Column, ...]
    caption: str
    opens: Callable[[str], Go]
    """A candidate's own page, by its digest."""
    sort: str = ""
    """Order of the lines, written as in a view; empty: by rank, and those of one rank are a group.
    """
    sorts: Callable[[str], Changes]
    """What a click on a column's head changes, by its key; an empty key is the rank."""
    ticked: tuple[str, ...] = ()
    """Digests."""
    ticks: Callable[[str], Changes]
    """What a click on a candidate's box changes, by its digest."""
    pinned: tuple[Line, ...] = ()
    pins: Callable[[str], Changes]
    """What a click on a candidate's pin changes, by its digest."""

    @property
    def grouped(self) -> bool:
        """True where the lines stand in the order of their ranks."""
        return not self.sort


@dataclass(frozen=True, slots=True)
class Popover:
    """Blocks behind a button."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """Controls in a row that wraps."""

    blocks: tuple[Block, ...]
    folds: str = ""
    """Title of a button behind which they stand on a phone; empty: they never do."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Blocks side by side, under each other where the screen is narrow."""

    columns: tuple[tuple[Block, ...], ...]
    widths: tuple[float, ...] = ()
    """Relative widths; empty: all alike."""
    align: Literal["top", "bottom"] = "top"


@dataclass(frozen=True, slots=True)
class Live:
    """Blocks that are made anew every few seconds; a file shows them as they were when written."""

    now: Callable[[], Iterable[Block]]
    """Makes the blocks of this moment; they hold no controls."""
    mark: Callable[[], Hashable]
    """What the rest of the page depends on: where it changes, the whole page is made anew."""
    then: Callable[[], Iterable[Block]]
    """Makes what a file shows, which is read at any time after."""
    every_s: float
    """Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class WholeBoard:
    """A way to the whole board as one file, made by whoever draws; a file has none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Values that a page shows where the view left them open: for the address, not drawn."""

    changes: Changes


Block = (
    Heading
    | Contents
    | Text
    | Note
    | Code
    | Tiles
    | Table
    | Figure
    | Pick
    | PickSeveral
    | PickNumber
    | Search
    | Go
    | Download
    | Items
    | Texts
    | Json
    | Fold
    | Beside
    | Answer
    | Ranked
    | Popover
    | Bar
    | Presets
    | Reset
    | Live
    | WholeBoard
    | Shown
)
