"""A comparison in a given time: settled early, all its time used, too slow, interrupted.

The clock is the test's own: an item takes as long as the test says, and no test waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from evals.suites import MANY
from runners.batches.agenda import Agenda
from runners.batches.batch import Outcome
from runners.batches.looks import Summary, Verdict
from runners.batches.pace import Pace
from runners.batches.time_left import GivenTime
from runners.batches.timed import TimedRun
from runners.batches.timed_journal import LookTaken, TimedJournal
from runners.batches.timed_stage import Contestant, Stage, Stages
from runners.candidates.spec import Candidate
from runners.cli.timed import judged
from runners.jobs.assemble import assemble
from runners.jobs.job import Job
from runners.jobs.measured import Measured, Step
from runners.jobs.prepared import PreparedTask
from runners.records.looks import LooksInfo
from runners.records.record import Record
from runners.records.store import JOURNALS
from tests.runners.conftest import TASKS, Bench

PLAN = "plan"
ITEMS = 400
MEAN = TASKS["tiny_cloze"]["metric_list"][:1]
PACE = Pace(process_s=1.0, timed_s=2.0, item_s={"first": 0.1, "second": 0.1})
LOOK = LookTaken(
    stage=1, information=0.5, spent=0.001, critical_z=3.0, begun=3, final=False,
    settled=False, detectable=0.1, leaving={}, flips={},
)  # fmt: skip


@pytest.fixture(scope="module")
def tasks(
    tmp_path_factory: pytest.TempPathFactory,
    task_writer: Callable[..., None],
    loader: Callable[..., list[PreparedTask]],
) -> dict[str, PreparedTask]:
    """Two tasks of 400 items, which a fake gets wrong at its rate."""
    folder = tmp_path_factory.mktemp("many")
    for name in ("first", "second"):
        task_writer(folder, name, {**TASKS["tiny_cloze"], "metric_list": MEAN}, ITEMS)
    return {task.loaded.name: task for task in loader(folder, "first", "second")}


@dataclass
class Timed:
    """Runs comparisons by a clock that only items and processes advance."""

    bench: Bench
    item_s: dict[str, float] = field(default_factory=dict)
    """Seconds for an item by candidate; 1/10 where it is not named."""
    process_s: float = 1.0
    now: float = 0.0
    summary: Summary | None = None
    stop: Callable[[Job, Step], bool] = lambda _job, _step: False
    journal: type[TimedJournal] = TimedJournal

    def step(self, job: Job, step: Step) -> None:
        if self.stop(job, step):
            raise KeyboardInterrupt
        if step.phase == "load":
            self.now += self.process_s
        if step.phase == "scoring" and step.task and step.done == self._before(job, step.task):
            task = next(t for t in job.tasks if t.loaded.name == step.task)
            new = task.count - (task.stages[-2] if len(task.stages) > 1 else 0)
            self.now += new * self.item_s.get(job.candidate.name, 0.1)

    def _before(self, job: Job, name: str) -> int:
        """Items that are answered when a task's new ones begin."""
        done = 0
        for task in job.tasks:
            if task.loaded.name == name:
                return done + (task.stages[-2] if len(task.stages) > 1 else 0)
            done += task.count
        return done

    def run(self, *candidates: Candidate, time_s: float, repeats: int = 1) -> list[Outcome]:
        jobs = self.bench.jobs(*candidates, tasks=tuple(self.bench.tasks))
        options = self.bench.options()
        with self.journal(self.bench.store, PLAN, fresh=False) as kept:
            named = [
                (replace(job, comparison=kept.name, batch=kept.name, repeats=MANY), why)
                for job, why in jobs
            ]
            clock = GivenTime(
                given_s=time_s,
                used_before_s=kept.used_s,
                started_s=self.now,
                now=lambda: self.now,
            )
            stages = Stages([job for job, _ in named], options, kept, clock, self.step)
            run = TimedRun(named, options, kept, clock, judged, stages, repeats=repeats)
            outcomes = list(run.outcomes())
            self.summary = run.summary
            if run.summary is not None:
                kept.finish()
        return outcomes


@pytest.fixture
def timed(bench: Bench, tasks: dict[str, PreparedTask]) -> Timed:
    return Timed(bench=replace(bench, tasks=tasks))


