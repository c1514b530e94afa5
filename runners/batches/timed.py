"""Run a comparison in a given time: look after look at growing samples of the suite's items.

Stage 0 is a short calibration: each candidate is timed and answers a handful of items. Each later
stage asks every candidate that is left the same further items, and then they are judged; who is
outside the tie is asked no more. It ends when one is left, or the time, or the suite, is over.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runners.batches.batch import Outcome, failed_to_fetch
from runners.batches.course import Course
from runners.batches.looks import Judge, Summary
from runners.batches.patience import PAIR, SLOWER, expected_s, within_s
from runners.batches.summing_up import summed_up
from runners.batches.timed_journal import LookTaken, TimedJournal
from runners.batches.timed_stage import MOST_Z, Contestant, Stage, Stages
from runners.records.looks import LooksInfo
from runners.records.record import Record

if TYPE_CHECKING:
    from evals.errors import WeighinError
    from runners.batches.shares import Pool
    from runners.batches.time_left import GivenTime
    from runners.jobs.job import Job, Options

FIRST_TIMING, TIMING = 0.3, 0.2
"""Shares of the time that the timed workloads may take at first, and that their repeats may."""
SLOW = "slower than its speed was"


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
        self._course: Course | None = None
        self._slow: list[str] = []
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
        yield from self._before()
        try:
            for _ in self._steps():
                yield from self._stages.drained()
            if not self._stages.interrupted:
                self._finish()
            yield from self._stages.drained()
        finally:
            self._stages.close(finished=not self.left)

    def _before(self) -> Iterator[Outcome]:
        """What an earlier process left: candidates that are asked no more, and timed repeats."""
        gone = set(self._kept.gone.values())
        for record in self._options.store.records() if self._kept.resumed else ():
            if not isinstance(record, Record) or record.job.batch != self._kept.name:
                continue
            if record.run_id in gone or (record.job.repeat and record.status == "completed"):
                yield Outcome(record=record, ran=False)

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
            for look in self._kept.looks:
                if look.stage == stage:
                    self._follow(look)
            if self._judges(stage) and all(look.stage != stage for look in self._kept.looks):
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
        over = looks and (looks[-1].final or looks[-1].settled)
        alone = len(self.left) < min(PAIR, len(self._jobs))
        return not (self._stages.interrupted or over or alone)

    def _judges(self, stage: int) -> bool:
        """True where a stage's answers are judged: the calibration's where there is no more."""
        return stage > 0 or sum(self._kept.stages[0].values()) == self._stages.agenda.total

    def _answer(self, stage: int) -> bool:
        """Have a stage's items answered by all that are left; False where that did not come to its
        end.
        """
        slowdown = None
        for place, one in enumerate(list(self.left)):
            timing_s = FIRST_TIMING * self._clock.end_s / len(self.left)
            job = replace(one.job, position=place, jobs=len(self.left), timing_s=timing_s)
            expects_s = expected_s(one.pace, self._stages.agenda, self._kept.stages, stage)
            begun_s, left_s = self._clock.used_s, self._clock.left_s
            most_s = within_s(expects_s, slowdown, left_s=left_s, candidates=len(self.left))
            found = self._stages.answer(one, job, stage, most_s)
            took_s = self._clock.used_s - begun_s
            if found.record.status == "completed":
                one.stages[stage] = found
                if expects_s and found.anew:  # what its journal had took no time
                    slowdown = max(slowdown or 1.0, took_s / expects_s)
            elif found.record.status == "interrupted":
                self._stages.interrupt(found)
                return False
            elif self._clock.left_s <= 0:
                return False
            elif took_s < most_s or not stage:
                self._leave(one, found, "failed")
            elif not self._turns_slow(one, stage):
                return False
        return bool(self.left)

    def _turns_slow(self, one: Contestant, stage: int) -> bool:
        """Let one leave with what it answered until the stage before; False where interrupted."""
        found = self._until(one, stage - 1)
        if found is not None:
            self._leave(one, found, SLOW if found.record.status == "completed" else "failed")
        return found is not None

    def _until(self, one: Contestant, stage: int) -> Stage | None:
        """A candidate's answers until a stage, from its journal where an earlier process asked for
        them; None where that was interrupted.
        """
        if stage not in one.stages:
            one.stages[stage] = self._stages.answer(one, one.job, stage, None)
        if one.stages[stage].record.status != "interrupted":
            return one.stages[stage]
        self._stages.interrupt(one.stages[stage])
        return None

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
        told["leaving"] = {self.left[place].name: why for place, why in found.leaving}
        self._kept.look(LookTaken(stage=stage, begun=begun, final=final, **told))
        self._follow(self._kept.looks[-1])

    def _follow(self, look: LookTaken) -> None:
        """Let those leave that a look told to, unless an earlier process did."""
        for one in [one for one in self.left if one.name in look.leaving]:
            self._leave(one, one.stages[look.stage], look.leaving[one.name])

    def _time_again(self) -> None:
        """Time the workloads once more of all that are left, in another order, where there is time
        for it.
        """
        again = self._kept.rounds + 1
        paces = [one.pace for one in self.left if one.pace and one.pace.timed_s]
        cost_s = sum(pace.process_s + pace.timed_s for pace in paces)
        known = again < self._repeats and len(paces) == len(self.left)
        used_s, left_s = self._clock.used_s, self._clock.left_s
        if not known or again * cost_s > TIMING * used_s or 2 * cost_s > left_s:
            return
        order = list(self.left)
        random.Random(f"{order[0].job.suite.seed}/{again}").shuffle(order)  # noqa: S311
        for place, one in enumerate(order):
            job = replace(one.job, repeat=again, scores=False, position=place, jobs=len(order))
            job = replace(job, timing_s=SLOWER * one.pace.timed_s if one.pace else None)
            if not self._stages.time(job):
                return
        self._kept.round()

    def _next_stage(self) -> dict[str, int] | None:
        """Items of each task at the end of the next stage; None where there is no time for one."""
        paces = [one.pace for one in self.left if one.pace]
        if len(paces) < len(self.left):  # its journal answered for it
            return self._stages.agenda.smallest(self._kept.stages[-1])
        used_s, taken = self._clock.used_s, len(self._kept.stages) - 1
        self._course = self._course or Course.of(paces, used_s, self._clock.end_s)
        found = self._course.following(self._pools(), paces, used_s, taken)
        return None if found is None else self._stages.agenda.by_task(found)

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
            if any(self._until(one, stage) is None for one in self.left):
                return
            over = looks and (looks[-1].final or looks[-1].settled)
            if self._judges(stage) and len(self.left) > 1 and not over:
                self._look(stage, final=True)
        self.summary = summed_up(
            self._kept, self._clock, self.left, self._pools(),
            begun=len(self._jobs), slow=self._slow,
        )  # fmt: skip
        for one in list(self.left):
            if one.stages:
                self._leave(one, one.stages[max(one.stages) if stage is None else stage], "")
            else:
                self._stages.forget(one.job)
                self.left.remove(one)

    def _leave(self, one: Contestant, stage: Stage, why: str) -> None:
        """Store a candidate's record, after which it is asked no more."""
        looks = self._kept.looks
        if why == SLOW:
            self._slow.append(one.name)
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
