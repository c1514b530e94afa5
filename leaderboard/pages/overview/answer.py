"""The recommendation as HTML, in which no text from a record is markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.text import html

if TYPE_CHECKING:
    from leaderboard.pages.blocks import Answer


def as_html(answer: Answer) -> str:
    """The claim as the page's heading, the rest below it."""
    nexts = "".join(f"<li>{html(line)}</li>" for line in answer.nexts)
    return (
        f'<div class="answer" role="status"><h1 class="claim">{html(answer.claim)}</h1>'
        f'<p class="certainty">{html(answer.certainty)}</p>'
        + (f'<ul class="nexts">{nexts}</ul>' if nexts else "")
        + f'<p class="basis">{html(answer.basis)}</p></div>'
    )
