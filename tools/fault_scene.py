"""Set up what tools/fail_every_call.py damages (a store, a baseline, reports), and fork to do it
in.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runners import cli
from runners.records.store import Store

TASK = {
    "task": "one", "dataset_path": "json", "test_split": "test", "output_type": "multiple_choice",
    "doc_to_text": "q", "doc_to_choice": "options", "doc_to_target": "gold",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}  # fmt: skip
SUITE = {
    "name": "tiny",
    "tasks": [{"task": "one"}],
    "latency_repeats": 1,
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
}
POLICY = {"metrics": {name: {"severity": "ignore"} for name in (
    "peak_bytes", "ttft_s", "decode_tokens_per_s", "cold_start_s", "weights_bytes")}}  # fmt: skip
HERE = ("--store", "st")
RUN = ("--suite", "suite.yaml", "--include", "../tasks", *HERE)


def in_fork(job: Callable[[], object]) -> tuple[int, str]:
    """The exit code of a fork that does a job, and what it returned, as text.

    Whatever reads or writes tables does so in a fork: the threads that it starts would not live in
    the next one.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        code = 70
        try:
            os.write(writer, str(job()).encode())
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 70
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def weighin(*args: str) -> None:
    """A command in this process, silent."""
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    sys.argv = ["weighin", *args]
    cli.main()


def make(folder: Path) -> None:
    """Tasks, candidates, a store with three runs, a baseline, and files that will be replaced."""
    (folder / "tasks").mkdir()
    rows = [{"q": f"{n}?", "options": ["a", "b", "c"], "gold": 1} for n in range(60)]
    data = folder / "tasks" / "one.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    local = {"data_files": {"test": str(data)}, "cache_dir": str(folder / "datasets")}
    write(folder / "tasks" / "one.yaml", {**TASK, "dataset_kwargs": local})
    (folder / "template").mkdir()
    os.chdir(folder / "template")
    write(Path("suite.yaml"), SUITE)
    write(Path("policy.yaml"), POLICY)
    fakes: dict[str, dict[str, Any]] = {"good": {"pick": 1}, "bad": {"pick": 0}, "new": {"pick": 1}}
    for name, told in fakes.items():
        write(
            Path(f"{name}.yaml"),
            {"name": name, "runtime": "fake", "settings": {"threads": 1, "fake": told}},
        )
    theirs = Path("theirs")
    theirs.mkdir()
    write(theirs / "results_x.json", {
        "results": {"one": {"acc,none": 0.5}}, "configs": {"one": {"output_type": "x"}},
        "date": 1.7e9, "n-samples": {"one": {"effective": 60}}, "config": {"model": "other"},
    })  # fmt: skip
    for name in ("out.csv", "out.parquet", "junit.xml", "report.md"):
        Path(name).write_text("the old one\n")
    write_gguf(Path("model.gguf"))
    write(Path("model.yaml"), {"name": "model", "weights": "model.gguf"})
    for args in (
        ("run", "good.yaml", "bad.yaml", *RUN),
        ("baseline", "set", "b", "good", "--reason", "first", "--force", *HERE),
    ):
        code, _ = in_fork(lambda args=args: weighin(*args))  # type: ignore[misc]
        if code != 0:
            raise SystemExit(f"{' '.join(args)} ended with {code}")
    in_fork(leave_over)


def leave_over() -> None:
    """A failed record that a completed one replaces: `gc` removes it."""
    store = Store(Path("st"))
    good = store.find("good")
    early = f"20200101T000000{good.run_id[15:]}"
    job = good.job.model_copy(update={"batch": "early"})
    store.add(good.model_copy(update={"run_id": early, "status": "failed", "job": job}), None)


def write_gguf(path: Path) -> None:
    """The smallest file that is a model's."""
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    writer.add_tensor("token_embd.weight", np.zeros((2, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(path: Path, content: dict[str, Any]) -> None:
    """JSON, which is YAML, too."""
    path.write_text(json.dumps(content))
