"""A button that copies the address of what is seen."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import streamlit as st


def draw_link() -> None:
    """Draw the button in the page's upper right corner."""
    _component()(key="copy link")


@cache
def _component() -> Any:
    script = files("leaderboard.pages").joinpath("copy.js").read_text("utf-8")
    starts = "export default ({ parentElement }) => copyLink(parentElement.querySelector('.copy'));"
    return st.components.v2.component(
        "weighin_copy",
        html='<span class="copy"></span>',
        js=f"{script}\n{starts}",
        isolate_styles=False,
    )
