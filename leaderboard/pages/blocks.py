"""Content of a page as data: Streamlit draws it, and so does a static file.

A page is a function of the library (what the stores hold) and of the view (what is looked at).
Texts are data, never markup, but for code between backticks: `weighin run`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from leaderboard.choose.overview import Overview
from leaderboard.pages.grid import Grid
from leaderboard.pages.tiles import Tile
from leaderboard.rows.answers import Answers
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.stores import StoreView
from leaderboard.rows.view import View
from runners.records.record import Record

if TYPE_CHECKING:
    import plotly.graph_objects as go

Changes = Mapping[str, Any]
"""Fields of a `View` with their new values."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 names the page, 2 a part of it, 3 a figure."""

    text: str
    level: Literal[1, 2, 3] = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a small one explains what stands above it."""

    text: str
    small: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that stands out: what is missing, what went wrong, which link was stale."""

    text: str
    kind: Literal["info", "link", "warning", "error"] = "info"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A box of one choice, which changes the view."""

    name: str
    """Unique on its page."""
    label: str
    options: Mapping[str, str]
    """Value -> what it is called."""
    chosen: str
    changes: Callable[[str], Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickSeveral:
    """A box of several choices, which changes the view."""

    name: str
    label: str
    options: Mapping[str, str]
    chosen: tuple[str, ...]
    changes: Callable[[tuple[str, ...]], Changes]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PickNumber:
    """A number that can be typed, which changes the view."""

    name: str
    label: str
    chosen: float
    least: float
    most: float
    step: float
    changes: Callable[[float], Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Words to search for, which change the view."""

    name: str
    label: str
    chosen: str
    changes: Callable[[str], Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """A button that opens another page with a changed view."""

    label: str
    page: str
    changes: Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to save."""

    label: str
    file: str
    mime: str
    content: Callable[[], str]
    """Makes the file when it is asked for."""


@dataclass(frozen=True, slots=True)
class Items:
    """A long table that one scrolls through."""

    name: str
    """Unique on its page."""
    rows: Sequence[Mapping[str, object]]
    """Column -> value, a text or a number."""


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
class Beside:
    """Blocks side by side, under each other where the screen is narrow."""

    columns: tuple[tuple[Block, ...], ...]
    widths: tuple[float, ...] = ()
    """Relative widths; empty: all alike."""
    align: Literal["top", "bottom"] = "top"


@dataclass(frozen=True, slots=True)
class Shown:
    """Values that a page shows where the view left them open: for the address, not drawn."""

    changes: Changes


Block = (
    Heading
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
    | Json
    | Fold
    | Beside
    | Shown
)


class Library(Protocol):
    """Data that pages read. Whoever draws them keeps what was read before."""

    def stores(self) -> StoreView:
        """The stores as they are now."""
        ...

    def folders(self) -> tuple[str, ...]:
        """The folders that are looked at."""
        ...

    def rows(self) -> tuple[Row, ...]:
        """Every candidate on every suite and machine."""
        ...

    def selected(self, view: View) -> Selection | None:
        """The rows that a view is about; None where there are none at all."""
        ...

    def overview(self, selection: Selection, view: View) -> Overview:
        """The rows of a selection judged as a view asks, item by item where they are few."""
        ...

    def full(self, run_id: str) -> tuple[Record | None, str]:
        """A record with its raw values, or None and why it cannot be read."""
        ...

    def answers(self, run_id: str) -> tuple[Answers | None, str]:
        """A run's scores by item, or None and why there are none."""
        ...


Page = Callable[[Library, View], Iterator[Block]]


def pick_field(field: str, label: str, options: Mapping[str, str], chosen: str) -> Pick:
    """A box of one choice that sets one field of the view."""
    return Pick(
        name=field,
        label=label,
        options=options,
        chosen=chosen,
        changes=lambda value: {field: value},
    )
