"""`weighin run --dry-run`: what earlier runs, of whatever limit or time, foresee."""

from __future__ import annotations

from typing import Any

import pytest

from evals.suites import Suite, SuiteTask
from runners.batches.batch import Batch
from runners.candidates.spec import Candidate
from runners.cli.forecast import forecast, last_run
from runners.records.reading import parse_record
from runners.records.record import Record
from tests.leaderboard.conftest import EXAMPLE, Maker

FAKE = Candidate.model_validate({"name": "fake", "runtime": "fake"})


@pytest.fixture(scope="module")
def made() -> Maker:
    return Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))


def batch_of(*tasks: SuiteTask, **given: Any) -> Batch:
    return Batch(candidates=(FAKE,), suite=Suite(name="tiny", tasks=tasks), **given)


def test_earlier_runs_foresee_the_time():
    record = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    tasks = tuple(SuiteTask.model_validate(task) for task in record.suite.tasks)
    fake = Candidate.model_validate({"name": "fake", "runtime": "fake"})
    batch = Batch(candidates=(fake, fake), suite=Suite(name="tiny", tasks=tasks))
    content, lines = forecast(batch, [record, record], None)
    assert record.job.seconds is not None
    assert content["forecast_seconds"] == pytest.approx(2 * record.job.seconds, rel=0.01)
    assert lines[0].endswith("in all, by earlier runs here")
    content, lines = forecast(batch, [record, record], 60.0)
    stages = content["stages"]
    assert [one["name"] for one in stages][:2] == ["calibration", "look 1"]
    assert stages[-1]["ends_s"] <= 60
    assert len(lines) == 1 + len(stages)
    # Where one of them never ran here, nothing is foreseen.
    assert forecast(batch, [record, None], None) == ({"forecast_seconds": None}, [])
    assert forecast(batch, [record, None], 60.0)[0] == {"stages": None}


def seconds(made: Maker, batch: Batch, *, items: dict[str, int], seconds_all: float) -> float:
    """Seconds foreseen after a run that answered so many items of tasks of 100, 60 and 20."""
    there = {"alone": 100, "big": 60, "small": 20}
    tasks = {
        name: made.task(0.5, n, group="alone" if name == "alone" else "g", documents=there[name])
        for name, n in items.items()
    }
    record = made.record("fake", tasks=tasks, latency={}, load=_instant(made))
    job = record.job.model_copy(update={"seconds": seconds_all, "resumed": 0})
    content, _ = forecast(batch, [record.model_copy(update={"job": job})], None)
    found: float = content["forecast_seconds"]
    return found


def _instant(made: Maker) -> Any:
    assert made.base.load is not None
    return made.base.load.model_copy(update={"ready_s": 0.0, "load_s": 0.0})


def test_the_suites_items_are_foreseen_whatever_the_earlier_run_had(made: Maker):
    # Two items a task took six seconds: one each.
    asked = {"items": {"alone": 2, "big": 2, "small": 2}, "seconds_all": 6.0}
    alone, group = SuiteTask(task="alone"), SuiteTask(task="g")
    assert seconds(made, batch_of(alone, group), **asked) == pytest.approx(180)
    # A limit is of each task, and none has more than its documents.
    assert seconds(made, batch_of(alone, group, limit=3), **asked) == pytest.approx(9)
    assert seconds(made, batch_of(alone, group, limit=50), **asked) == pytest.approx(120)
    assert seconds(made, batch_of(alone, group, limit=1000), **asked) == pytest.approx(180)
    # The suite's own: 40 of the one, and 8 of the group, however they are shared out.
    own = (SuiteTask(task="alone", limit=40), SuiteTask(task="g", total=8))
    assert seconds(made, batch_of(*own), **asked) == pytest.approx(48)
    assert seconds(made, batch_of(*own, limit=1), **asked) == pytest.approx(3)


def test_a_suite_that_the_calibration_uses_up_needs_no_more_time(made: Maker):
    record = made.record("fake", tasks={"t": made.task(0.5, 2, documents=2)})
    batch = batch_of(SuiteTask(task="t"))
    assert forecast(batch, [record, record], 600.0)[1][-1] == (
        "  the suite has no more items: more time would tell no more"
    )
    many = made.record("fake", tasks={"t": made.task(0.5, 2, documents=2000)})
    slow = many.model_copy(update={"job": many.job.model_copy(update={"seconds": 1e6})})
    assert forecast(batch, [slow, slow], 600.0)[1][-1].startswith("  no look is possible: give")


def test_the_last_run_that_answered_tasks_tells_more_than_its_repeats(made: Maker):
    def run(repeat: int, **given: Any) -> Record:
        tasks = {"t": made.task(0.5)} if repeat == 0 else {}
        record = made.record("fake", repeat=repeat, tasks=tasks, **given)
        job = record.job.model_copy(update={"scores": repeat == 0, "seconds": 9.0 - repeat})
        return record.model_copy(update={"job": job})

    batch = batch_of(SuiteTask(task="t"))
    first, second, third = (run(repeat) for repeat in range(3))
    assert last_run("fake", batch, [first, second, third]) is first
    assert last_run("fake", batch, [second, third]) is third
    assert last_run("other", batch, [first]) is None
    assert last_run("fake", batch, [first, run(0, status="failed")]) is first
