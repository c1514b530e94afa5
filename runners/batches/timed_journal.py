"""The journal of a comparison with a given time: what a run that takes it up goes on from.

Answers lie in the candidates' own journals. Here stand the decisions, none of which is made twice,
and the time that was used.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from runners.batches.pace import Pace
from runners.jobs.journal import START, Journal
from runners.records.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTaken:
    """One look that was judged."""

    stage: int
    """Number of the stage whose answers were judged; stage 0 was the calibration."""
    information: float
    """1 / variance of a difference between two candidates."""
    spent: float
    """Chance of a false difference that was used up until here."""
    critical_z: float
    begun: int
    """Candidates that were compared at the first look."""
    final: bool
    """True for the last, which spends all of it."""
    settled: bool
    """True where more items would change nothing, although several are left."""
    detectable: float | None
    """Smallest true difference of the first two that is found with 80 % probability."""
    leaving: dict[str, str]
    """Candidates that are asked no more since then -> why."""
    flips: dict[str, float]
    """By task or group the share of items on which two candidates differ."""


class TimedJournal:
    """Decisions of one comparison, in order; kept by one process at a time."""

    def __init__(self, store: Store, plan: str, *, fresh: bool) -> None:
        """Take the comparison, and read what an earlier process left of it.

        Raises:
            RecordError: the store cannot be written, or another process runs the comparison.
        """
        self.plan = plan
        self._journal = Journal(store.root, plan)
        self._journal.open(fresh=fresh, wait_s=0)
        self.resumed = bool(self._find(START))
        if not self.resumed:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
            self._journal.append({"kind": START, "name": name})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close(done=False)

    @property
    def name(self) -> str:
        """Name of the batch."""
        return str(self._find(START)[0]["name"])

    @property
    def used_s(self) -> float:
        """Seconds that were used up when something was last written."""
        return max((e["used_s"] for e in self._journal.events if "used_s" in e), default=0.0)

    @property
    def stages(self) -> list[dict[str, int]]:
        """Items of each task at the end of each stage that was begun."""
        return [event["items"] for event in self._find("stage")]

    @property
    def whole(self) -> int | None:
        """The last stage that every candidate came to the end of; None before there is one."""
        return max((event["stage"] for event in self._find("whole")), default=None)

    @property
    def looks(self) -> list[LookTaken]:
        """Looks that were judged."""
        return [LookTaken(**event["look"]) for event in self._find("look")]

    @property
    def gone(self) -> dict[str, str]:
        """Candidates that are asked no more -> their run."""
        return {event["candidate"]: event["run_id"] for event in self._find("gone")}

    @property
    def paces(self) -> dict[str, Pace]:
        """The newest pace of each candidate."""
        return {event["candidate"]: Pace(**event["pace"]) for event in self._find("pace")}

    @property
    def rounds(self) -> int:
        """Number of rounds in which every candidate that was left was timed again."""
        return len(self._find("round"))

    def time(self, used_s: float) -> None:
        """Keep the time that was used until now."""
        self._journal.append({"kind": "time", "used_s": used_s})

    def stage(self, items: Mapping[str, int]) -> None:
        """Begin a stage."""
        self._journal.append({"kind": "stage", "items": dict(items)})

    def ends(self, stage: int) -> None:
        """Keep that every candidate came to the end of a stage."""
        if self.whole is None or stage > self.whole:
            self._journal.append({"kind": "whole", "stage": stage})

    def look(self, look: LookTaken) -> None:
        """Keep a judgement."""
        self._journal.append({"kind": "look", "look": asdict(look)})

    def leaves(self, candidate: str, run_id: str) -> None:
        """Keep that a candidate has its record, and is asked no more."""
        self._journal.append({"kind": "gone", "candidate": candidate, "run_id": run_id})

    def pace(self, candidate: str, pace: Pace, used_s: float) -> None:
        """Keep how fast a candidate was."""
        told = {"process_s": pace.process_s, "timed_s": pace.timed_s, "item_s": dict(pace.item_s)}
        self._journal.append(
            {"kind": "pace", "candidate": candidate, "pace": told, "used_s": used_s}
        )

    def round(self) -> None:
        """Keep that a round of timed repeats is over."""
        self._journal.append({"kind": "round"})

    def finish(self) -> None:
        """Forget the comparison: every candidate has its record."""
        self._journal.discard()
        self._journal.close(done=True)

    def _find(self, kind: str) -> Sequence[dict[str, Any]]:
        return self._journal.find(kind)
