"""A word of the board, with what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One number or word that the board shows."""

    word: str
    meaning: str
    formula: str = ""
    source: str = ""
    """Who published it; empty where it is our own convention."""
    code: str = ""
    """The function that computes it, as `module.function`; it exists."""
    heads: tuple[str, ...] = ()
    """Heads of tables that it explains, wherever they stand."""
