"""Cached readings of the stores: each record, row and judgement is made once for all sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from evals.errors import RecordError
from leaderboard.app import launch
from leaderboard.choose.overview import Overview, judged_view, look
from leaderboard.choose.preferences import Judge
from leaderboard.choose.reading import judge_by, read_peers
from leaderboard.choose.resampling import Peers
from leaderboard.pages.presets import Preset
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.rows.peers import Shared, sharing
from leaderboard.rows.row import Row, merged
from leaderboard.rows.selection import Selection, select
from leaderboard.rows.stores import StoreReader, StoreView
from leaderboard.rows.view import View, task_weights
from runners.records.progress import Progress
from runners.records.record import Record

STORES = "stores"
"""Key of the session's state for the stores as this run of the page sees them."""


def stores() -> StoreView:
    """The stores as they were when this run began."""
    found: StoreView = st.session_state[STORES]
    return found


def look_again() -> None:
    """See the stores as they are now: with this a run of the page begins."""
    st.session_state[STORES] = _reader(folders()).read()


def warm() -> None:
    """Read the stores before anybody asks."""
    _rows(_reader(folders()).read())


def folders() -> tuple[str, ...]:
    """The folders that the board was started on."""
    return tuple(json.loads(os.environ.get(launch.STORES, "[]")))


def presets() -> tuple[Preset, ...]:
    """Computers whose memory is offered as a limit."""
    known = json.loads(os.environ.get(launch.PRESETS, "[]"))
    return tuple(Preset(name=name, memory_bytes=memory) for name, memory in known)


def suites() -> tuple[str, ...]:
    """Names of the suites that a command may name."""
    return tuple(json.loads(os.environ.get(launch.SUITES, "[]")))


def selected(view: View) -> Selection | None:
    """The rows that a view is about."""
    return select(rows(), view, here=os.environ.get(launch.MACHINE, ""))


def rows() -> tuple[Row, ...]:
    """Every candidate on every suite and machine."""
    return _rows(stores())


def overview(selection: Selection, view: View) -> Overview:
    """Rows judged as a view asks, item by item where they are few enough to read."""
    return _overview(stores(), selection.shared, judged_view(view))


def progress() -> tuple[Progress, ...]:
    """Batches that run now or died before their end, read anew at each call."""
    return stores().progress()


def full(run_id: str) -> tuple[Record | None, str]:
    """A record with its raw values, or why it cannot be read."""
    found = stores()
    try:
        return _full(found, run_id), ""
    except RecordError as error:
        return None, str(error)


def answers(run_id: str) -> tuple[Answers | None, str]:
    """A run's scores by item, or why there are none."""
    found = stores()
    try:
        return _answers(found, run_id), ""
    except RecordError as error:
        return None, str(error)


def _signature(found: StoreView) -> str:
    return found.signature


_BY_SIGNATURE: dict[str | type[Any], Callable[[Any], Any]] = {StoreView: _signature}
"""A store is hashed by what was in it, so that a new run is seen and nothing is read twice."""


@lru_cache(maxsize=4)  # not Streamlit's: it is also filled before there is a session
def _reader(roots: tuple[str, ...]) -> StoreReader:
    return StoreReader([Path(root) for root in roots])


@lru_cache(maxsize=2)
def _rows(found: StoreView) -> tuple[Row, ...]:
    return tuple(merged(found.records))


@st.cache_resource(show_spinner=False, max_entries=64, hash_funcs={**_BY_SIGNATURE, View: repr})
def _overview(found: StoreView, shared: Shared, judged: View) -> Overview:
    peers, judge = _peers(found, shared, task_weights(judged))
    return look(peers, judged, judge)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_SIGNATURE)
def _peers(
    found: StoreView, shared: Shared, weights: Mapping[str, float] | None
) -> tuple[Peers, Judge]:
    def read(run_id: str) -> Answers | None:
        return answers(run_id)[0]

    peers = read_peers(sharing(_rows(found), shared), read, weights)
    return peers, judge_by(read, peers)


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=_BY_SIGNATURE)
def _full(found: StoreView, run_id: str) -> Record:
    return found.full(run_id)


@st.cache_resource(show_spinner=False, max_entries=32, hash_funcs=_BY_SIGNATURE)
def _answers(found: StoreView, run_id: str) -> Answers:
    store = found.store(run_id)
    record = store.read(run_id)
    return read_answers(record, store.answers(record))
