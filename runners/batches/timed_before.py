"""A comparison with a given time that ended before, in the records of a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.records.record import Record


def ended_before(plan: str, names: Collection[str], records: Iterable[Record]) -> list[Record]:
    """The newest comparison of this plan that answers what was asked; empty where there is none.

    Args:
        plan: its key.
        names: of the candidates.
        records: oldest first.

    Returns:
        Of each candidate the record with which it left, and its timed repeats. A comparison in
        which one failed, or several were never judged, is no answer: it is to be run again.
    """
    batches: dict[str, list[Record]] = {}
    for record in records:
        if record.status != "interrupted":
            batches.setdefault(record.job.batch, []).append(record)
    for batch in reversed(batches.values()):
        own = [one for one in batch if _planned(one, plan)]
        if {one.candidate.name for one in own} >= set(names) and _answers(own):
            digests = {one.suite.digest for one in own}
            # Not what tells thrashing, which is another run under another budget.
            return [
                one
                for one in batch
                if _planned(one, plan) or (one.job.repeat and one.suite.digest in digests)
            ]
    return []


def _planned(record: Record, plan: str) -> bool:
    return record.job.looks is not None and record.job.looks.plan == plan


def _answers(records: Sequence[Record]) -> bool:
    """True where each is an answer, and of several at least one look judged them."""
    looks = max((one.job.looks.look for one in records if one.job.looks), default=0)
    return all(one.is_answer for one in records) and (len(records) == 1 or looks > 0)
