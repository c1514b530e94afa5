"""Blocks drawn by Streamlit; what is picked changes the view before the page is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any

import streamlit as st

from leaderboard import text
from leaderboard.app import readings, session
from leaderboard.pages import blocks as b
from leaderboard.pages import grid, tiles

_NOTES: dict[str, tuple[Callable[..., Any], str]] = {
    "info": (st.info, ":material/info:"),
    "link": (st.warning, ":material/link_off:"),
    "warning": (st.warning, ":material/warning:"),
    "error": (st.error, ":material/warning:"),
}


def draw_page(page: b.Page) -> None:
    """Draw a page of what is looked at."""
    draw(page(readings, session.view()))


def draw(blocks: Iterable[b.Block]) -> None:
    """Draw blocks one by one, as they are made."""
    for block in blocks:
        _draw(block)


def sentence(words: str) -> str:
    """A text as Markdown in which nothing is markup but the code between backticks."""
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return text.markdown(words)
    return "".join(
        f"`{text.plain(part)}`" if number % 2 and part else text.markdown(part)
        for number, part in enumerate(parts)
    )


@singledispatch
def _draw(block: b.Block) -> None:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _(block: b.Heading) -> None:
    if block.level == 3:
        st.markdown(f"**{text.markdown(block.text)}**")
        return
    (st.header if block.level == 1 else st.subheader)(text.markdown(block.text), anchor=False)


@_draw.register
def _(block: b.Text) -> None:
    (st.caption if block.small else st.markdown)(sentence(block.text))


@_draw.register
def _(block: b.Note) -> None:
    show, icon = _NOTES[block.kind]
    show(sentence(block.text), icon=icon)


@_draw.register
def _(block: b.Code) -> None:
    st.code(text.plain(block.text), language=None, wrap_lines=True)


@_draw.register
def _(block: b.Tiles) -> None:
    st.html(tiles.as_html(block.tiles))


@_draw.register
def _(block: b.Table) -> None:
    st.html(grid.as_html(block.grid))


@_draw.register
def _(block: b.Figure) -> None:
    drawn, config = block.draw(session.dark()), {"displayModeBar": False}
    # The board's own colours rather than Streamlit's.
    st.plotly_chart(drawn, theme=None, key=block.name, config=config, alt=block.alt)


@_draw.register
def _(block: b.Items) -> None:
    st.dataframe(block.rows, hide_index=True, key=block.name)


@_draw.register
def _(block: b.Json) -> None:
    st.json(block.text, expanded=1)


@_draw.register
def _(block: b.Fold) -> None:
    with st.expander(text.markdown(block.title)):
        draw(block.blocks)


@_draw.register
def _(block: b.Beside) -> None:
    places = st.columns(block.widths or len(block.columns), vertical_alignment=block.align)
    for place, inner in zip(places, block.columns, strict=True):
        with place:
            draw(inner)


@_draw.register
def _(block: b.Shown) -> None:
    session.update(**block.changes)


@_draw.register
def _(block: b.Pick) -> None:
    values = list(block.options)
    st.selectbox(
        text.markdown(block.label),
        values,
        index=values.index(block.chosen),
        format_func=lambda value: text.plain(block.options[value]),
        **_taken(block.name, block.changes),
    )


@_draw.register
def _(block: b.PickSeveral) -> None:
    st.multiselect(
        text.markdown(block.label),
        list(block.options),
        default=list(block.chosen),
        max_selections=block.most,
        format_func=lambda value: text.plain(block.options[value]),
        **_taken(block.name, lambda found: block.changes(tuple(found))),
    )


@_draw.register
def _(block: b.PickNumber) -> None:
    st.number_input(
        text.markdown(block.label),
        min_value=block.least,
        max_value=block.most,
        value=block.chosen,
        step=block.step,
        format="%.1f",
        **_taken(block.name, block.changes),
    )


@_draw.register
def _(block: b.Search) -> None:
    words = text.markdown(block.label)
    st.text_input(words, block.chosen, max_chars=200, **_taken(block.name, block.changes))


@_draw.register
def _(block: b.Go) -> None:
    if st.button(text.markdown(block.label), icon=":material/arrow_forward:"):
        session.go(block.page, **block.changes)


@_draw.register
def _(block: b.Download) -> None:
    st.download_button(
        text.markdown(block.label),
        block.content,
        file_name=block.file,
        mime=block.mime,
        on_click="ignore",
        icon=":material/download:",
    )


def _taken(name: str, changes: Callable[[Any], b.Changes]) -> dict[str, Any]:
    """Arguments of a widget whose value goes into the view before the page is made again."""
    key = session.key(name)

    def take() -> None:
        session.update(**changes(st.session_state[key]))

    return {"key": key, "on_change": take}
