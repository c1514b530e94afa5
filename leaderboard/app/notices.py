"""Notices at the top of every page."""

from __future__ import annotations

import streamlit as st

from leaderboard import text
from leaderboard.app import readings, session


def show() -> None:
    """Warn of faults in the address and of records that cannot be read; draw nothing where there
    are none.
    """
    for problem in session.problems():
        st.warning(text.markdown(problem), icon=":material/link_off:")
    unread = readings.library().stores().notices
    if unread:
        count = f"{len(unread)} record{'s' if len(unread) > 1 else ''} cannot be shown"
        with st.expander(count, icon=":material/warning:"):
            lines = "".join(f"<li>{text.html(one.reason)}</li>" for one in unread)
            st.html(f'<ul class="notices">{lines}</ul>')
