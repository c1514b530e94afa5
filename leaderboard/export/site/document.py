"""One HTML file that opens from disk, with no server and no network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import plotly.offline

from leaderboard.pages import style
from leaderboard.pages.theme import in_dark, template
from leaderboard.text import html

SCRIPTS = ("figures.js", "tradeoff.js", "overview.js")
"""The file's own script, in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page of the file and its link."""

    name: str
    """Name in the address, after the `#`."""
    title: str
    html: str
    in_menu: bool = False
    """Linked at the top of every page; the others are linked from tables."""


def document(
    title: str, entries: Sequence[Entry], figures: dict[str, Any], data: dict[str, Any]
) -> str:
    """The whole file.

    Plotly and the figures lie in it compressed; the browser unpacks them. The content security
    policy lets only the two scripts run that the file was written with, by their hashes, and
    nothing be fetched.

    Args:
        title: in the browser's tab and at the top.
        entries: the pages, the first is shown first.
        figures: name -> figure on a light page, as plotly's JSON; on a dark one the browser
            changes its colours.
        data: what the overview's script filters and sorts.
    """
    ours = "\n".join((_copy(), *(_source(name) for name in SCRIPTS)))
    library = plotly.offline.get_plotlyjs()
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(ours)} {_hash(library)}",
            "style-src 'unsafe-inline'",  # plotly sets the size and place of what it draws
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    shared = {kind: template(dark=kind == "dark").to_plotly_json() for kind in ("light", "dark")}
    menu = "".join(
        f'<a href="#{html(one.name)}">{html(one.title)}</a>' for one in entries if one.in_menu
    )
    colours = (
        f":root {{ {style.colours(dark=False)} }} "
        # On paper it is light.
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :root {{ {style.colours(dark=True)} }} }}"
    )
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{html(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{html(title)}</title>",
            f"<style>{colours}{style.RULES}{_source('site.css')}</style></head><body>",
            '<a class="skip" href="#main">Skip to the page</a>',
            f'<header><h1>{html(title)}</h1><nav aria-label="Pages">{menu}</nav>'
            '<span class="copy"></span></header>',
            f'<main id="main">{"".join(one.html for one in entries)}</main>',
            _packed("library", library),
            _packed(
                "figures", json.dumps({"figures": figures, "templates": shared, "dark": in_dark()})
            ),
            _packed("data", json.dumps(data)),
            f"<script>{ours}</script></body></html>",
        ]
    )


def _copy() -> str:
    """The board's script for a button that copies the address."""
    script = files("leaderboard.pages").joinpath("copy.js").read_text(encoding="utf-8")
    return f'"use strict";\n{script}\ncopyLink(document.querySelector(".copy"));'


def _source(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _packed(name: str, content: str) -> str:
    """A block of data that no browser runs: gzip in base 64."""
    packed = gzip.compress(content.encode("utf-8"), 9, mtime=0)
    return f'<script id="{name}" type="text/plain">{base64.b64encode(packed).decode()}</script>'
