"""Controls drawn by Streamlit; what is picked changes the view before the page is made again."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import streamlit as st

from leaderboard import text
from leaderboard.app import session
from leaderboard.pages import controls as c

_NARROW_PX = 166
"""Two stand beside each other on a phone."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ,.%/()'-]*")


@singledispatch
def draw_control(control: Any) -> None:
    """Draw a control of a page."""
    raise TypeError(f"no way to draw {type(control).__name__}")


@draw_control.register
def _(block: c.Pick) -> None:
    values = list(block.options)
    named: dict[str, Any] = {
        "format_func": lambda value: text.plain(block.options[value]),
        **_taken(block.name, block.changes),
    }
    label = _label(block.label)
    if block.buttons:
        st.segmented_control(label, values, default=block.chosen, required=True, **named)
    else:
        st.selectbox(label, values, index=values.index(block.chosen), **named)


@draw_control.register
def _(block: c.PickSeveral) -> None:
    st.multiselect(
        _label(block.label),
        list(block.options),
        default=list(block.chosen),
        max_selections=block.most,
        format_func=lambda value: text.plain(block.options[value]),
        placeholder=block.empty or None,
        **_taken(block.name, lambda found: block.changes(tuple(found))),
    )


@draw_control.register
def _(block: c.PickNumber) -> None:
    named: dict[str, Any] = {"width": _NARROW_PX} if block.narrow else {}
    st.number_input(
        _label(block.label),
        min_value=block.least,
        max_value=block.most,
        value=block.chosen,
        step=block.step,
        placeholder=block.empty,
        format="%g" if block.decimals is None else f"%.{block.decimals}f",
        help=text.markdown(block.hint) if block.hint else None,
        **named,
        **_taken(block.name, block.changes),
    )


@draw_control.register
def _(block: c.Search) -> None:
    st.text_input(
        _label(block.label),
        block.chosen,
        max_chars=200,
        placeholder=block.example or None,
        **_taken(block.name, block.changes),
    )


@draw_control.register
def _(block: c.Go) -> None:
    clicked = st.button(
        _label(block.label),
        icon=":material/arrow_forward:",
        disabled=not block.possible,
        key=session.key(f"go:{block.label}"),
    )
    if clicked:
        session.go(block.page, **block.changes)


@draw_control.register
def _(block: c.Presets) -> None:
    key = session.key(block.label)
    titles = {name: title for name, title, _, _ in block.buttons}
    st.session_state[key] = next((name for name, _, _, on in block.buttons if on), None)

    def take() -> None:
        # A click on the one that is chosen already takes it off: that is the first.
        wanted = st.session_state[key] or block.buttons[0][0]
        session.renew(**next(changes for name, _, changes, _ in block.buttons if name == wanted))

    st.pills(
        _label(block.label),
        list(titles),
        format_func=lambda name: text.markdown(titles[name]),
        key=key,
        on_change=take,
        width="content",
        help=text.markdown(block.hint) if block.hint else None,
    )


@draw_control.register
def _(block: c.Reset) -> None:
    st.button(
        _label(block.label),
        on_click=session.take_off,
        args=(block.fields,),
        key=session.key(block.name),
    )


@draw_control.register
def _(block: c.Download) -> None:
    st.download_button(
        _label(block.label),
        block.content,
        file_name=block.file,
        mime=block.mime,
        on_click="ignore",
        icon=":material/download:",
        key=session.key(f"download:{block.file}"),
        disabled=not block.possible,
    )


def _label(words: str) -> str:
    """A widget's label: plain words as they are, since screen readers are read it unrendered."""
    return words if _PLAIN.fullmatch(words) else text.markdown(words)


def _taken(name: str, changes: Callable[[Any], c.Changes]) -> dict[str, Any]:
    """Arguments of a widget whose value goes into the view before the page is made again."""
    key = session.key(name)

    def take() -> None:
        session.update(**changes(st.session_state[key]))

    return {"key": key, "on_change": take}
