"""Several users of a llama-server that is started for them, slot by slot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runners.batches.batch import run_batch
from runners.candidates.spec import Candidate
from runners.jobs.job import Job
from runners.jobs.measured import Step
from runners.jobs.user_level import Users
from runners.records.record import Record

if TYPE_CHECKING:
    import pytest

    from tests.runners.conftest import Bench

LEVELS = Users(levels=(1, 2), seconds=0.1)


def candidate(weights: Path) -> Candidate:
    about = {"name": "mock", "runtime": "llama-server", "weights": str(weights)}
    return Candidate.model_validate({**about, "settings": {"threads": 1, "context": 64}})


def run(
    bench: Bench, weights: Path, on_step: Callable[[Job, Step], None] = lambda _job, _step: None
) -> Record:
    """A run that times and serves, and answers no task."""
    jobs = bench.jobs(candidate(weights), tasks=("tiny_choice",), users=LEVELS)
    (outcome,) = run_batch(
        [(replace(job, scores=False), why) for job, why in jobs], bench.options(), on_step
    )
    return outcome.record


def test_a_server_is_started_for_each_number_and_an_interrupted_run_goes_on_at_its_level(
    bench: Bench, weights: Path, served: Callable[..., None]
) -> None:
    served(text="abc", first_token_s=0.002, per_token_s=0.001)

    def interrupt(_job: Job, step: Step) -> None:
        if step.workload == "2 at once":
            raise KeyboardInterrupt

    broken = run(bench, weights, interrupt)
    assert broken.status == "interrupted"
    assert broken.users is not None
    assert [level.users for level in broken.users.levels] == [1]

    record = run(bench, weights)
    assert record.error is None
    assert record.job.resumed == 1
    assert record.users is not None
    assert record.users.workloads == ["8+4"]
    first, second = record.users.levels
    assert first == broken.users.levels[0]  # taken from the journal, not measured again
    for level in (first, second):
        assert level.error == ""
        # llama-server shares out its context: each slot has the candidate's own.
        assert (level.slots, level.context) == (level.users, 64)
        assert level.ready_s
        assert level.peak_bytes
        assert level.memory_source == "VmHWM"
        assert level.sent >= level.users
        assert level.requests is not None
        assert set(level.requests.user) == set(range(level.users))
    # What one user meets is measured as in a run without several.
    serve = record.candidate.settings["serve"]
    assert serve[serve.index("-np") + 1] == "1"
    assert record.memory is not None
    assert "users" not in record.memory.phases


def test_a_number_of_users_that_the_server_does_not_survive_ends_the_levels_and_not_the_run(
    bench: Bench, weights: Path, served: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    served("dies:12", text="abc")  # each server dies at its twelfth completion
    monkeypatch.setenv("MOCK_SPARES", "1")  # but for a server of one slot
    record = run(bench, weights)
    assert (record.status, record.error) == ("completed", None)
    assert record.users is not None
    first, second = record.users.levels
    assert first.error == ""
    assert "ended by SIGKILL" in second.error
    (flag,) = [flag for flag in record.flags if flag.name == "users not served"]
    assert flag.detail.startswith("2 at once: llama-server ended by SIGKILL")
