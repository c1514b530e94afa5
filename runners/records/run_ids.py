"""Ids of runs: `<time>-<candidate>-<start of the job's key>`. Their order is that of writing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import MAXYEAR, UTC, datetime, timedelta

STAMP = "%Y%m%dT%H%M%S"
STAMP_LENGTH = 15
SECOND = timedelta(seconds=1)


def next_run_id(ids: Sequence[str], candidate: str, job_key: str, *, now: datetime) -> str:
    """An id that sorts behind those that are there.

    Args:
        ids: of the store, sorted.
        candidate: its name.
        job_key: of the run; the id ends in its first digits.
        now: what the clock says. A clock that was put back is not followed: an id that lies before
            one that is there would hide the newer run behind the older.

    Returns:
        An id whose time is at least that of every other, and later than that of the candidate's
        own.
    """
    slug = slug_of(candidate)
    newest = _newest(ids)
    own = _newest([run_id for run_id in ids if candidate_of(run_id) == slug])
    begun = now.replace(microsecond=0)
    begun = max(begun, newest or begun, own + SECOND if own else begun)
    return f"{begun:{STAMP}}-{slug}-{job_key[:8]}"


def slug_of(candidate: str) -> str:
    """A candidate's name as ids have it."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", candidate).strip("-.")[:80] or "candidate"


def candidate_of(run_id: str) -> str:
    """The candidate that an id names, as `slug_of` writes it."""
    return run_id[STAMP_LENGTH + 1 :].rpartition("-")[0]


def _newest(ids: Sequence[str]) -> datetime | None:
    """Moment when the last of these runs began; an id whose time is none says nothing."""
    for run_id in reversed(ids):
        with suppress(ValueError):
            found = datetime.strptime(run_id[:STAMP_LENGTH], STAMP).replace(tzinfo=UTC)
            if found.year < MAXYEAR:
                return found
    return None
