from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runners.cli.progress import ProgressLines, TimeLeft
from runners.jobs.measured import Step

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

JOB: Any = SimpleNamespace(position=0, jobs=1, candidate=SimpleNamespace(name="tiny"), repeat=0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_latency_phase_says_which_request_is_answered() -> None:
    step = Step(phase="latency", workload="512+64", done=0, total=6)
    shown, log = Terminal(), io.StringIO()
    for stream in (shown, log):
        ProgressLines(stream).step(JOB, step)
    lines = ProgressLines(log)
    lines.step(JOB, step)
    lines.step(JOB, replace(step, done=1))
    assert shown.getvalue() == "1/1 candidates · tiny  latency 512+64  0/6 requests"
    assert log.getvalue().count("\n") == 2  # a line a workload and not a count, in each of two


@pytest.mark.slow
def test_a_job_tells_the_requests_of_each_workload(bench: Bench) -> None:
    # Two timed requests after a warm-up, 0.9 s in all; the worker reports every half second.
    bench.run(delay_first_token_s=0.3)
    told = [step for step in bench.steps if step.workload]
    assert told[0] == Step(phase="latency", workload="8+4", done=0, total=3)
    assert {step.done for step in told[1:]} <= {1, 2, 3}
    assert len(told) > 1


def test_the_time_left_is_of_all_candidates() -> None:
    left = TimeLeft([False, False, False])
    scoring = Step(phase="scoring", task="boolq", done=0, total=40)
    left.step(0, scoring, 100.0)
    assert left.seconds(0, 101.0) is None  # nothing is answered yet
    left.step(0, replace(scoring, done=10), 110.0)
    # A second an item: 30 s are left of this one, and each of two others takes 40 s.
    assert left.seconds(0, 110.0) == 30 + 2 * 40
    left.step(1, Step(phase="load"), 150.0)
    # The first took 50 s: 45 s are left of the second after 5, and 50 of the third.
    assert left.seconds(1, 155.0) == 45 + 50


def test_repeats_are_reckoned_by_repeats() -> None:
    left = TimeLeft([False, True, True])
    for position, start in enumerate([0.0, 100.0]):
        left.step(position, Step(phase="load"), start)
    left.step(2, Step(phase="load"), 110.0)
    assert left.seconds(2, 114.0) == 6
    # Before a repeat has ended it is taken to be as long as the timed part of a first run.
    early = TimeLeft([False, True, True])
    early.step(0, Step(phase="load"), 0.0)
    early.step(0, Step(phase="scoring", task="boolq", done=0, total=40), 12.0)
    early.step(1, Step(phase="load"), 100.0)
    assert early.seconds(1, 110.0) == 2 + 12


def test_windows_of_several_users_are_left_after_the_items() -> None:
    left = TimeLeft([False, False], users_s=60.0)
    scoring = Step(phase="scoring", task="boolq", done=0, total=40)
    left.step(0, scoring, 100.0)
    left.step(0, replace(scoring, done=10), 110.0)
    # 30 s for the items and 60 s for the users, and as long as all of this one for the other
    assert left.seconds(0, 110.0) == 90 + (10 + 90)
    left.step(0, Step(phase="users", workload="2 at once", total=30, unit="s"), 140.0)
    assert left.seconds(0, 150.0) == 50 + (50 + 50)


def test_a_terminal_is_told_the_place_and_the_time_first() -> None:
    job: Any = SimpleNamespace(
        position=1,
        jobs=3,
        candidate=SimpleNamespace(name="tiny"),
        repeat=0,
        scores=True,
        users_s=0.0,
    )
    shown = Terminal()
    lines = ProgressLines(shown)
    lines.plan([job, job, job])
    lines.step(SimpleNamespace(**{**vars(job), "position": 0}), Step(phase="load"))
    lines.step(job, Step(phase="scoring", task="boolq", done=34, total=40))
    assert "2/3 candidates · about 1 s left in all · tiny  scoring boolq  34/40 items" in (
        shown.getvalue()
    )


def test_a_line_that_stays_is_wrapped_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "21")
    shown = Terminal()
    ProgressLines(shown).say("done in 3 min: accuracy 34.5%")
    assert shown.getvalue() == "done in 3 min:\n  accuracy 34.5%\n"


def test_what_was_in_the_store_is_no_measure_of_time() -> None:
    left = TimeLeft([False, False])
    left.step(1, Step(phase="load"), 5.0)  # the first took no step
    assert left.seconds(1, 6.0) is None
