"""The board's looks beyond Streamlit's theme: a small style sheet."""

from __future__ import annotations

import streamlit as st

CSS = """
<style>
.block-container { padding-top: 4.2rem; padding-bottom: 3rem; max-width: 86rem; }
.answer { border-left: 4px solid var(--st-primary-color); padding: .2rem 0 .2rem 1rem; }
.answer p { margin: 0; }
.answer .claim { font-size: 1.35rem; line-height: 1.45; font-weight: 600; text-wrap: pretty; }
.answer .basis { margin-top: .35rem; font-size: .9rem; opacity: .75; }
ul.notices { margin: 0; padding-left: 1.2rem; font-size: .9rem; overflow-wrap: anywhere; }
.conditions { font-size: .9rem; opacity: .75; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
@media (max-width: 40rem) {
  .block-container { padding-left: 1rem; padding-right: 1rem; }
  .answer .claim { font-size: 1.1rem; }
}
</style>
"""


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(CSS)
