"""The whole way with a tiny folder: the command line, a worker, a record."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runners.jobs.worker_process import WorkerProcess
from runners.records.store import Store
from runners.worker import protocol

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")

HARNESS = {"lm_eval", "datasets", "pandas", "streamlit", "pydantic", "pyarrow", "click", "rich"}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task of six items and a suite with it, both in one folder."""
    folder = tmp_path_factory.mktemp("suite")
    rows = [
        {"question": f"the clerk put {n} apples on", "choices": [" scale", " the moon", " A"]}
        for n in range(6)
    ]
    (folder / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (folder / "tiny.yaml").write_text(
        "task: tiny\ndataset_path: json\ntest_split: test\noutput_type: multiple_choice\n"
        f"dataset_kwargs: {{data_files: {{test: {folder / 'items.jsonl'}}},"
        f" cache_dir: {folder / 'cache'}}}\n"
        'doc_to_text: "{{question}}"\ndoc_to_choice: choices\ndoc_to_target: 0\n'
        "metric_list: [{metric: acc}]\n"
    )
    (folder / "suite.yml").write_text(
        "name: tiny\ntasks: [{task: tiny}]\nlatency_repeats: 2\n"
        "workloads: [{prompt_tokens: 16, new_tokens: 4}, {prompt_tokens: fill, new_tokens: 4}]\n"
    )
    return folder


def test_a_folder_is_measured_from_end_to_end(
    suite: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from runners.cli import main; main()", "run",
         str(tiny("gemma3")), "--suite", str(suite / "suite.yml"), "--include", str(suite),
         "--store", str(tmp_path), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = Store(tmp_path).find(json.loads(done.stdout)[0]["run_id"])
    assert record.status == "completed"
    assert (record.candidate.runtime, record.candidate.architecture) == ("hf", "gemma3_text")
    filled = record.latency["fill+4"]
    assert filled.prompt_tokens == record.candidate.settings["context"] - 4
    assert (len(filled.warmups), len(filled.repeats)) == (0, 1)
    settings, quantisation = record.candidate.settings, record.candidate.quantisation
    assert "mmap" not in settings
    said = {
        "float32": "F32",
        "bfloat16": "F32 weights, bf16 compute",
        "float16": "F32 weights, f16 compute",
    }
    assert quantisation is not None
    assert (quantisation.name, quantisation.bits_per_weight) == (said[settings["dtype"]], 32)
    assert record.accuracy["tiny"].n == 6
    assert record.engine is not None
    assert record.engine.path == "prefix tree, shared cells and one mask"
    assert record.engine.distinct_tokens < record.engine.raw_tokens
    assert len(record.latency["16+4"].repeats) == 2
    assert record.memory is not None
    assert list(record.memory.phases) == ["baseline", "load", "latency", "scoring"]
    assert record.software.runtime_build.startswith("torch ")


def test_a_worker_answers_to_the_bit_and_imports_nothing_of_the_harness(
    tiny: Callable[[str], Path], loaded: Callable[..., Any]
) -> None:
    settings = {
        "context": 32, "threads": 1, "dtype": "float32", "device": "cpu",
        "trust_remote_code": False,
    }  # fmt: skip
    here = loaded("llama", context=32)
    asked = protocol.OpenEngine(memory_bytes=2**20)
    here.open_engine(asked)
    item = protocol.ScoreItem(contexts=["the clerk"], continuations=[(0, " put"), (0, " wrote")])
    with WorkerProcess("hf", threads=1, timeout_s=120) as worker:
        worker.ask(protocol.Load(path=str(tiny("llama")), settings=settings), protocol.Loaded)
        worker.ask(asked, protocol.EngineOpened)
        scored = worker.ask(protocol.Score(items=[item]), protocol.Scored)
        modules = set(worker.close().modules)
    assert scored.items == here.score([item], lambda _: None).items
    assert not modules & HARNESS