def counts(outcomes: list[Outcome]) -> dict[str, tuple[str, int, str]]:
    """Status, items and why it was stopped, of each candidate that was asked."""
    found: dict[str, tuple[str, int, str]] = {}
    for one in outcomes:
        record = one.record
        looks = record.job.looks
        n = sum(task.n for task in record.accuracy.values())
        if record.accuracy:
            found[record.candidate.name] = (record.status, n, looks.stopped if looks else "")
    return found


def test_a_clear_answer_ends_it_early(timed: Timed):
    good, bad = timed.bench.fake("good", wrong_rate=0.05), timed.bench.fake("bad", wrong_rate=0.6)
    outcomes = timed.run(bad, good, time_s=100.0)
    found = counts(outcomes)
    assert timed.summary is not None
    assert (timed.summary.left, len(timed.summary.looks)) == (("good",), 1)
    assert timed.now < 50
    assert found["bad"] == ("completed", found["good"][1], "outside the tie")
    assert found["good"][2] == ""
    first, second = (one.record for one in outcomes)
    # They stand beside each other on the board, and no plain run stands there.
    assert first.suite.digest == second.suite.digest
    assert (
        first.suite.digest != timed.bench.jobs(good, tasks=("first", "second"))[0][0].suite_digest
    )
    assert [name for name, _, _ in [*found.values()]] == ["completed"] * 2
    assert {task.n for task in first.accuracy.values()} == {task.asked for task in
                                                            second.accuracy.values()}  # fmt: skip
    # Every candidate was asked the same, and what its look has is a random part of the task.
    items = [timed.bench.store.samples(one.run_id).column("doc_id").to_pylist() for one in
             (first, second)]  # fmt: skip
    assert items[0] == items[1]
    assert items[0] != sorted(items[0])
    assert list((timed.bench.store.root / JOURNALS).iterdir()) == []


def test_an_interrupted_one_goes_on_with_the_time_that_is_left(timed: Timed):
    a, b = (timed.bench.fake(n, wrong_rate=0.3, seed=s) for n, s in (("a", 1), ("b", 2)))
    timed.stop = lambda job, step: (
        job.candidate.name == "b" and len(job.tasks[0].stages) == 3 and step.task == "second"
    )
    first = timed.run(a, b, time_s=60.0)
    assert timed.summary is None
    assert [one.record.status for one in first] == ["interrupted"]
    used = timed.now
    with TimedJournal(timed.bench.store, PLAN, fresh=False) as kept:
        assert kept.used_s == pytest.approx(used)
    timed.stop = lambda _job, _step: False
    asked: list[tuple[str, int]] = []
    plain = timed.step

    def noted(job: Job, step: Step) -> None:
        if step.phase == "scoring" and step.task:
            asked.append((job.candidate.name, len(job.tasks[0].stages)))
        plain(job, step)

    timed.step = noted  # type: ignore[method-assign]
    outcomes = timed.run(a, b, time_s=60.0)
    found = counts(outcomes)
    assert timed.summary is not None
    assert used < timed.now <= 60
    # What was answered is not asked again: a begins with the stage after.
    assert ("a", 3) not in asked
    assert found["a"][:2] == found["b"][:2]
    assert timed.summary.looks[-1][1] == found["a"][1]


@dataclass
class Script:
    """In place of processes: each takes the time that the test says, and ends as it says."""

    agenda: Agenda
    template: Record
    now: float = 0.0
    end: Callable[[str, int], tuple[float, str]] = lambda _name, _stage: (5.0, "completed")
    """Name, stage -> seconds, and how it ends."""
    restored: frozenset[tuple[str, int]] = frozenset()
    """Name and stage of answers that lie in a journal."""
    stored: list[tuple[str, int, str]] = field(default_factory=list)
    """Name, last look and why, of each record."""
    timed: list[tuple[str, int]] = field(default_factory=list)
    interrupted: bool = False

    def answer(self, one: Contestant, job: Job, stage: int, within_s: float | None) -> Stage:
        seconds, status = self.end(one.name, stage)
        if within_s is not None and seconds > within_s:  # its worker is ended
            seconds, status = within_s, "failed"
        self.now += seconds
        anew = (one.name, stage) not in self.restored
        if anew:
            one.pace = PACE
        return Stage(self.template.model_copy(update={"status": status}), None, anew)

    def time(self, job: Job) -> bool:
        self.timed.append((job.candidate.name, job.repeat))
        self.now += 3.0
        return True

    def store(self, job: Job, stage: Stage, looks: LooksInfo) -> Record:
        self.stored.append((job.candidate.name, looks.look, looks.stopped))
        return stage.record

    def forget(self, job: Job) -> None:
        self.stored.append((job.candidate.name, -1, "forgotten"))

    def interrupt(self, stage: Stage) -> None:
        self.interrupted = True

    def drained(self) -> Iterator[Outcome]:
        yield from ()

    def close(self, *, finished: bool) -> None:
        pass


