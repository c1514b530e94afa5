"""The library of pages, read from stores: each record, row and judgement is made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from evals.errors import RecordError
from leaderboard.choose.overview import Overview, judged_view, look, with_preference
from leaderboard.choose.preferences import Judge
from leaderboard.choose.reading import gather_for, judge_by
from leaderboard.choose.resampling import Peers
from leaderboard.pages.presets import Preset
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.rows.peers import Shared, sharing
from leaderboard.rows.row import Row, merged
from leaderboard.rows.selection import Selection, select, wanted_abilities
from leaderboard.rows.stores import StoreReader, StoreView, shipped_machines
from leaderboard.rows.view import PREFERENCES, View
from runners.records.progress import Progress
from runners.records.record import Record

MOST_RECORDS, MOST_ANSWERS, MOST_PEERS, MOST_VIEWS = 16, 32, 8, 64
"""Records with raw values, answers, gathered rows and judged views that are kept at once."""
_Pairs = tuple[tuple[str, float], ...]


Result = TypeVar("Result")


class _Once(Generic[Result]):
    """A function whose newest results are kept; threads that ask at once wait for one of them."""

    def __init__(self, make: Callable[..., Result], most: int) -> None:
        self._made = lru_cache(most)(make)
        self._lock = threading.RLock()

    def __call__(self, *key: Hashable) -> Result:
        with self._lock:
            return self._made(*key)


def _counts(view: View) -> tuple[_Pairs, _Pairs, _Pairs]:
    """What a view asks of the draws; which number an ability must reach is no part of it."""
    named = tuple((name, 0.0) for name, _ in view.ability_limits)
    return view.weights, view.ability_weights, named


class StoredLibrary:
    """A library of some stores, as they were when they were read."""

    def __init__(
        self,
        folders: Sequence[Path],
        presets: Sequence[Preset] = (),
        *,
        suites: Sequence[str] = (),
        here: str = "",
        stores: StoreView | None = None,
    ) -> None:
        """Read the stores.

        Args:
            folders: roots of the stores.
            presets: computers whose memory is offered as a limit.
            suites: names of the suites that a command may name.
            here: fingerprint of this machine, whose runs are shown first.
            stores: their content, where it was read already.
        """
        self._folders = tuple(str(folder) for folder in folders)
        self._presets, self._suites, self._here = tuple(presets), tuple(suites), here
        self._stores = StoreReader(list(folders)).read() if stores is None else stores
        self._rows = _Once(lambda: tuple(merged(self._stores.records)), 1)
        self._selected = _Once(self._select, MOST_VIEWS)
        self._judged = _Once(self._judge, MOST_VIEWS)
        self._peers = _Once(self._gather, MOST_PEERS)
        self._full = _Once(self._read_full, MOST_RECORDS)
        self._answers = _Once(self._read_answers, MOST_ANSWERS)

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
        """Names of the suites that a command may name."""
        return self._suites

    def rows(self) -> tuple[Row, ...]:
        """Every candidate on every suite and machine."""
        return self._rows()

    def selected(self, view: View) -> Selection | None:
        """The rows that a view is about; None where there are none at all."""
        return self._selected(
            view.machine, view.suite, view.budget, view.builds, wanted_abilities(view)
        )

    def overview(self, selection: Selection, view: View) -> Overview:
        """The rows of a selection judged as a view asks, item by item where they are few.

        What was judged is not judged anew for another preference.
        """
        asked = replace(judged_view(view), prefer=PREFERENCES[0])
        peers, _ = self._peers(selection.shared, *_counts(view))
        return with_preference(self._judged(selection.shared, asked), peers, view)

    def progress(self) -> tuple[Progress, ...]:
        """Batches that run now or died before their end, read anew at each call."""
        return self._stores.progress()

    def full(self, run_id: str) -> tuple[Record | None, str]:
        """A record with its raw values, or None and why it cannot be read."""
        return self._full(run_id)

    def answers(self, run_id: str) -> tuple[Answers | None, str]:
        """A run's scores by item, or None and why there are none."""
        return self._answers(run_id)

    def _select(
        self,
        machine: str,
        suite: str,
        budget: str,
        builds: tuple[str, ...],
        measured: tuple[str, ...],
    ) -> Selection | None:
        view = View(machine=machine, suite=suite, budget=budget, builds=builds, measured=measured)
        return select(self.rows(), view, here=self._here, shipped=shipped_machines(self._stores))

    def _judge(self, shared: Shared, asked: View) -> Overview:
        peers, judge = self._peers(shared, *_counts(asked))
        return look(peers, asked, judge)

    def _gather(
        self, shared: Shared, tasks: _Pairs, abilities: _Pairs, limited: _Pairs
    ) -> tuple[Peers, Judge]:
        peers = gather_for(
            sharing(self.rows(), shared),
            self._read,
            View(weights=tasks, ability_weights=abilities, ability_limits=limited),
        )
        return peers, judge_by(self._read, peers)

    def _read(self, run_id: str) -> Answers | None:
        return self.answers(run_id)[0]

    def _read_full(self, run_id: str) -> tuple[Record | None, str]:
        try:
            return self._stores.full(run_id), ""
        except RecordError as error:
            return None, str(error)

    def _read_answers(self, run_id: str) -> tuple[Answers | None, str]:
        try:
            store = self._stores.store(run_id)
            record = store.read(run_id)
            return read_answers(record, store.answers(record)), ""
        except RecordError as error:
            return None, str(error)
