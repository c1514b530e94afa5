"""The stores as a run of the page sees them: read once for all sessions, anew where they change."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path

import streamlit as st

from leaderboard.app import launch
from leaderboard.pages.presets import Preset
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.stores import StoreReader, StoreView

LIBRARY = "library"
"""Key of the session's state."""


def library() -> StoredLibrary:
    """The library as it was when this run of the page began."""
    found: StoredLibrary = st.session_state[LIBRARY]
    return found


def look_again() -> None:
    """See the stores as they are now: with this a run of the page begins."""
    st.session_state[LIBRARY] = _now()


def warm() -> None:
    """Read the stores before anybody asks."""
    _now().rows()


def _now() -> StoredLibrary:
    folders, presets, suites = (
        _told(key) for key in (launch.STORES, launch.PRESETS, launch.SUITES)
    )
    here = os.environ.get(launch.MACHINE, "")
    return _library(_reader(folders).read(), folders, presets, suites, here)


def _told(variable: str) -> str:
    return os.environ.get(variable, "[]")


@lru_cache(maxsize=4)  # not Streamlit's: it is also filled before there is a session
def _reader(folders: str) -> StoreReader:
    return StoreReader([Path(root) for root in json.loads(folders)])


@lru_cache(maxsize=2)
def _library(
    stores: StoreView, folders: str, presets: str, suites: str, here: str
) -> StoredLibrary:
    """A store is known by its view, which is the same object until something changes."""
    return StoredLibrary(
        [Path(root) for root in json.loads(folders)],
        [
            Preset(name=name, memory_bytes=memory, vram_bytes=vram)
            for name, memory, vram in json.loads(presets)
        ],
        suites=json.loads(suites),
        here=here,
        stores=stores,
    )
