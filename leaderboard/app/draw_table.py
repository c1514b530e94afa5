"""The ranked table with a script of ours that says what was clicked in it.

Streamlit's own table is a canvas: it keeps its order to itself, where no address, file or Markdown
follows it, and has no tooltips, links within the board, groups of ties or pinned lines.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from leaderboard.app import session
from leaderboard.pages import blocks as b

SCRIPT = Path(__file__).with_name("table.js")


def draw_table(block: b.Ranked, html: str) -> None:
    """Draw the table; what is clicked changes the view before the page is made again.

    Args:
        block: what a click changes.
        html: the table, in which no text from a record is markup.
    """
    key = session.key("ranked")
    changes = {"sort": block.sorts, "tick": block.ticks, "pin": block.pins}

    def take() -> None:
        asked = _asked(st.session_state[key].asked)
        if asked and asked[0] in changes:
            session.update(**changes[asked[0]](asked[1]))

    result = _component()(
        key=key,
        data={"html": html, "width": session.width()},
        on_asked_change=take,
        on_width_change=lambda: session.keep_width(st.session_state[key].width),
    )
    asked = _asked(result.asked)
    if asked and asked[0] == "open":
        found = block.opens(asked[1])
        session.go(found.page, **found.changes)
    if asked and asked[0] == "term":
        session.go("method", term=asked[1])


def _asked(value: Any) -> tuple[str, str] | None:
    """What a click asks for, and of which column or candidate; browsers may send anything."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value):
        return value[0], value[1]
    return None


@cache
def _component() -> Any:
    return st.components.v2.component(
        "weighin_ranked", js=SCRIPT.read_text("utf-8"), isolate_styles=False
    )
