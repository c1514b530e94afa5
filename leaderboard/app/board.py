"""The board's router: `weighin board` has Streamlit run this file as a script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from leaderboard.app import notices, readings, session
from leaderboard.app.draw_blocks import draw, draw_page
from leaderboard.pages import style
from leaderboard.pages.candidate import page as candidate
from leaderboard.pages.checks import page as checks
from leaderboard.pages.compare import page as compare
from leaderboard.pages.history import page as history
from leaderboard.pages.ladder import page as ladder
from leaderboard.pages.machines import page as machines
from leaderboard.pages.measure import page as measure
from leaderboard.pages.method import page as method
from leaderboard.pages.overview import page as overview
from leaderboard.pages.running.strip import running

# Name in the address -> title, icon, what draws it; the first is the start page.
PANELS: dict[str, tuple[str, str, Callable[[], None]]] = {
    "overview": ("Overview", ":material/scatter_plot:", partial(draw_page, overview.page)),
    "candidate": ("Candidate", ":material/balance:", partial(draw_page, candidate.page)),
    "compare": ("Compare", ":material/compare:", partial(draw_page, compare.page)),
    "ladder": ("Quantisations", ":material/stairs:", partial(draw_page, ladder.page)),
    "checks": ("Checks", ":material/fact_check:", partial(draw_page, checks.page)),
    "machines": ("Machines", ":material/memory:", partial(draw_page, machines.page)),
    "history": ("History", ":material/timeline:", partial(draw_page, history.page)),
    "measure": ("Measure", ":material/add_circle:", partial(draw_page, measure.page)),
    "method": ("Method", ":material/menu_book:", partial(draw_page, method.page)),
}


# A file of ours: a named icon would be fetched from the network.
ICON = Path(__file__).with_name("icon.svg")


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Weighin", page_icon=str(ICON), layout="wide")
    pages = {
        name: st.Page(draw, title=title, icon=icon, url_path=name, default=number == 0)
        for number, (name, (title, icon, draw)) in enumerate(PANELS.items())
    }
    page = st.navigation(list(pages.values()), position="top")
    st.html(f"<style>:root {{ {style.colours(dark=session.dark())} }}{style.RULES}</style>")
    readings.look_again()
    session.begin(pages, page)
    notices.show()
    draw(running(readings))
    page.run()
    session.end()


main()
