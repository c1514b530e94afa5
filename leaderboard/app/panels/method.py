"""Machines and method: what was measured where, what the words mean, and whose formulas."""

from __future__ import annotations

import streamlit as st

from leaderboard.app import controls, drawing, readings
from leaderboard.pages.history import tables
from leaderboard.pages.method.glossary import CHAPTERS
from leaderboard.rows.machines import data_sources, machines, measured


def show() -> None:
    """Draw the panel."""
    records = readings.stores().records
    st.header("Machines", anchor=False)
    if records:
        drawing.grid(tables.machine_grid(machines(records)))
        drawing.grid(tables.measured_grid(measured(records)))
        with st.expander("Where the items came from, and their licences"):
            drawing.grid(tables.data_grid(data_sources(records)))
    else:
        controls.empty()
    st.header("Method", anchor=False)
    st.markdown(
        "Times and memory are those of the process that runs the model, which imports nothing of "
        "the harness. Measurements of unlike machines or builds are never ranked together; "
        "accuracy on the same items may be compared. A missing number has its reason."
    )
    for chapter in CHAPTERS:
        drawing.grid(tables.chapter_grid(chapter))
