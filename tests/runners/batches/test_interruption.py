"""Ctrl-C and kills in the middle of `weighin run`, and what the same command makes of them.

A window is a task here, so many tiny tasks give many places to be killed at.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from runners.records.store import Store

pytestmark = [pytest.mark.skipif(os.name == "nt", reason="POSIX signals"), pytest.mark.slow]

WEIGHIN = Path(sysconfig.get_path("scripts")) / "weighin"
PARTS = 8
ITEMS = 4
# Slow enough to be met in the middle of a task, quick enough for eight of them.
TOLD = {"wrong_rate": 0.5, "delay_per_item_s": 0.04, "delay_first_token_s": 0.01}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, task_writer: Any) -> Path:
    """A working directory with a candidate, a suite of nine tasks, and their files."""
    here = tmp_path_factory.mktemp("interrupted")
    tasks = here / "tasks"
    tasks.mkdir()
    mean = {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
    choice = {
        "output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "options",
        "doc_to_target": "gold", "metric_list": [mean],
    }  # fmt: skip
    answer = {
        "output_type": "generate_until",
        "doc_to_text": "q",
        "doc_to_target": "answer",
        "generation_kwargs": {"until": ["\n"]},
        "metric_list": [{**mean, "metric": "exact_match"}],
    }
    names = [f"part_{number}" for number in range(PARTS)]
    for name in names:
        task_writer(tasks, name, choice, ITEMS)
    task_writer(tasks, "answer", answer, ITEMS)
    suite = {
        "name": "parts",
        "tasks": [{"task": name} for name in [*names, "answer"]],
        "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
        "latency_repeats": 2,
    }
    (here / "suite.yaml").write_text(yaml.safe_dump(suite))
    candidate = {"name": "slow", "runtime": "fake", "settings": {"fake": TOLD}}
    (here / "slow.yaml").write_text(yaml.safe_dump(candidate))
    return here


def start(folder: Path, store: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            str(WEIGHIN), "run", "slow.yaml", "--suite", "suite.yaml", "--include", "tasks",
            "--store", str(store), "--json",
        ],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(folder: Path, store: Path) -> tuple[dict[str, Any], str]:
    """Run to the end: the record, and what was said on the way."""
    with start(folder, store) as running:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    (record,) = json.loads(out)
    assert record["status"] == "completed"
    return record, err


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> list[dict[str, Any]]:
    """The samples of a run that nobody interrupted."""
    record, _ = finish(folder, folder / "undisturbed")
    return rows(folder / "undisturbed", record["run_id"])


def rows(store: Path, run_id: str) -> list[dict[str, Any]]:
    """Samples without their times: floats as they are stored, to the bit."""
    table = Store(store).samples(run_id)
    return table.drop_columns(["prefill_s", "token_s"]).to_pylist()


def until(running: subprocess.Popen[str], text: str) -> list[int]:
    """Read the progress up to a line that holds `text`; the processes that were started by then."""
    assert running.stderr
    for line in running.stderr:
        if text in line:
            return [child.pid for child in psutil.Process(running.pid).children(recursive=True)]
    raise AssertionError(f"no {text!r} was said")


def all_gone(pids: list[int]) -> bool:
    """Whether the processes end within some seconds; a zombie has ended."""
    for _ in range(100):
        left = [pid for pid in pids if psutil.pid_exists(pid) and not is_zombie(pid)]
        if not left:
            return True
        time.sleep(0.05)
    return False


def is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_is_kept_and_goes_on(
    folder: Path, tmp_path: Path, undisturbed: list[dict[str, Any]], name: str
):
    with start(folder, tmp_path) as running:
        workers = until(running, "scoring part_3")
        time.sleep(0.06)  # into the task's 0.16 s
        running.send_signal(signal.Signals[name])
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert len(workers) == 1
    assert all_gone(workers)
    assert "Traceback" not in err
    (first,) = json.loads(out)
    assert first["status"] == "interrupted"
    assert first["error"]["phase"] == "scoring"
    # Whole windows in order: three, or more where this test was slow to send its signal.
    finished = {name: one["n"] for name, one in first["accuracy"].items() if one["n"]}
    done = len(finished)
    assert 3 <= done < PARTS
    assert finished == {f"part_{number}": ITEMS for number in range(done)}
    kept = rows(tmp_path, first["run_id"])
    columns = ("task", "item", "logprobs", "greedy", "metric.acc")
    assert [[r[c] for c in columns] for r in kept] == [
        [r[c] for c in columns] for r in undisturbed[: done * ITEMS]
    ]

    second, err = finish(folder, tmp_path)
    assert f"scoring part_{done - 1}" not in err  # what was answered is not asked again
    assert f"scoring part_{done}" in err
    assert "latency" not in err
    assert second["job"]["resumed"] == 1
    assert second["latency"] == first["latency"]
    assert rows(tmp_path, second["run_id"]) == undisturbed
    assert list((tmp_path / ".journal").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends with its answer")
def test_a_run_that_is_killed_again_and_again_gives_the_same_bits(
    folder: Path, tmp_path: Path, undisturbed: list[dict[str, Any]]
):
    draw = random.Random(20)
    for part in (1, 4, 6):
        with start(folder, tmp_path) as running:
            workers = until(running, f"scoring part_{part}")
            time.sleep(draw.uniform(0, 0.15))
            running.kill()
        assert len(workers) == 1
        assert all_gone(workers)
        assert Store(tmp_path).run_ids() == []  # no record, and no half of one
    record, err = finish(folder, tmp_path)
    assert "latency" not in err
    assert record["job"]["resumed"] == 3
    assert rows(tmp_path, record["run_id"]) == undisturbed
    assert {path.name for path in tmp_path.iterdir()} == {".journal", record["run_id"]}
    assert list((tmp_path / ".journal").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends with its answer")
def test_a_run_that_is_killed_while_it_is_timed_is_timed_again(folder: Path, tmp_path: Path):
    with start(folder, tmp_path) as running:
        workers = until(running, "slow  latency")
        running.kill()
    assert all_gone(workers)
    record, err = finish(folder, tmp_path)
    assert "slow  latency" in err
    assert len(record["latency"]["8+4"]["repeats"]) == 2
