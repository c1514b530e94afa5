"""Classes that a candidate is in: of its size, and whether it is computed here."""

from __future__ import annotations

from collections.abc import Collection

from runners.records.record import Record
from runners.records.size_class import OFF_GRID, classes

CLASS_WORDS = {
    "tiny-titan": "Tiny Titan (\N{LESS-THAN OR EQUAL TO} 4B)",
    "32b": "\N{LESS-THAN OR EQUAL TO} 32B",
    OFF_GRID: "off-grid (no network)",
}
"""Class -> what a filter calls it."""


def classes_of(record: Record) -> tuple[str, ...]:
    """Classes of a measured candidate, those of its size first.

    Off-grid is what was seen to run here: no server elsewhere answered, and no other harness,
    whose results do not say where they were computed, measured it.
    """
    return classes(record.candidate.parameters, off_grid=not why_not_off_grid(record))


def why_not_off_grid(record: Record) -> str:
    """Where a candidate is computed instead of here; empty where it is here."""
    if record.server is not None and record.server.url is not None:
        return f"answers from {record.server.url}"
    return "where it ran is not known" if record.imported is not None else ""


def in_classes(found: Collection[str], wanted: Collection[str]) -> bool:
    """True for what is in one of the wanted sizes, if any is named, and off-grid where that is."""
    sizes = [one for one in wanted if one != OFF_GRID]
    return (not sizes or any(one in found for one in sizes)) and (
        OFF_GRID not in wanted or OFF_GRID in found
    )