def scripted(
    timed: Timed, names: str, outside: dict[int, tuple[int, ...]], *, time_s: float = 100.0,
    repeats: int = 1, settles: int = 0, kept: TimedJournal | None = None, **given: Any,
) -> tuple[Script, TimedJournal, Summary]:  # fmt: skip
    """A comparison of which judge and processes are the test's.

    Args:
        outside: look -> places of those that leave.
        settles: look at which more items would change nothing.
    """
    jobs = timed.bench.jobs(*map(timed.bench.fake, names), tasks=("first", "second"))
    record = assemble(jobs[0][0], Measured(), None, timed.bench.options(), seconds=1.0)[0]
    script = Script(agenda=Agenda.of(jobs[0][0].tasks), template=record, **given)
    shares: list[float] = []

    def judge(
        stages: Sequence[Stage], past: Sequence[LookTaken], share: float, begun: int
    ) -> Verdict:
        shares.append(share)
        leaving = tuple((place, "outside the tie") for place in outside.get(len(shares), ()))
        settled = settles == len(shares)
        return Verdict(1.0 + len(past), 0.01, 2.0, leaving, {}, 0.05, settled)

    kept = kept or TimedJournal(timed.bench.store, PLAN, fresh=False)
    clock = GivenTime(given_s=time_s, started_s=0.0, now=lambda: script.now)
    run = TimedRun(jobs, timed.bench.options(), kept, clock, judge, script, repeats=repeats)  # type: ignore[arg-type]
    assert list(run.outcomes()) == []
    assert run.summary is not None
    final = [look.final for look in kept.looks]
    assert final[len(final) - len(shares) :] == [share == 1.0 for share in shares]
    return script, kept, run.summary


def test_equal_candidates_use_all_of_the_time(timed: Timed):
    # 10 s of calibration; 86 s in five looks of 17, of which 2 are two processes: they end sooner
    # here than was planned, so that their time is shared out again.
    script, kept, summary = scripted(timed, "ab", {}, repeats=3)
    assert (summary.left, summary.begun) == (("a", "b"), 2)
    assert len(kept.looks) >= 4
    assert kept.looks[-1].final
    assert 80 < script.now <= 100
    items = [n for _, n in summary.looks]
    assert items == sorted(set(items))
    # Two rounds more than the first, all in each, within a fifth of the time.
    assert sorted(script.timed) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert script.stored == [("a", len(items), ""), ("b", len(items), "")]
    # 30 minutes more ask all that there is: 400 items of two tasks.
    assert summary.further is not None
    assert summary.further[0] == 2 * ITEMS


def test_who_is_outside_the_tie_is_asked_no_more(timed: Timed):
    script, kept, summary = scripted(timed, "abc", {1: (2,), 2: (0,)})
    assert script.stored == [("c", 1, "outside the tie"), ("a", 2, "outside the tie"), ("b", 2, "")]
    assert (summary.left, kept.looks[-1].final, kept.looks[-1].begun) == (("b",), False, 3)
    assert [look.leaving for look in kept.looks] == [
        {"c": "outside the tie"}, {"a": "outside the tie"},
    ]  # fmt: skip
    assert summary.settled
    assert script.now < 60  # one is left: settled


def test_where_fidelity_settles_it_nothing_more_is_asked(timed: Timed):
    script, kept, _ = scripted(timed, "abc", {1: (0,)}, settles=2)
    assert [(look.settled, look.final) for look in kept.looks] == [(False, False), (True, False)]
    assert [(name, why) for name, _, why in script.stored] == [
        ("a", "outside the tie"), ("b", ""), ("c", ""),
    ]  # fmt: skip
    assert script.now < 60


