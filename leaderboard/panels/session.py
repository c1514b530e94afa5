"""What all panels share: the stores, the view and its address, and cached readings of both."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from evals.errors import RecordError
from leaderboard import text
from leaderboard.answers import Answers, read_answers
from leaderboard.board import Row, merged
from leaderboard.draws import Draws
from leaderboard.overview import MOST_PAIRED, Overview, draw_all, look
from leaderboard.peers import Conditions, Scores, peers
from leaderboard.selection import Selection
from leaderboard.serving import STORES
from leaderboard.store_view import StoreReader, StoreView
from leaderboard.view import UNLIMITED, View, read_query, task_weights, write_query
from runners.record import Record

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

_VIEW, _WRITTEN, _PAGE, _PAGES = "view", "written", "page", "pages"
_PROBLEMS, _GENERATION = "problems", "generation"


def begin(pages: Mapping[str, Page], page: Page) -> None:
    """Take the view from the address, where that says something new."""
    state = st.session_state
    state[_PAGES] = pages
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    moved = state.get(_PAGE) not in (None, page.url_path)
    state[_PAGE] = page.url_path
    # A click on another page empties the address, which does not mean that filters were taken off.
    if _VIEW in state and (query == state[_WRITTEN] or (moved and not query)):
        return
    state[_VIEW], state[_PROBLEMS] = read_query(query)
    state[_WRITTEN] = query
    state[_GENERATION] = state.get(_GENERATION, 0) + 1


def end() -> None:
    """Write the view into the address, so that a copied link gives the same."""
    query = write_query(view())
    if query != st.session_state[_WRITTEN] or set(query) != set(st.query_params):
        st.query_params.from_dict(query)
    st.session_state[_WRITTEN] = query


def view() -> View:
    """What is looked at."""
    found: View = st.session_state[_VIEW]
    return found


def update(**changes: Any) -> View:
    """Change the view; the address follows at the end of this run."""
    st.session_state[_VIEW] = replace(view(), **changes)
    return view()


def take_off(fields: Sequence[str]) -> None:
    """Give fields of the view their defaults again, and their widgets with them."""
    plain = View()
    update(**{name: getattr(plain, name) for name in fields})
    st.session_state[_GENERATION] += 1


def key(name: str) -> str:
    """Of a widget: another one once the address has brought another view."""
    return f"{name}:{st.session_state[_GENERATION]}"


def go(page: str, **changes: Any) -> None:
    """Open another panel, by its name in the address, with a changed view."""
    changed = update(**changes)
    pages: Mapping[str, Page] = st.session_state[_PAGES]
    st.switch_page(pages[page], query_params=write_query(changed))


def problems() -> tuple[str, ...]:
    """What was wrong with the address, a sentence each."""
    found: tuple[str, ...] = st.session_state[_PROBLEMS]
    return found


def dark() -> bool:
    """Whether the page is dark, as far as the browser has said."""
    return st.context.theme.type == "dark"


def stores() -> StoreView:
    """The stores as they are now."""
    return _reader(folders()).read()


def folders() -> tuple[str, ...]:
    """The folders that the board was started on."""
    return tuple(json.loads(os.environ.get(STORES, "[]")))


def rows() -> tuple[Row, ...]:
    """Every candidate on every suite and machine."""
    return _rows(stores())


def overview(selection: Selection) -> Overview:
    """Rows judged as the view asks, item by item where they are few enough to read."""
    return _overview(stores(), selection.conditions, _judged(view()))


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


def show_notices() -> None:
    """What is wrong with the address or with files of the stores; nothing where all is well."""
    for problem in problems():
        st.warning(text.markdown(problem), icon=":material/link_off:")
    notices = stores().notices
    if notices:
        count = f"{len(notices)} record{'s' if len(notices) > 1 else ''} cannot be shown"
        with st.expander(count, icon=":material/warning:"):
            lines = "".join(f"<li>{text.html(one.reason)}</li>" for one in notices)
            st.html(f'<ul class="notices">{lines}</ul>')


def _signature(found: StoreView) -> str:
    return found.signature


_BY_SIGNATURE: dict[str | type[Any], Callable[[Any], Any]] = {StoreView: _signature}
"""A store is hashed by what was in it, so that a new run is seen and nothing is read twice."""


@st.cache_resource(show_spinner="Reading the stores", max_entries=4)
def _reader(roots: tuple[str, ...]) -> StoreReader:
    return StoreReader([Path(root) for root in roots])


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=_BY_SIGNATURE)
def _rows(found: StoreView) -> tuple[Row, ...]:
    return tuple(merged(found.records))


def _judged(view: View) -> View:
    """Only what the judgement depends on: a search, say, changes none of it."""
    return View(x=view.x, **{name: getattr(view, name) for name in UNLIMITED})


@st.cache_resource(show_spinner=False, max_entries=64, hash_funcs={**_BY_SIGNATURE, View: repr})
def _overview(found: StoreView, conditions: Conditions, judged: View) -> Overview:
    scores = _scores(found, conditions)
    drawn = _drawn(found, conditions, task_weights(judged))
    return look(peers(_rows(found))[conditions], judged, drawn, scores)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_SIGNATURE)
def _drawn(found: StoreView, conditions: Conditions, weights: Mapping[str, float] | None) -> Draws:
    rows = peers(_rows(found))[conditions]
    return draw_all(rows, weights, _scores(found, conditions))


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=_BY_SIGNATURE)
def _scores(found: StoreView, conditions: Conditions) -> dict[str, Scores]:
    """Item scores by run id; none where there are too many candidates to read them all."""
    scores = {}
    rows = peers(_rows(found))[conditions]
    for row in rows if len(rows) <= MOST_PAIRED else ():
        read, _ = answers(row.record.run_id)
        if read is not None:
            scores[row.record.run_id] = read.scores
    return scores


@st.cache_resource(show_spinner=False, max_entries=16, hash_funcs=_BY_SIGNATURE)
def _full(found: StoreView, run_id: str) -> Record:
    return found.full(run_id)


@st.cache_resource(show_spinner=False, max_entries=32, hash_funcs=_BY_SIGNATURE)
def _answers(found: StoreView, run_id: str) -> Answers:
    store = found.store(run_id)
    return read_answers(store.read(run_id), store.samples(run_id))
