"""Read each record, row and judgement once, for pages that are written to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from evals.errors import RecordError
from leaderboard.choose.overview import MOST_PAIRED, Overview, draw_all, look
from leaderboard.choose.resampling import Draws
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.rows.peers import Scores, Shared
from leaderboard.rows.row import Row, merged
from leaderboard.rows.selection import Selection, select
from leaderboard.rows.stores import StoreReader, StoreView
from leaderboard.rows.view import View, task_weights
from runners.records.record import Record

KEPT = 64
"""Records and answers that are kept in memory at once."""


class StoredLibrary:
    """A library of some stores, as they were when it was made."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read the stores.

        Args:
            folders: roots of the stores.
        """
        self._folders = tuple(str(folder) for folder in folders)
        self._stores = StoreReader(list(folders)).read()
        self._draws: dict[tuple[Shared, tuple[tuple[str, float], ...]], Draws] = {}
        self.full = lru_cache(KEPT)(self._full)
        self.answers = lru_cache(KEPT)(self._answers)

    def stores(self) -> StoreView:
        """The stores as they were."""
        return self._stores

    def folders(self) -> tuple[str, ...]:
        """The stores' folders, as they were given."""
        return self._folders

    def rows(self) -> tuple[Row, ...]:
        """Every candidate on every suite and machine."""
        return self._rows

    def selected(self, view: View) -> Selection | None:
        """The rows that a view is about; None where there are none at all."""
        return select(self._rows, view)

    def overview(self, selection: Selection, view: View) -> Overview:
        """The rows of a selection judged as a view asks, item by item where they are few."""
        scores = self._scores(selection)
        return look(selection.rows, view, self._drawn(selection, task_weights(view)), scores)

    def _scores(self, selection: Selection) -> dict[str, Scores]:
        """Item scores by run id; none where there are too many candidates to read them all."""
        rows = selection.rows if len(selection.rows) <= MOST_PAIRED else ()
        read = {row.record.run_id: self.answers(row.record.run_id)[0] for row in rows}
        return {run: found.scores for run, found in read.items() if found is not None}

    def _drawn(self, selection: Selection, weights: Mapping[str, float] | None) -> Draws:
        key = (selection.shared, tuple(sorted((weights or {}).items())))
        if key not in self._draws:
            found = draw_all(selection.rows, weights, self._scores(selection))
            self._draws[key] = found
        return self._draws[key]

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
