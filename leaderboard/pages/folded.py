"""Long texts behind their titles, as HTML in which no text from a record is markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.text import html


@dataclass(frozen=True, slots=True)
class LongText:
    """A text that is read on demand, as it was written."""

    title: str
    text: str


def as_html(texts: Sequence[LongText], most_characters: int | None = None) -> str:
    """The titles under each other; each opens its text, whose lines stay lines.

    Args:
        texts: in their order.
        most_characters: of a text; None: all of it.
    """
    return "".join(
        f'<details class="folded"><summary>{html(one.title)}</summary>'
        f"<pre>{_lines(one.text, most_characters)}</pre></details>"
        for one in texts
    )


def _lines(text: str, most: int | None) -> str:
    shown = text if most is None or len(text) <= most else text[:most] + "\N{HORIZONTAL ELLIPSIS}"
    return "\n".join(map(html, shown.split("\n")))
