"""Run a comparison in a given time: look after look at growing samples of the suite's items.

Stage 0 is a short calibration: each candidate is timed and answers a handful of items. Each later
stage asks every candidate that is left the same further items, and then they are judged; who is
outside the tie is asked no more. It ends when one is left, or the time, or the suite, is over.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runners.batches.agenda import variance
from runners.batches.batch import Outcome, failed_to_fetch
from runners.batches.shares import least_s, next_items
from runners.batches.timed_journal import LookTaken, TimedJournal
from runners.batches.timed_stage import MOST_Z, Contestant, Stage, Stages
from runners.records.looks import LooksInfo

if TYPE_CHECKING:
    from evals.errors import WeighinError
    from runners.batches.shares import Pool
    from runners.batches.time_left import GivenTime
    from runners.jobs.job import Job, Options

MOST_LOOKS, OVERHEAD = 5, 0.2
"""Looks, and the share of the time that their processes may take to start and to load."""
TIMING = 0.2
"""Share of the time that repeats of the timed workloads may take."""
SAFETY = 0.9
"""Part of what is left that a look plans with: a candidate may be slower than before."""
FURTHER_S = 1800.0
"""Further time whose worth is told at the end."""
OUTSIDE = "outside the tie"


class Verdict(NamedTuple):
    """Judgement of the candidates that are left."""

    information: float
    spent: float
    critical_z: float
    outside: tuple[int, ...]
    """Places of those that are significantly less accurate than the best."""
    flips: dict[str, float]
    detectable: float | None


class Judge(Protocol):
    """Judges candidates that were asked the same."""

    def __call__(
        self, stages: Sequence[Stage], past: Sequence[LookTaken], share: float, begun: int
    ) -> Verdict | None:
        """Judge what is answered when a share of the time is over; None: there is no comparison."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a comparison with a given time ended."""

    given_s: float
    used_s: float
    begun: int
    """Candidates whose weights could be had."""
    left: tuple[str, ...]
    """Those that were asked until the end."""
    looks: tuple[tuple[LookTaken, int], ...]
    """Looks, each with the items of a candidate."""
    needed_s: float | None
    """Seconds that the smallest comparison takes, where there was no look; None: nothing tells."""
    further: tuple[int, float] | None
    """Items of each candidate, and the part of the detectable difference that would be left, after
    FURTHER_S more; None: the suite has no more."""


