"""The board as an application that Streamlit's command serves, behind the check of names."""

from __future__ import annotations

from starlette.middleware import Middleware
from streamlit.starlette import App

from leaderboard.app.hosts import KnownHostsOnly
from leaderboard.app.launch import SCRIPT

app = App(SCRIPT, middleware=[Middleware(KnownHostsOnly)])
