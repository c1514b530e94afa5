"""Links to the parts of a long page, and the names under which its headings are found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leaderboard.text import html


def heading_name(text: str, page: str = "") -> str:
    """Name of a heading in an address: `What it is` -> `what-it-is`.

    Args:
        text: the heading.
        page: goes before it, where a document has several pages.
    """
    slug = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"{page}--{slug}" if page else slug


def as_html(headings: Sequence[str], page: str = "") -> str:
    """The links in a row, which wraps."""
    links = "".join(
        f'<a href="#{html(heading_name(one, page))}" target="_self">{html(one)}</a>'
        for one in headings
    )
    return f'<nav class="contents" aria-label="On this page">{links}</nav>'
