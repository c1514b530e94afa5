"""Streamlit's own command, with the stores read while it starts: `python -m leaderboard.app`."""

from __future__ import annotations

import threading
from importlib import import_module

from evals.terminal import guard_streams


def main() -> None:
    """Serve; whoever comes first need not wait for what can be read before."""
    guard_streams()
    threading.Thread(target=_read, name="read the stores", daemon=True).start()
    from streamlit.web.cli import main as streamlit

    streamlit(prog_name="streamlit")


def _read() -> None:
    import_module("leaderboard.pages.overview.page")  # and with it figures and statistics
    from leaderboard.app import readings

    readings.warm()


if __name__ == "__main__":
    main()