def test_a_judgement_that_was_kept_is_followed_after_a_kill(timed: Timed):
    # The first look told c to leave, and the process was killed before it had its record.
    kept = TimedJournal(timed.bench.store, PLAN, fresh=False)
    kept.stage({"first": 2, "second": 2})
    kept.ends(0)
    kept.stage({"first": 20, "second": 20})
    kept.look(replace(LOOK, leaving={"c": "outside the tie"}))
    script, kept, summary = scripted(timed, "abc", {}, kept=kept)
    assert script.stored[0] == ("c", 1, "outside the tie")
    assert [look.stage for look in kept.looks][:2] == [1, 2]  # the first is not judged again
    assert summary.left == ("a", "b")


def test_what_one_did_not_come_to_counts_for_nobody(timed: Timed):
    # The last look takes longer than any before, and the time is over in the middle of it.
    def end(name: str, stage: int) -> tuple[float, str]:
        return (40.0 if stage == 2 else 5.0, "completed")

    script, kept, summary = scripted(timed, "ab", {}, end=end, time_s=60.0)
    assert (kept.whole, len(kept.stages)) == (1, 3)
    # The first look is judged for good, with all of the 5 %.
    assert [(look.stage, look.final) for look in kept.looks] == [(1, False), (1, True)]
    assert [name for name, _, _ in script.stored] == ["a", "b"]
    assert summary.looks[-1][1] == sum(kept.stages[1].values())
    assert script.now <= 60


