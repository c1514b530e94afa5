"""The main job on the embedded model: real weights, real tasks, a real worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evals.suites import find_suite
from leaderboard.compare.divergence import divergence
from runners.records.record import Record
from runners.records.store import Store

pytestmark = [pytest.mark.model, pytest.mark.data]

CANDIDATES = ["smollm2-135m-instruct-q4_1", "smollm2-135m-instruct-q8_0"]
LIMIT = 2


def weighin(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", "from runners.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default suite's tasks, its requests shorter and fewer: generating is most of the time."""
    content = find_suite("quick").model_dump(mode="json", exclude_none=True)
    content |= {
        "name": "short",
        "latency_repeats": 2,
        "workloads": [
            {"prompt_tokens": 32, "new_tokens": 16},
            {"prompt_tokens": 256, "new_tokens": 16},
        ],
    }
    path = tmp_path_factory.mktemp("suite") / "short.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def run(suite: Path, root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    asked = ("--suite", str(suite), "--limit", str(LIMIT), "--store", str(root))
    return weighin("run", *CANDIDATES, *asked, *more)


@pytest.fixture(scope="module")
def store(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two quantisations on two items of each task."""
    root = tmp_path_factory.mktemp("store")
    done = run(suite, root, "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2
    return Store(root)


@pytest.fixture(scope="module", params=CANDIDATES)
def record(request: pytest.FixtureRequest, store: Store) -> Record:
    return store.find(request.param)


def test_every_task_is_scored_over_the_items_that_were_asked_for(record: Record) -> None:
    assert record.status == "completed"
    assert len(record.accuracy) == 8
    assert {task.n for task in record.accuracy.values()} == {LIMIT}
    assert all(0 <= (task.value or 0) <= 1 for task in record.accuracy.values())


def test_phases_have_peaks_in_a_plausible_order(record: Record) -> None:
    assert record.memory is not None
    phases = record.memory.phases
    # The quantisation of more bits is what the other's logits are held against.
    last = ["divergence"] if record.candidate.name == CANDIDATES[0] else []
    assert list(phases) == ["baseline", "load", "latency", "scoring", *last]
    # Mapped weights are touched while loading; the latency phase adds a context to them.
    assert phases["baseline"].peak_bytes < phases["load"].peak_bytes < phases["latency"].peak_bytes
    assert (phases["latency"].file_bytes or 0) >= 0.9 * (record.candidate.weights_bytes or 0)
    assert record.memory.source.startswith("VmHWM") or sys.platform != "linux"


def test_one_quantisation_diverges_a_little_from_the_other(store: Store) -> None:
    by_name = {one.candidate.name: one for one in store.records() if isinstance(one, Record)}
    q4_1, q8_0 = (by_name[name] for name in CANDIDATES)
    found = divergence(q4_1)
    assert (found.reference, found.reference_digest) == (CANDIDATES[1], q8_0.candidate.digest)
    assert 0 < found.kl_nats < 0.05
    assert found.same_top > 0.9
    assert q8_0.divergence is None


def test_the_worker_is_small_before_it_loads(record: Record) -> None:
    assert record.memory is not None
    # lm-eval, datasets and pandas alone take more than 200 MiB: they are not in the worker.
    assert record.memory.phases["baseline"].peak_bytes < 100 * 2**20


def test_latency_holds_the_raw_times(record: Record) -> None:
    assert list(record.latency) == ["32+16", "256+16"]
    for workload in record.latency.values():
        assert len(workload.warmups) == 1
        assert len(workload.repeats) == 2
        assert all(len(one.token_s) == 16 for one in workload.repeats)
        assert workload.ttft_s.minimum >= min(one.prefill_s for one in workload.repeats)
    assert record.load is not None
    assert (record.load.cold_start_s or 0) > record.load.load_s


def test_quantisation_is_read_from_the_file(record: Record) -> None:
    quantisation = record.candidate.quantisation
    assert quantisation is not None
    assert sum(quantisation.share.values()) == pytest.approx(1, abs=0.01)
    assert record.candidate.weights_verified


def test_shared_tokens_are_evaluated_once(record: Record) -> None:
    assert record.engine is not None
    assert record.engine.distinct_tokens < 0.7 * record.engine.raw_tokens


def test_samples_have_a_row_an_item(record: Record, store: Store) -> None:
    rows = store.samples(record.run_id).to_pylist()
    assert len(rows) == 8 * LIMIT
    assert all(len(row["logprobs"]) == len(row["greedy"]) >= 1 for row in rows)


def test_the_two_were_asked_the_same_items(store: Store) -> None:
    first, second = (store.samples(store.find(name).run_id) for name in CANDIDATES)
    assert first.select(["task", "doc_id", "item"]) == second.select(["task", "doc_id", "item"])


def test_what_is_finished_is_not_run_again(suite: Path, store: Store) -> None:
    before = store.run_ids()
    again = run(suite, store.root)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("already measured") == 2
    assert store.run_ids() == before


def test_the_table_shows_every_candidate(store: Store) -> None:
    shown = weighin("show", CANDIDATES[0], "--store", str(store.root))
    assert shown.returncode == 0
    for word in (CANDIDATES[0], "latency", "baseline", "winogrande", "bits per weight"):
        assert word in shown.stdout


def test_a_file_that_is_no_model_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "fake.gguf").write_bytes(b"not a model at all")
    done = weighin("run", str(tmp_path / "fake.gguf"), "--store", str(tmp_path / "store"))
    assert done.returncode == 3
    assert "fake.gguf" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
