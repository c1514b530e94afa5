"""Real process runs of one unchanged candidate, as JSON lines: what must not raise an alarm.

Each run is a worker of its own through the same code as `weighin run`: load, one tiny latency
workload, peak memory. A collection that was stopped goes on where it stopped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evals.suites import Suite, SuiteTask, Workload
from leaderboard.compare.run_metrics import compare_axes
from runners.batches.batch import Batch, plan_jobs, resolver, run_batch
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.jobs.job import Options
from runners.records.record import Record
from runners.records.store import Store

CANDIDATE = "smollm2-135m-instruct-q4_0"
SUITE = Suite(
    name="gate-runs",
    tasks=(SuiteTask(task="none"),),  # a suite names one; no task is loaded
    workloads=(Workload(prompt_tokens=32, new_tokens=16),),
    latency_repeats=3,
)
METRICS = ("ttft_s", "decode_tokens_per_s", "cold_start_s", "peak_bytes")
"""In the order of every array here; a rate is kept as its inverse, so that more is worse."""
NEIGHBOUR = """
import random, time
now, lasting = time.perf_counter, lambda mean: random.expovariate(1 / mean)
while True:
    busy = now() + lasting(5)
    while now() < busy:
        burst = now() + lasting(0.02)
        while now() < burst:
            pass
        time.sleep(lasting(0.02))
    time.sleep(lasting(5))
"""
"""Spells of 5 s in the mean, in which a core is busy half of the time, with as much rest between.

One that never rests would show nothing: beside it, as many OpenMP threads as there are cores wait
for each other at every barrier, and a token takes a hundred times as long.
"""


def read(path: Path) -> list[dict[str, object]]:
    """The runs that were collected, in the order in which they ran."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def collect(path: Path, runs: int, *, loaded: bool) -> None:
    """Run the candidate until the file holds so many runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    have = len(read(path))
    if have >= runs:
        return
    with _neighbour(loaded), path.open("a", encoding="utf-8") as file:
        for record in measured([find_candidate(CANDIDATE)], runs - have):
            file.write(json.dumps({"at": time.time(), **values(record)}) + "\n")
            file.flush()
            print(f"\r{path.name}: {(have := have + 1)}/{runs}", end="", file=sys.stderr)
    print(file=sys.stderr)


def measured(candidates: list[Candidate], repeats: int) -> Iterator[Record]:
    """Completed runs of candidates, interleaved as the gate interleaves them.

    Raises:
        SystemExit: a run failed.
    """
    batch = Batch(candidates=tuple(candidates), suite=SUITE, repeats=repeats,
                  order=str(time.time_ns()), offline=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        options = Options(store=Store(Path(folder)), command="benchmarks/gate.py", timeout_s=120)
        options.store.create()
        for outcome in run_batch(plan_jobs(batch, [], resolver(batch)), options, _silent):
            record = outcome.record
            if record.status != "completed":
                sys.exit(f"a run failed: {record.error.message if record.error else 'why?'}")
            yield record


def values(record: Record) -> dict[str, object]:
    """A run's metrics as the gate reads them, and its raw requests, all "more is worse"."""
    found = {axis.axis: axis.reference for axis in compare_axes([record], [record])}
    workload = record.latency[SUITE.workloads[0].name]
    gaps = [(r.token_s[-1] - r.token_s[0]) / (len(r.token_s) - 1) for r in workload.repeats]
    worse = [1 / v if m == "decode_tokens_per_s" else v for m in METRICS if (v := found[m])]
    raw = {"ttft_s": [r.token_s[0] for r in workload.repeats], "decode_tokens_per_s": gaps}
    return {"values": worse, "raw": raw}


@contextmanager
def _neighbour(loaded: bool) -> Iterator[None]:
    """Another process that comes and goes, as long as the runs last."""
    process = subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) if loaded else None
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def _silent(_job: object, _step: object) -> None:
    return
