"""The committed reference runs of the six quantisations; runs of another suite lie beside."""

from __future__ import annotations

from pathlib import Path

from runners.records.record import Record
from runners.records.store import Store

STORE = Store(Path(__file__).parents[2] / "results" / "reference")
LADDER = "core"


def ladder_runs() -> list[Record]:
    """Runs of the suite that all six were asked."""
    found = (record for record in STORE.records() if isinstance(record, Record))
    return [record for record in found if record.suite.name == LADDER]
