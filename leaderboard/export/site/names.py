"""Names of pages in the address of the exported file."""

from __future__ import annotations


def candidate_name(digest: str) -> str:
    """A candidate's page."""
    return f"candidate-{digest}"


def pair_name(reference: str, other: str) -> str:
    """A comparison's page."""
    return f"compare-{reference}-{other}"