def test_one_that_turns_slow_does_not_take_the_time_of_the_others(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (500.0 if (name, stage) == ("b", 2) else 5.0, "completed")

    script, kept, summary = scripted(timed, "abc", {}, end=end, time_s=200.0)
    # What it answered until the look before stands; the others come to their last look.
    assert script.stored[0] == ("b", 1, "slower than its speed was")
    assert (summary.slow, summary.left, summary.settled) == (("b",), ("a", "c"), False)
    assert kept.looks[-1].final
    assert script.now <= 200


def test_time_that_is_over_before_the_first_look_tells_nothing(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (90.0 if stage else 20.0, "completed")

    script, kept, summary = scripted(timed, "ab", {}, end=end, time_s=60.0)
    assert (summary.looks, kept.looks) == ((), [])
    assert script.stored == [("a", 0, ""), ("b", 0, "")]  # times, memory and the calibration
    assert summary.needed_s is not None
    assert summary.needed_s > 60


def test_who_was_not_reached_leaves_nothing_behind(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (90.0 if name == "b" else 20.0, "completed")

    script, kept, summary = scripted(timed, "abc", {}, end=end, time_s=60.0)
    assert (kept.whole, summary.looks) == (None, ())
    assert summary.needed_s is None  # c's speed is not known
    assert script.stored == [("a", 0, ""), ("b", -1, "forgotten"), ("c", -1, "forgotten")]


def test_who_fails_leaves_the_others(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (1.0, "failed" if name == "a" else "completed")

    script, kept, _ = scripted(timed, "abc", {}, end=end)
    assert script.stored[0] == ("a", 0, "failed")
    assert kept.looks[0].begun == 2


def test_one_alone_has_one_look_at_most(timed: Timed):
    script, kept, summary = scripted(timed, "a", {})
    assert (len(kept.stages), kept.looks, summary.left) == (2, [], ("a",))
    assert script.stored == [("a", 0, "")]


def begun(timed: Timed) -> TimedJournal:
    """A comparison of a, b and c that was killed in its second look's stage, 40 s after its
    beginning.
    """
    kept = TimedJournal(timed.bench.store, PLAN, fresh=False)
    for name in "abc":
        kept.pace(name, PACE, 40.0)
    kept.stage({"first": 2, "second": 2})
    kept.ends(0)
    kept.stage({"first": 20, "second": 20})
    kept.ends(1)
    kept.look(LOOK)
    kept.stage({"first": 60, "second": 60})
    return kept


def test_one_that_turns_slow_after_a_kill_keeps_its_answers(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (500.0 if (name, stage) == ("b", 2) else 5.0, "completed")

    kept = begun(timed)
    script, kept, summary = scripted(timed, "abc", {}, end=end, time_s=200.0, kept=kept)
    # Those until the first look are in its journal.
    assert script.stored[0] == ("b", 1, "slower than its speed was")
    assert (summary.slow, summary.left) == (("b",), ("a", "c"))


def test_what_a_journal_answers_says_nothing_of_the_machine(timed: Timed):
    # The stage takes 1 + 80 * 0.1 = 9 s, and 60 on a machine that turned slow; a has its answers.
    def end(name: str, stage: int) -> tuple[float, str]:
        if stage != 2:
            return (5.0, "completed")
        return (0.0 if name == "a" else 60.0, "completed")

    restored = frozenset({("a", 2)})
    kept = begun(timed)
    _, kept, summary = scripted(
        timed, "abc", {}, end=end, time_s=200.0, kept=kept, restored=restored
    )
    assert (summary.slow, summary.left) == ((), ("a", "b", "c"))


def test_whose_speed_is_not_known_answers_the_smallest_stage(timed: Timed):
    # Killed after b's last answer of the calibration and before its speed was noted.
    kept = TimedJournal(timed.bench.store, PLAN, fresh=False)
    kept.pace("a", PACE, 10.0)
    kept.stage({"first": 2, "second": 2})
    restored = frozenset({("a", 0), ("b", 0)})
    script, kept, summary = scripted(timed, "ab", {}, kept=kept, restored=restored)
    assert kept.stages[1] == {"first": 8, "second": 8}
    assert len(summary.looks) > 1
    assert script.stored[0][:2] == ("a", len(summary.looks))


def test_an_end_in_a_calibration_that_was_answered_costs_no_look(timed: Timed):
    """The same with processes: times that lie in the journal are times."""
    noted: list[tuple[str, float]] = []

    class Killed(TimedJournal):
        def pace(self, candidate: str, pace: Pace, used_s: float) -> None:
            if candidate == "b":
                raise KeyboardInterrupt
            super().pace(candidate, pace, used_s)

    class Noting(TimedJournal):
        def pace(self, candidate: str, pace: Pace, used_s: float) -> None:
            noted.append((candidate, pace.timed_s))
            super().pace(candidate, pace, used_s)

    a, b = timed.bench.fake("a", wrong_rate=0.0), timed.bench.fake("b", wrong_rate=1.0)
    timed.journal = Killed
    with pytest.raises(KeyboardInterrupt):
        timed.run(a, b, time_s=100.0)
    timed.journal = Noting
    found = counts(timed.run(a, b, time_s=100.0))
    assert timed.summary is not None
    # Eight items of each task: 3.75 standard errors tell nothing yet in a tenth of the time.
    assert timed.summary.looks[0][1] == 16
    assert timed.summary.left == ("a",)
    assert found["b"][2] == "outside the tie"
    assert {name for name, _ in noted} == {"a", "b"}
    assert all(seconds > 0 for _, seconds in noted)


def test_one_that_is_left_alone_before_a_look_is_asked_no_more(timed: Timed):
    def end(name: str, stage: int) -> tuple[float, str]:
        return (1.0, "failed" if name == "a" else "completed")

    script, kept, summary = scripted(timed, "ab", {}, end=end, time_s=1800.0)
    assert (len(kept.stages), script.now) == (1, 2.0)  # both their calibrations
    assert script.stored == [("a", 0, "failed"), ("b", 0, "")]
    assert (summary.left, summary.begun, summary.needed_s) == (("b",), 2, None)


@pytest.mark.parametrize(("items", "stages"), [(2, [2]), (3, [2, 3])])
def test_a_suite_that_is_used_up_is_judged(timed: Timed, items: int, stages: list[int]):
    few = {name: replace(one, items=one.items[:items]) for name, one in timed.bench.tasks.items()}
    timed.bench = replace(timed.bench, tasks=few)
    script, kept, summary = scripted(timed, "ab", {1: (1,)})
    assert kept.stages == [{"first": n, "second": n} for n in stages]
    assert [(look.stage, look.final) for look in kept.looks] == [(len(stages) - 1, True)]
    assert script.stored == [("b", 1, "outside the tie"), ("a", 1, "")]
    assert (summary.exhausted, summary.needed_s, summary.further) == (True, None, None)
