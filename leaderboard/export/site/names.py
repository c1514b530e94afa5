"""Names of pages in the address of the exported file."""

from __future__ import annotations

from leaderboard.pages.controls import Go
from leaderboard.pages.method.lookup import term_name


def candidate_name(digest: str) -> str:
    """A candidate's page."""
    return f"candidate-{digest}"


def pair_name(reference: str, other: str) -> str:
    """A comparison's page."""
    return f"compare-{reference}-{other}"


def runs_name(reference: str, other: str) -> str:
    """A comparison of two runs, its page."""
    return f"runs-{reference}-{other}"


def shared_page(go: Go) -> str:
    """The address of a page that every file has; empty for another."""
    if go.page == "method" and go.changes:
        return f"#{term_name(go.changes['term'])}"
    return "" if go.changes or go.page == "measure" else f"#{go.page}"
