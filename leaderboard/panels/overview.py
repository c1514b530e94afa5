"""Overview: which one do I ship?"""

from __future__ import annotations

import streamlit as st

from leaderboard import text
from leaderboard.panels import controls


def show() -> None:
    """Draw the panel."""
    selection = controls.conditions()
    if selection is None:
        return
    for row in selection.rows:
        st.markdown(text.markdown(row.record.candidate.name))
