"""What pages read, and what a page is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from leaderboard.choose.overview import Overview
from leaderboard.pages.blocks import Block
from leaderboard.pages.presets import Preset
from leaderboard.rows.answers import Answers
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.stores import StoreView
from leaderboard.rows.view import View
from runners.records.progress import Progress
from runners.records.record import Record


class Library(Protocol):
    """Data that pages read. Whoever draws them keeps what was read before."""

    def stores(self) -> StoreView:
        """The stores as they are now."""
        ...

    def folders(self) -> tuple[str, ...]:
        """The folders that are looked at."""
        ...

    def presets(self) -> tuple[Preset, ...]:
        """Computers whose memory is offered as a limit."""
        ...

    def suites(self) -> tuple[str, ...]:
        """Names of the suites that a command may name."""
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

    def progress(self) -> tuple[Progress, ...]:
        """Batches that run now or died before their end, read anew at each call."""
        ...

    def full(self, run_id: str) -> tuple[Record | None, str]:
        """A record with its raw values, or None and why it cannot be read."""
        ...

    def answers(self, run_id: str) -> tuple[Answers | None, str]:
        """A run's scores by item, or None and why there are none."""
        ...


Page = Callable[[Library, View], Iterator[Block]]
