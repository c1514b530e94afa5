"""Notes for a reader of a row's numbers, by name."""

from __future__ import annotations

from collections.abc import Sequence

from runners.records.parts import FlagInfo
from runners.records.record import Record

OF_ONE_RUN = "n too small for p95"
"""A note of older records on the percentile of one run's requests. Which percentile the requests
bear is judged of all runs together (`leaderboard.stats.tails`), and stands beside the number."""

STOPPED = "stopped"
"""Beginning of the flag of a candidate that a comparison with a given time asked no further."""
VERDICTS = (
    "failed", "out of memory", "over vram", "thrashes", "too slow", "not enforced", "fits",
)  # fmt: skip
"""Verdicts on a budget, worst first."""


def said(record: Record) -> tuple[FlagInfo, ...]:
    """Warnings and notes of a run that a reader is shown."""
    return tuple(flag for flag in record.flags if flag.name != OF_ONE_RUN)


def flags_of(record: Record) -> tuple[str, ...]:
    """Names of a run's warnings, first of all a status other than completed."""
    found = [] if record.status == "completed" else [str(record.status)]
    warnings = [flag.name for flag in record.flags if flag.level == "warning"]
    return tuple(dict.fromkeys([*found, *warnings]))


def stopped(record: Record) -> list[str]:
    """The look of a comparison with a given time at which a candidate was asked no more."""
    looks = record.job.looks
    if looks is None or not looks.stopped or record.status != "completed":
        return []
    return [f"{STOPPED} at look {looks.look}"]


def joined_flags(flags: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Each flag once, with the number of runs that have it where there are several runs."""
    names = list(dict.fromkeys(name for one in flags for name in one))
    counts = [sum(name in one for one in flags) for name in names]
    several = len(flags) > 1
    return tuple(
        f"{name} ({count} of {len(flags)} runs)" if several else name
        for name, count in zip(names, counts, strict=True)
    )


def worst_verdict(verdicts: Sequence[str | None]) -> str | None:
    """The worst of several verdicts; None where there is none."""
    known = [verdict for verdict in verdicts if verdict is not None]
    worst_first = [verdict for verdict in VERDICTS if verdict in known]
    return next(iter([*worst_first, *known]), None)
