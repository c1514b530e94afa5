"""Read each record, row and judgement once, for pages that are written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

from evals.errors import RecordError
from leaderboard.choose.overview import Overview, judged_view, look, with_preference
from leaderboard.choose.preferences import Judge
from leaderboard.choose.reading import judge_by, read_peers
from leaderboard.choose.resampling import Peers
from leaderboard.pages.presets import Preset
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.rows.peers import Shared
from leaderboard.rows.row import Row, merged
from leaderboard.rows.selection import Selection, select
from leaderboard.rows.stores import StoreReader, StoreView
from leaderboard.rows.view import PREFERENCES, View, task_weights
from runners.records.progress import Progress
from runners.records.record import Record

KEPT = 64
"""Records and answers that are kept in memory at once."""


class StoredLibrary:
    """A library of some stores, as they were when it was made."""

    def __init__(self, folders: Sequence[Path], presets: Sequence[Preset] = ()) -> None:
        """Read the stores.

        Args:
            folders: roots of the stores.
            presets: computers whose memory is offered as a limit.
        """
        self._presets = tuple(presets)
        self._folders = tuple(str(folder) for folder in folders)
        self._stores = StoreReader(list(folders)).read()
        self._judged: tuple[Shared, View, Overview] | None = None
        self._selected = lru_cache(KEPT)(lambda view: select(self._rows, view))
        self._peers: dict[tuple[Shared, tuple[tuple[str, float], ...]], tuple[Peers, Judge]] = {}
        self.full = lru_cache(KEPT)(self._full)
        self.answers = lru_cache(KEPT)(self._answers)

    def stores(self) -> StoreView:
        """The stores as they were."""
        return self._stores

    def folders(self) -> tuple[str, ...]:
        """The stores' folders, as they were given."""
        return self._folders

    def presets(self) -> tuple[Preset, ...]:
        """Computers whose memory is offered as a limit."""
        return self._presets

    def suites(self) -> tuple[str, ...]:
        """Nothing, since a file writes no command."""
        return ()

    def rows(self) -> tuple[Row, ...]:
        """Every candidate on every suite and machine."""
        return self._rows

    def selected(self, view: View) -> Selection | None:
        """The rows that a view is about; None where there are none at all."""
        of = {name: getattr(view, name) for name in ("machine", "suite", "budget", "builds")}
        return self._selected(View(**of))

    def overview(self, selection: Selection, view: View) -> Overview:
        """The rows of a selection judged as a view asks, item by item where they are few.

        What was judged last is not judged anew for another preference.
        """
        weights = task_weights(view)
        key = (selection.shared, tuple(sorted((weights or {}).items())))
        if key not in self._peers:
            peers = read_peers(selection.rows, self._read, weights)
            self._peers[key] = peers, judge_by(self._read, peers)
        peers, judge = self._peers[key]
        asked = replace(judged_view(view), prefer=PREFERENCES[0])
        if self._judged is None or self._judged[:2] != (selection.shared, asked):
            self._judged = selection.shared, asked, look(peers, asked, judge)
        return with_preference(self._judged[2], peers, view)

    def progress(self) -> tuple[Progress, ...]:
        """Batches that run now or died before their end, read anew at each call."""
        return self._stores.progress()

    def _read(self, run_id: str) -> Answers | None:
        return self.answers(run_id)[0]

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        return tuple(merged(self._stores.records))

    def _full(self, run_id: str) -> tuple[Record | None, str]:
        try:
            return self._stores.full(run_id), ""
        except RecordError as error:
            return None, str(error)

    def _answers(self, run_id: str) -> tuple[Answers | None, str]:
        try:
            store = self._stores.store(run_id)
            record = store.read(run_id)
            return read_answers(record, store.answers(record)), ""
        except RecordError as error:
            return None, str(error)
