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
    st.number_input(
        _label(block.label),
        min_value=block.least,
        max_value=block.most,
        value=block.chosen,
        step=block.step,
        placeholder=block.empty,
        format="%g" if block.decimals is None else f"%.{block.decimals}f",
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
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text.markdown(block.label), width="content")
        for name, title, changes, active in block.buttons:
            st.button(
                text.markdown(title),
                key=session.key(name),
                type="primary" if active else "secondary",
                on_click=session.renew,
                kwargs=dict(changes),
            )


@draw_control.register
def _(block: c.Reset) -> None:
    st.button(
        _label(block.label),
        on_click=session.take_off,
        args=(block.fields,),
        key=session.key("off"),
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
