"""One block on the machine where it shall run: `weighin run --job` in a process of its own.

An executor's node calls this; it knows no scheduler.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.fetch.cache import cache_root
from runners.records.identity import digest
from runners.records.store import RECORD, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXECUTOR = "WEIGHIN_EXECUTOR"
"""Environment variable with the records' `command` and their `executor` part, as JSON."""
NODE_STORES = "nodes"
"""The cache's folder with a store for each plan that ran here for another machine."""
MAIN = (
    "from runners.executors.attached import end_with; end_with({}); "
    "from runners.cli import main; main()"
)
"""The command of this very installation, whatever stands on the PATH; it ends with its parent."""
LAST_LINES = 5
ENDS_WITHIN_S = 10.0
"""An interrupted run writes its journal and its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRun:
    """What became of a block on one machine."""

    code: int
    """Exit code of `weighin run`."""
    files: Mapping[str, bytes]
    """`RUN_ID/record.json` and `RUN_ID/samples.parquet`; empty where nothing was run."""
    said: str
    """The last lines on its stderr."""
    seconds: float
    """Wall time of `weighin run`, from its start to its end."""


def executor_text(command: str, executor: Mapping[str, Any]) -> str:
    """Value of `WEIGHIN_EXECUTOR`: what the user typed, and the `executor` part of the records."""
    return json.dumps({"command": command, "executor": dict(executor)})


def node_store(plan_text: str) -> Path:
    """Folder of the store in which this machine keeps a plan's records, for when the driver dies.

    The same comparison planned again has the same folder, so that what is done stays done.
    """
    content = {key: value for key, value in json.loads(plan_text).items() if key != "name"}
    return cache_root() / NODE_STORES / digest([content])[:16]


def run_block(
    plan_text: str,
    index: int,
    arguments: tuple[str, ...],
    executor: Mapping[str, Any],
    command: str,
    say: Callable[[str], object],
) -> BlockRun:
    """Run a block of a plan here, from beginning to end.

    Args:
        plan_text: the whole plan, as JSON.
        index: of the block.
        arguments: more of `weighin run`: what this machine's user allows.
        executor: the `executor` part of its records.
        command: what the user typed, for the records.
        say: told each line of progress.

    Raises:
        OSError: no process can be started, or the disk is full.
    """
    store = node_store(plan_text)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    environment[EXECUTOR] = executor_text(command, executor)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(plan_text, encoding="utf-8")
        started = [sys.executable, "-P", "-c", MAIN.format(os.getpid()), "run", "--job", str(file)]
        started += ["--block", str(index), "--store", str(store), "--json", *arguments]
        begun = time.perf_counter()
        process = subprocess.Popen(
            started, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace", env=environment,
        )  # fmt: skip
        try:
            out, lines = _follow(process, say)
        finally:
            _end(process)
    return BlockRun(
        code=process.returncode,
        files=_files(out, store),
        said="\n".join(lines),
        seconds=time.perf_counter() - begun,
    )


def _follow(process: subprocess.Popen[str], say: Callable[[str], object]) -> tuple[str, list[str]]:
    """Stdout, and the last lines of stderr, each of which is passed on as it comes."""
    lines: deque[str] = deque(maxlen=LAST_LINES)

    def read() -> None:
        for line in process.stderr or ():
            text = line.rstrip("\n").rpartition("\r")[2].strip()
            if text:
                lines.append(text)
                say(text)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    out = process.stdout.read() if process.stdout else ""
    process.wait()
    reader.join()
    return out, list(lines)


def _end(process: subprocess.Popen[str]) -> None:
    """End a run that is still going as Ctrl-C does: its journal is kept."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDS_WITHIN_S)
    process.kill()
    process.wait()


def _files(out: str, store: Path) -> dict[str, bytes]:
    """Files of the runs that stdout names."""
    try:
        runs = [run["run_id"] for run in json.loads(out)]
    except ValueError:
        return {}
    paths = [store / run_id / name for run_id in runs for name in (RECORD, SAMPLES)]
    return {str(p.relative_to(store)): p.read_bytes() for p in paths if p.exists()}
