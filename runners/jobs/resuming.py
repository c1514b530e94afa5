"""Keep a job's parts up to the timed workloads in its journal, beside the windows, and restore
them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from runners.jobs.measured import (
    LoadedModel,
    Measured,
    PageCache,
    PhaseMarks,
    Started,
    TimedPhase,
)
from runners.worker import wire

if TYPE_CHECKING:
    from runners.jobs.journal import Journal

KIND = "timed"
KEPT = (PageCache, Started, LoadedModel, TimedPhase, PhaseMarks)
"""Parts that a later process takes over: load, times, memory and energy belong together."""
_BY_NAME: dict[str, type[PageCache | Started | LoadedModel | TimedPhase | PhaseMarks]] = {
    kind.__name__: kind for kind in KEPT
}


def keep(journal: Journal, measured: Measured) -> None:
    """Keep the timed phase, and what led to it, in one event: all of it or nothing."""
    parts = [[type(part).__name__, asdict(part)] for part in measured.all(*KEPT)]
    journal.append({"kind": KIND, "parts": parts})


def restore(journal: Journal, measured: Measured) -> bool:
    """Append what an earlier process kept; False where it did not come so far.

    A journal that `keep` did not write so is discarded, as are lines that a kill cut.
    """
    kept = journal.find(KIND)
    if not kept:
        return False
    try:
        parts = [wire.rebuilt(_BY_NAME[name], body) for name, body in kept[-1]["parts"]]
    except (wire.WireError, KeyError, TypeError, ValueError):
        journal.discard()
        return False
    for part in parts:
        measured.add(part)
    return True
