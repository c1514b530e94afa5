"""The board's router: `weighin board` has Streamlit run this file as a script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from leaderboard.app import notices, readings, session
from leaderboard.app.draw_blocks import draw, draw_page
from leaderboard.app.draw_link import draw_link
from leaderboard.pages import style
from leaderboard.pages.candidate import page as candidate
from leaderboard.pages.checks import page as checks
from leaderboard.pages.checks.alarms import regressed
from leaderboard.pages.compare import page as compare
from leaderboard.pages.history import page as history
from leaderboard.pages.ladder import page as ladder
from leaderboard.pages.machines import page as machines
from leaderboard.pages.measure import page as measure
from leaderboard.pages.method import page as method
from leaderboard.pages.overview import page as overview
from leaderboard.pages.running.strip import running
from leaderboard.rows.address import write_query
from leaderboard.text import html

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
BRAND = Path(__file__).with_name("brand.svg")


def _links() -> str:
    """Links to all pages, for a narrow screen, on which the menu hides behind a button."""
    view = urlencode(write_query(session.view()), doseq=True)
    links = "".join(
        f'<a href="{html(f"{name}?{view}")}" target="_self">{html(title)}</a>'
        for name, (title, _, _) in PANELS.items()
    )
    return f'<nav class="pages" aria-label="Pages">{links}</nav>'


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_icon=str(ICON), layout="wide")
    st.logo(str(BRAND), size="medium")
    readings.look_again()
    failed = regressed(readings.library())
    pages = {
        name: st.Page(
            draw,
            title=f"{title} ({failed})" if name == "checks" and failed else title,
            icon=icon,
            url_path=name,
            default=number == 0,
        )
        for number, (name, (title, icon, draw)) in enumerate(PANELS.items())
    }
    page = st.navigation(list(pages.values()), position="top")
    # A tab and a screenshot say what they show.
    st.set_page_config(page_title=f"{page.title} \N{MIDDLE DOT} Weighin")
    st.html(f"<style>:root {{ {style.colours(dark=session.dark())} }}{style.RULES}</style>")
    session.begin(pages, page)
    draw_link()
    notices.show()
    draw(running(readings.library()))
    page.run()
    st.html(_links())
    session.end()


main()
