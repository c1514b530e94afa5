"""Blocks drawn by Streamlit; what is picked changes the view before the page is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace
from functools import singledispatch
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from leaderboard import text
from leaderboard.app import readings, session
from leaderboard.app.draw_controls import draw_control
from leaderboard.app.draw_table import draw_table
from leaderboard.choose.overview import Line
from leaderboard.pages import blocks as b
from leaderboard.pages import contents, controls, folded, grid, tiles
from leaderboard.pages.library import Library, Page
from leaderboard.pages.overview import answer
from leaderboard.pages.overview.plot_labels import fit_labels
from leaderboard.pages.overview.ranked_table import ranked_table
from leaderboard.rows.address import write_query
from leaderboard.rows.view import View

_NOTES: dict[str, tuple[Callable[..., Any], str]] = {
    "info": (st.info, ":material/info:"),
    "link": (st.warning, ":material/link_off:"),
    "running": (st.info, ":material/progress_activity:"),
    "warning": (st.warning, ":material/warning:"),
    "error": (st.error, ":material/warning:"),
}


def draw_page(page: Page) -> None:
    """Draw a page of what is looked at."""
    draw(page(readings.library(), session.view()))


def draw(blocks: Iterable[b.Block]) -> None:
    """Draw blocks one by one, as they are made."""
    for block in blocks:
        _draw(block)


def _sentence(words: str) -> str:
    return text.sentence(words, prose=text.markdown, code=lambda part: f"`{text.plain(part)}`")


@singledispatch
def _draw(block: b.Block) -> None:
    raise TypeError(f"no way to draw {type(block).__name__}")


@_draw.register
def _(block: b.Heading) -> None:
    if block.level == 3:
        st.markdown(f"**{text.markdown(block.text)}**")
        return
    if block.level == 1:
        st.title(text.markdown(block.text), anchor=False)
    else:
        st.header(text.markdown(block.text), anchor=contents.heading_name(block.text) or False)


@_draw.register
def _(block: b.Contents) -> None:
    st.html(contents.as_html(block.headings))


@_draw.register
def _(block: b.Text) -> None:
    (st.caption if block.small else st.markdown)(_sentence(block.text))


@_draw.register
def _(block: b.Note) -> None:
    show, icon = _NOTES[block.kind]
    show(_sentence(block.text), icon=icon)


@_draw.register
def _(block: b.Code) -> None:
    lines = "\n".join(map(text.plain, block.text.split("\n")))
    st.code(lines, language=None, wrap_lines=True)


@_draw.register
def _(block: b.Tiles) -> None:
    st.html(tiles.as_html(block.tiles))


@_draw.register
def _(block: b.Table) -> None:
    st.html(grid.as_html(block.grid, _address))


@_draw.register
def _(block: b.Figure) -> None:
    drawn = fit_labels(block.draw(session.dark()), session.width())
    config = {"displayModeBar": False}
    # The board's own colours rather than Streamlit's.
    if block.opens is None:
        st.plotly_chart(drawn, theme=None, key=block.name, config=config, alt=block.alt)
        return
    picked = st.plotly_chart(
        drawn,
        theme=None,
        on_select="rerun",
        selection_mode="points",
        key=session.key(block.name),
        config=config,
        alt=block.alt,
    )
    if picked.selection.points:
        found = block.opens(str(picked.selection.points[0]["customdata"]))
        session.go(found.page, **found.changes)


@_draw.register
def _(block: b.Items) -> None:
    st.dataframe(block.rows, hide_index=True, key=block.name)


@_draw.register
def _(block: b.Texts) -> None:
    st.html(folded.as_html(block.texts))
    if block.beyond:
        st.caption(_sentence(f"{block.beyond:,} more: `weighin export --samples` has them all."))


@_draw.register
def _(block: b.Json) -> None:
    st.json(block.text, expanded=1)


@_draw.register
def _(block: b.Fold) -> None:
    with st.expander(text.markdown(block.title)):
        draw(block.blocks)


@_draw.register
def _(block: b.Beside) -> None:
    if session.narrow():
        # Under each other, where an empty column would be a gap.
        for inner in block.columns:
            draw(inner)
        return
    places = st.columns(block.widths or len(block.columns), vertical_alignment=block.align)
    for place, inner in zip(places, block.columns, strict=True):
        with place:
            draw(inner)


@_draw.register
def _(block: b.Live) -> None:
    mark = block.mark()

    @st.fragment(run_every=block.every_s)
    def again() -> None:
        if block.mark() != mark:
            st.rerun()
        draw(block.now())

    again()


@_draw.register
def _(block: b.Shown) -> None:
    session.update(**block.changes)


@_draw.register
def _(block: b.Answer) -> None:
    st.html(answer.as_html(block))


@_draw.register
def _(block: b.Ranked) -> None:
    draw_table(block, ranked_table(block, _link(block), terms=_address))


@_draw.register
def _(block: b.Popover) -> None:
    with st.popover(text.markdown(block.title)):
        draw(block.blocks)


@_draw.register
def _(block: b.Bar) -> None:
    behind = st.expander(block.folds) if block.folds and session.narrow() else nullcontext()
    with behind, st.container(horizontal=True, vertical_alignment="bottom"):
        draw(block.blocks)


@_draw.register
def _(_block: b.WholeBoard) -> None:
    found = readings.library(), session.view()
    draw_control(
        controls.Download(
            label="HTML, the whole board",
            file="weighin.html",
            mime="text/html",
            content=lambda: _whole(*found),
        )
    )


def _whole(library: Library, view: View) -> str:
    from leaderboard.export.site.write import site  # seconds of work, when somebody asks

    return site(library, view)


@_draw.register(controls.Pick)
@_draw.register(controls.PickSeveral)
@_draw.register(controls.PickNumber)
@_draw.register(controls.Search)
@_draw.register(controls.Go)
@_draw.register(controls.Presets)
@_draw.register(controls.Reset)
@_draw.register(controls.Download)
def _(block: Any) -> None:
    draw_control(block)


def _link(block: b.Ranked) -> Callable[[Line], str]:
    return lambda line: _address(block.opens(line.row.record.candidate.digest))


def _address(go: controls.Go) -> str:
    """Where a link leads that does what a button would."""
    view = replace(session.view(), **go.changes)
    return f"{go.page}?{urlencode(write_query(view), doseq=True)}"
