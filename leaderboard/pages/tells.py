"""Explanations behind a button, which a pointer, a key and a finger open alike, without a script.

A browser shows a `popover` above everything, beside the button that opened it, and takes it away
on Escape or a click elsewhere (HTML Standard, "The popover attribute").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2s

from leaderboard.pages.controls import Go
from leaderboard.pages.method.lookup import term_of
from leaderboard.text import html

Link = Callable[[Go], str]
"""The address of what a button would open; empty where there is no such page."""


@dataclass(slots=True)
class Tells:
    """The explanations of one table, with ids that no other on the page has."""

    table: str
    """What tells the table from others: where it stands, what it holds."""
    link: Link | None = None
    count: int = 0

    def __post_init__(self) -> None:
        """Keep of the table what tells it apart."""
        found = self.table.encode("utf-8", "backslashreplace")
        self.table = blake2s(found, digest_size=6).hexdigest()

    def head(self, label: str, words: str, hint: str, *, sign: str = "") -> str:
        """A column's head with what it means: its hint, and its term in the glossary.

        Args:
            label: HTML of the button.
            words: the head's text, by which its term is found.
            hint: what the column is; empty: the term says it.
            sign: what a reader's device calls the button; empty: its label.

        Returns:
            The label alone where there is nothing to tell.
        """
        term = term_of(words)
        if term is None:
            return self.button(label, html(_sentence(hint)), sign) if hint else label
        told = html(_sentence(hint or term.meaning))
        go = Go(label=term.word, page="method", changes={"term": term.word})
        address = self.link(go) if self.link else ""
        if address:
            told += (
                f' <a href="{html(address)}" target="_self" data-act="term" '
                f'data-value="{html(term.word)}">{html(term.word)} in Method</a>'
            )
        return self.button(label, told, sign)

    def button(self, label: str, told: str, sign: str = "") -> str:
        """HTML of a button and of what it opens; both arguments are HTML already."""
        self.count += 1
        name = f"tell-{self.table}-{self.count}"
        called = f' aria-label="{html(sign)}"' if sign else ""
        return (
            f'<button type="button" class="tell" popovertarget="{name}"{called}>{label}</button>'
            f'<span class="told" id="{name}" popover>{told}</span>'
        )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
