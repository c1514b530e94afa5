"""The view of one session: in its address, in its widgets and in what the panels draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from leaderboard.pages.overview.plot_labels import WIDTHS
from leaderboard.rows.address import read_query, write_query
from leaderboard.rows.view import View

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

_VIEW, _WRITTEN, _PAGE, _PAGES = "view", "written", "page", "pages"
_PROBLEMS, _GENERATION, _WIDTH = "problems", "generation", "width"


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
    """The view of this session."""
    found: View = st.session_state[_VIEW]
    return found


def update(**changes: Any) -> View:
    """Change the view; the address follows at the end of this run."""
    st.session_state[_VIEW] = replace(view(), **changes)
    return view()


def renew(**changes: Any) -> None:
    """Change the view from outside of the widgets that show it, which start anew."""
    update(**changes)
    st.session_state[_GENERATION] += 1


def take_off(fields: Sequence[str]) -> None:
    """Give fields of the view their defaults again, and their widgets with them."""
    plain = View()
    renew(**{name: getattr(plain, name) for name in fields})


def key(name: str) -> str:
    """Widget key; changes when the address replaces the view, so that the widget starts anew."""
    return f"{name}:{st.session_state[_GENERATION]}"


def go(page: str, **changes: Any) -> None:
    """Open another panel, by its name in the address, with a changed view."""
    changed = update(**changes)
    pages: Mapping[str, Page] = st.session_state[_PAGES]
    st.switch_page(pages[page], query_params=write_query(changed))


def problems() -> tuple[str, ...]:
    """Faults of the address, a sentence each."""
    found: tuple[str, ...] = st.session_state[_PROBLEMS]
    return found


def keep_width(pixels: object) -> None:
    """Remember how wide the page is, as its browser says; what is no number is left out."""
    if isinstance(pixels, int | float):
        st.session_state[_WIDTH] = int(pixels)


def width() -> int:
    """How wide the page is, in pixels; until its browser says, as such a browser usually is."""
    phone = "Mobi" in st.context.headers.get("User-Agent", "")
    found: int = st.session_state.get(_WIDTH, WIDTHS[0] if phone else WIDTHS[-1])
    return found


def narrow() -> bool:
    """True on a phone."""
    return width() < WIDTHS[1]


def dark() -> bool:
    """True where the page is dark: as the command said, else as the browser prefers."""
    return (st.get_option("theme.base") or st.context.theme.type) == "dark"
