"""How long a candidate takes, from a record and from the steps of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runners.batches.pace import Pace, Stopwatch, recorded_pace
from runners.jobs.measured import Step

if TYPE_CHECKING:
    from tests.runners.conftest import Bench


def test_a_job_is_timed_by_its_steps():
    now = [0.0]
    watch = Stopwatch(now=lambda: now[0], parts={"one": "group", "two": "group", "c": "c"})
    seen: list[Step] = []
    notify = watch.following(seen.append)
    told = (
        (1.0, "baseline", ""), (2.0, "load", ""), (4.0, "latency", ""), (9.0, "scoring", ""),
        (10.0, "scoring", "one"), (13.0, "scoring", "two"), (14.0, "scoring", "c"),
        (20.0, "divergence", ""),
    )  # fmt: skip
    for now[0], phase, task in told:
        notify(Step(phase=phase, task=task))
    now[0] = 27.0
    before = Pace(process_s=9.0, timed_s=9.0, item_s={"c": 9.0, "old": 3.0})
    pace = watch.pace({"group": 8, "c": 0}, before)
    # 1 until the baseline, 1 + 2 until the workloads, 1 to open the engine; they took 5 seconds.
    assert (pace.process_s, pace.timed_s) == (5.0, 5.0)
    # 3 + 1 seconds for 8 items of the group; of c none was new, so that the old pace holds.
    assert pace.item_s == {"group": 0.5, "c": 9.0, "old": 3.0}
    assert watch.answered
    assert len(seen) == len(told)


def test_a_pace_forecasts():
    pace = Pace(process_s=2.0, timed_s=10.0, item_s={"a": 0.5, "b": 1.5})
    assert pace.answering_s({"a": 10, "b": 2}) == 8.0
    assert pace.per_item("unknown") == 1.0  # the mean
    assert pace.run_s({"a": 10}) == 17.0
    assert pace.run_s({"a": 10}, repeats=3) == 41.0


def test_an_earlier_run_tells_its_pace(bench: Bench):
    record = bench.run(delay_per_item_s=0.002, delay_per_token_s=0.01)
    pace = recorded_pace(record)
    assert pace is not None
    items = sum(task.n for task in record.accuracy.values())
    assert record.job.seconds is not None
    # All of it is accounted for: one process, its timed requests, its items.
    assert pace.run_s({"tiny_choice": items}) == pytest.approx(record.job.seconds, rel=0.01)
    assert pace.timed_s >= 3 * 3 * 0.01  # a warm-up and two requests: three gaps each
    resumed = record.model_copy(update={"job": record.job.model_copy(update={"resumed": 1})})
    assert recorded_pace(resumed) is None