class TimedRun:
    """One comparison, from its calibration to its last record."""

    def __init__(
        self,
        jobs: Sequence[tuple[Job, WeighinError | None]],
        options: Options,
        kept: TimedJournal,
        clock: GivenTime,
        judge: Judge,
        stages: Stages,
        *,
        repeats: int,
    ) -> None:
        """Nothing is started yet.

        Args:
            jobs: one a candidate, named after the comparison, with why it cannot run.
            options: of the batch.
            kept: decisions that were made.
            clock: the time.
            judge: decides who is outside the tie.
            stages: runs the processes.
            repeats: runs of the timed workloads of each candidate, at most.
        """
        self._jobs, self._options, self._kept = jobs, options, kept
        self._clock, self._judge, self._stages, self._repeats = clock, judge, stages, repeats
        able = [job for job, why in jobs if why is None and job.candidate.name not in kept.gone]
        self.left = [Contestant(job, kept.paces.get(job.candidate.name)) for job in able]
        self._sliced: tuple[float, int] | None = None
        self.summary: Summary | None = None
        """How it ended; None before, and where it was interrupted."""

    def outcomes(self) -> Iterator[Outcome]:
        """Run everything; an outcome a candidate or repeat, as it ends.

        Raises:
            RecordError: the store cannot be written.
        """
        for job, why in self._jobs:
            if why is not None:
                yield failed_to_fetch(job, why, self._options)
        for run_id in self._kept.gone.values():
            yield Outcome(record=self._options.store.read(run_id), ran=False)
        try:
            for _ in self._steps():
                yield from self._stages.drained()
            if not self._stages.interrupted:
                self._finish()
            yield from self._stages.drained()
        finally:
            self._stages.close(finished=not self.left)

    def _steps(self) -> Iterator[None]:
        """Stage after stage, until nothing more is to be asked."""
        if not self._kept.stages:
            self._kept.stage(self._stages.agenda.calibration())
        while self.left and self._clock.left_s > 0:
            stage = len(self._kept.stages) - 1
            whole = self._answer(stage)
            yield
            if not whole:
                return
            self._kept.ends(stage)
            if stage and all(look.stage != stage for look in self._kept.looks):
                self._look(stage, final=self._next_stage() is None)
                yield
                if self._goes_on():
                    self._time_again()
                    yield
            following = self._next_stage() if self._goes_on() else None
            if following is None:
                return
            self._kept.stage(following)

    def _goes_on(self) -> bool:
        looks = self._kept.looks
        settled = looks and (len(self.left) < 2 or looks[-1].final)
        return not (self._stages.interrupted or settled) and bool(self.left)

    def _answer(self, stage: int) -> bool:
        """Have a stage's items answered by all that are left; False where that did not come to its
        end.
        """
        for place, one in enumerate(list(self.left)):
            job = replace(one.job, position=place, jobs=len(self.left))
            found = self._stages.answer(one, job, stage, self._clock.left_s)
            if found.record.status == "completed":
                one.stages[stage] = found
            elif found.record.status == "interrupted":
                self._stages.interrupt(found)
                return False
            elif self._clock.left_s <= 0:
                return False
            else:
                self._leave(one, found, "failed")
        return bool(self.left)

    def _look(self, stage: int, *, final: bool) -> None:
        """Judge a stage's answers; who is outside the tie has its record, and leaves."""
        looks = self._kept.looks
        begun = looks[0].begun if looks else len(self.left)
        share = 1.0 if final else self._clock.share
        found = None
        if len(self.left) > 1:
            found = self._judge([one.stages[stage] for one in self.left], looks, share, begun)
        if found is None:
            return
        told = found._asdict()
        outside = told.pop("outside")
        self._kept.look(LookTaken(stage=stage, begun=begun, final=final, **told))
        for one in [self.left[place] for place in outside]:
            self._leave(one, one.stages[stage], OUTSIDE)

    def _time_again(self) -> None:
        """Time the workloads once more of all that are left, in another order, where there is time
        for it.
        """
        again = self._kept.rounds + 1
        paces = [one.pace for one in self.left if one.pace and one.pace.timed_s]
        cost_s = math.fsum(pace.process_s + pace.timed_s for pace in paces)
        known = again < self._repeats and len(paces) == len(self.left) > 1
        used_s, left_s = self._clock.used_s, self._clock.left_s
        if not known or again * cost_s > TIMING * used_s or 2 * cost_s > left_s:
            return
        order = list(self.left)
        random.Random(f"{order[0].job.suite.seed}/{again}").shuffle(order)  # noqa: S311
        for place, one in enumerate(order):
            job = replace(one.job, repeat=again, scores=False, position=place, jobs=len(order))
            if not self._stages.time(job):
                return
        self._kept.round()

    def _next_stage(self) -> dict[str, int] | None:
        """Items of each task at the end of the next stage; None where there is no time for one."""
        if not all(one.pace for one in self.left):
            return None
        pools = self._pools()
        process_s = math.fsum(one.pace.process_s for one in self.left if one.pace)
        begin_s, looks = self._slices(process_s)
        end_s, used_s, taken = self._clock.end_s, self._clock.used_s, len(self._kept.stages)
        upto_s = begin_s + (end_s - begin_s) * min(1.0, taken / looks)
        whole_s = SAFETY * (end_s - used_s) - process_s
        found = next_items(pools, min(upto_s - used_s - process_s, whole_s))
        found = found or next_items(pools, whole_s)
        return None if found is None else self._stages.agenda.by_task(found)

    def _slices(self, process_s: float) -> tuple[float, int]:
        """When the first look's time began, and in how many looks the rest is cut."""
        if self._sliced is None:
            used_s, end_s = self._clock.used_s, self._clock.end_s
            looks = int(OVERHEAD * (end_s - used_s) / max(process_s, 0.1))
            several = len(self.left) > 1
            self._sliced = used_s, min(MOST_LOOKS, max(1, looks)) if several else 1
        return self._sliced

    def _pools(self) -> dict[str, Pool]:
        """Items that were asked, and what more would cost and tell."""
        looks = self._kept.looks
        paces = [one.pace for one in self.left if one.pace]
        done = self._kept.stages[-1 if self._kept.whole is None else self._kept.whole]
        return self._stages.agenda.pools(done, paces, looks[-1].flips if looks else {})

    def _finish(self) -> None:
        """Judge for the last time what all came to the end of, and store what is left."""
        stage, looks = self._kept.whole, self._kept.looks
        if stage is not None:
            for one in self.left:
                if stage not in one.stages:
                    one.stages[stage] = self._stages.answer(one, one.job, stage, None)
            if stage and len(self.left) > 1 and not (looks and looks[-1].final):
                self._look(stage, final=True)
        self.summary = self._summed_up()
        for one in list(self.left):
            if one.stages:
                self._leave(one, one.stages[max(one.stages) if stage is None else stage], "")

    def _leave(self, one: Contestant, stage: Stage, why: str) -> None:
        """Store a candidate's record, after which it is asked no more."""
        looks = self._kept.looks
        info = LooksInfo(
            plan=self._kept.plan,
            time_s=self._clock.given_s,
            look=len(looks),
            looks=len(looks),
            critical_z=min(looks[-1].critical_z, MOST_Z) if looks else 0.0,
            stopped=why,
        )
        record = self._stages.store(one.job, stage, info)
        self._kept.leaves(one.name, record.run_id)
        self.left.remove(one)

    def _summed_up(self) -> Summary:
        kept, pools = self._kept, self._pools()
        done = {part: pool.done for part, pool in pools.items()}
        known = all(pool.second_s for pool in pools.values())
        more = next_items(pools, FURTHER_S) if known else None
        return Summary(
            given_s=self._clock.given_s,
            used_s=self._clock.used_s,
            begun=sum(why is None for _, why in self._jobs),
            left=tuple(one.name for one in self.left),
            looks=tuple((one, sum(kept.stages[one.stage].values())) for one in kept.looks),
            needed_s=1.2 * (self._clock.used_s + least_s(pools) / SAFETY) if known else None,
            further=None
            if more is None
            else (sum(more.values()), math.sqrt(variance(pools, more) / variance(pools, done))),
        )
