"""Finds the term that explains a word of a table, and names its place on the Method page."""

from __future__ import annotations

import re
from functools import cache

from leaderboard.pages.method.glossary import CHAPTERS
from leaderboard.pages.method.term import Term


@cache
def _terms() -> dict[str, Term]:
    return {term.word: term for chapter in CHAPTERS for term in chapter.terms}


@cache
def _heads() -> dict[str, Term]:
    return {head: term for term in _terms().values() for head in term.heads}


def term_of(head: str) -> Term | None:
    """The term behind a column's head; None where the head says all, as a task's name does."""
    return _heads().get(head)


def term_called(word: str) -> Term | None:
    """The term of this word; None: there is none."""
    return _terms().get(word)


def term_name(word: str) -> str:
    """Name of a term's line in an address: `decode tokens/s` -> `term-decode-tokens-s`."""
    return f"term-{re.sub('[^a-z0-9]+', '-', word.lower()).strip('-')}"
