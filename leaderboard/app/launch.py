"""Start Streamlit with every setting as a flag, so that none is found in a folder by chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from leaderboard.app.hosts import HOSTS
from leaderboard.pages.presets import Preset
from leaderboard.pages.theme import DARK, LIGHT, Palette

APP = Path(__file__).with_name("asgi.py")
"""The application that Streamlit's command is given."""
SCRIPT = Path(__file__).with_name("board.py")
"""The script that runs for each visitor."""
STORES = "WEIGHIN_BOARD_STORES"
"""Environment variable: the folders to show, a JSON list."""
PRESETS = "WEIGHIN_BOARD_PRESETS"
"""Environment variable: computers that are offered as limits, a JSON list of name and bytes."""
SUITES = "WEIGHIN_BOARD_SUITES"
"""Environment variable: names of the suites that a command may name, a JSON list."""
MACHINE = "WEIGHIN_BOARD_MACHINE"
"""Environment variable: the fingerprint of the machine that it runs on."""
_SETTINGS = {
    "server.headless": "true",  # no question for an e-mail address; the command opens the browser
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "logger.level": "warning",
    "runner.magicEnabled": "false",
    "runner.postScriptGC": "false",  # a full collection after every click
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
    "theme.baseRadius": "0.4rem",
    "theme.codeFontSize": "0.85rem",
}


EVERYBODY = ("0.0.0.0", "::")  # noqa: S104  # a user names them
"""Addresses that serve whoever can reach the port."""


def arguments(*, port: int, address: str, theme: str) -> list[str]:
    """Python's arguments that serve the board.

    Args:
        port: to listen on.
        address: to listen on.
        theme: `light`, `dark`, or `auto`, which leaves it to the browser.

    `-P` because a user's own folder `runners/` or `evals/` would be imported instead of ours.
    """
    settings = {
        **_SETTINGS,
        "server.port": str(port),
        "server.address": address,
        # Else Streamlit asks a service on the internet for this machine's address.
        "browser.serverAddress": "localhost" if address in EVERYBODY else address,
        **_colours("light", LIGHT if theme != "dark" else DARK),
        **_colours("dark", DARK if theme != "light" else LIGHT),
    }
    if theme != "auto":
        settings["theme.base"] = theme
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return ["-P", "-m", "leaderboard.app", "run", str(APP), *flags]


def environment(
    folders: Sequence[Path],
    hosts: Sequence[str] = (),
    machine: str = "",
    presets: Sequence[Preset] = (),
    suites: Sequence[str] = (),
) -> dict[str, str]:
    """Environment of the board's process: the stores, the host names that it answers to, the
    machine, and what commands may name.
    """
    return {
        STORES: json.dumps([str(folder) for folder in folders]),
        HOSTS: json.dumps(list(hosts)),
        MACHINE: machine,
        SUITES: json.dumps(list(suites)),
        PRESETS: json.dumps([[one.name, one.memory_bytes, one.vram_bytes] for one in presets]),
    }


def _colours(section: str, palette: Palette) -> dict[str, str]:
    return {
        f"theme.{section}.primaryColor": palette.accent,
        f"theme.{section}.backgroundColor": palette.background,
        f"theme.{section}.secondaryBackgroundColor": palette.panel,
        f"theme.{section}.textColor": palette.text,
        f"theme.{section}.borderColor": palette.grid,
    }
