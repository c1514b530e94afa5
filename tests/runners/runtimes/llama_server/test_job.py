"""A job on a llama-server that Weighin starts: what is measured, and how each fault is named."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runners.candidates.spec import Candidate
from runners.compute.budget_use import ad_hoc
from runners.endpoint.sweeper import MARK
from runners.records.record import Record
from tests.support.groups import needs_groups
from tests.support.mock_llama_server import UNLOADED_S

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

MIB = 2**20


def run(bench: Bench, weights: Path, *tasks: str, **given: Any) -> Record:
    about = {"name": "mock", "runtime": "llama-server", "weights": str(weights)}
    settings = {"threads": 1, **given.pop("settings", {})}
    candidate = Candidate.model_validate({**about, "settings": settings})
    (outcome,) = bench.outcomes(candidate, tasks=tasks or ("tiny_choice",), **given)
    return outcome.record


def marked() -> list[int]:
    """Processes of servers that this test's workers started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            told = (path / "environ").read_bytes()
        except OSError:
            continue
        if f"{MARK}=".encode() in told and f"{os.environ['MOCK_RUN']}".encode() in told:
            found.append(int(path.name))
    return found


@pytest.fixture(autouse=True)
def _leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """No process of a server outlives its job, however that ended."""
    monkeypatch.setenv("MOCK_RUN", str(tmp_path))
    yield
    until = time.monotonic() + 10
    while (left := marked()) and time.monotonic() < until:
        time.sleep(0.01)
    assert not left


def test_the_server_is_what_is_measured(bench: Bench, weights: Path, served: Callable[..., None]):
    served(first_token_s=0.02, per_token_s=0.002, text="", echo="ignored")
    record = run(bench, weights, "tiny_choice", "tiny_answer")
    assert record.error is None
    assert record.software.runtime == "llama-server"
    assert record.software.runtime_version == "7 (mock)"
    assert record.software.runtime_digest
    assert record.engine is not None
    assert record.engine.path == "token grammar"
    assert record.memory is not None
    # Our child is no part of it: there is nothing to measure before the server is started.
    assert list(record.memory.phases) == ["load", "latency", "scoring", "generation"]
    assert record.memory.source == "VmHWM"
    assert record.load is not None
    assert record.load.ready_s == 0.0
    assert record.load.cold_start_s == pytest.approx(
        record.load.load_s + (record.load.first_token_s or 0.0)
    )
    (workload,) = record.latency.values()
    assert workload.evaluated_tokens == 8
    assert workload.ttft_s.minimum >= 0.02
    # No path of this machine: the weights' place and the port stand for themselves.
    command = record.candidate.settings["serve"]
    assert command[:3] == ["llama-server", "-m", "{weights}"]
    assert command[command.index("--port") + 1] == "{port}"
    assert str(weights) not in str(record.candidate.settings)
    assert {"-np", "--no-cache-prompt", "-cram"} <= set(command)


@needs_groups
def test_a_budget_holds_the_server_and_not_the_child_that_asks_it(
    bench: Bench, weights: Path, served: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MOCK_HOLDS", str(40 * MIB))
    served()
    fits, killed = (
        run(bench, weights, budget=ad_hoc(memory_bytes=size * MIB)) for size in (128, 32)
    )
    assert fits.verdict is not None
    assert fits.verdict.verdict == "fits"
    assert fits.memory is not None
    latency = fits.memory.phases["latency"]
    # A Python of 15 MiB or more and what it holds; the worker would be 20 MiB besides.
    assert latency.group_peak_bytes is not None
    assert 40 * MIB < latency.group_peak_bytes < latency.peak_bytes + 12 * MIB
    assert killed.verdict is not None
    assert killed.verdict.verdict == "out of memory"
    assert killed.error is not None
    assert killed.error.phase == "load"


def test_a_server_that_is_ready_before_its_model_is_loaded(
    bench: Bench, weights: Path, served: Callable[..., None]
):
    served("unloaded")
    record = run(bench, weights)
    assert record.error is None
    assert record.load is not None
    assert record.load.load_s > UNLOADED_S  # the wait for its first token is part of loading


@pytest.mark.parametrize(
    ("fault", "phase", "says"),
    [
        ("refuses", "load", "llama-server ended with exit code 1; it said: error: failed to load"),
        ("daemonises", "load", "llama-server went into the background (it daemonises): process"),
        # Seven completions when it is loaded (both APIs twice, three signatures) and a warm-up.
        ("dies:9", "latency", "llama-server ended by SIGKILL; it said: listening"),
        ("dies:30", "scoring", "llama-server ended by SIGKILL; it said: listening"),
    ],
)
def test_a_server_that_fails_is_named_and_nothing_is_lost(
    fault: str, phase: str, says: str, bench: Bench, weights: Path, served: Callable[..., None]
):
    served(fault)
    record = run(bench, weights)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.phase == phase
    assert record.error.message.startswith(says)
    assert bool(record.latency) == (phase == "scoring")
    if phase == "load":
        assert record.memory is None  # our own child's memory is nobody's figure


@pytest.mark.parametrize("fault", ["deaf", "hangs:30"])
def test_a_server_that_hangs_is_ended(
    fault: str, bench: Bench, weights: Path, served: Callable[..., None]
):
    served(fault)
    record = run(bench, weights, timeout_s=1.5)
    assert record.error is not None
    assert "said nothing for 1.5 s" in record.error.message


def test_a_server_that_is_not_there(bench: Bench, weights: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIGHIN_LLAMA_SERVER", "/no/such/server")
    record = run(bench, weights)
    assert record.error is not None
    assert record.error.message == (
        "WEIGHIN_LLAMA_SERVER is /no/such/server, which is no program that can be run"
    )


def test_an_interrupted_job_goes_on_with_another_server(
    bench: Bench, weights: Path, served: Callable[..., None]
):
    """The first task's window is kept, and the second server is asked the second one's alone."""
    served("dies:80")
    first = run(bench, weights, "tiny_choice", "tiny_cloze")
    served()
    second = run(bench, weights, "tiny_choice", "tiny_cloze")
    assert first.error is not None
    assert first.error.phase == "scoring"
    assert second.error is None
    assert second.job.resumed == 1
