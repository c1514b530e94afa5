"""Measure what Ray adds to a block, and reckon a thousand candidates on fifty nodes from it.

Blocks of one fake candidate and two questions run on a cluster of this machine alone, so that they
run one after the other: what a block takes beyond its own `weighin run` is the scheduler's.

    python benchmarks/scale.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.suites import Suite
from runners.batches.batch import Batch
from runners.batches.blocks import plan_of, plan_text
from runners.candidates.spec import Candidate
from runners.compute.machine import machine
from runners.executors.on_ray import run_blocks
from runners.records.store import Store

REFERENCE = Path(__file__).resolve().parents[1] / "results" / "reference"
COUNTS = (1, 10, 50, 200)
QUICK_COUNTS = (1, 5)
CANDIDATES, NODES, REPEATS = 1000, 50, 10
OBJECT_STORE = 0.3
"""Share of a node's memory that Ray's object store takes unless it is told otherwise."""
SUITE = Suite.model_validate({
    "name": "scale",
    "tasks": [{"task": "scale"}],
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    "latency_repeats": 1,
    "probe_items": 0,
})  # fmt: skip
TASK = {
    "task": "scale",
    "dataset_path": "json",
    "output_type": "multiple_choice",
    "test_split": "test",
    "doc_to_text": "{{q}}",
    "doc_to_choice": ["a", "b"],
    "doc_to_target": 0,
    "metric_list": [{"metric": "acc"}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number of blocks through one cluster."""

    blocks: int
    start_s: float
    """From the call to the first block's start: the cluster comes up."""
    added_s: float
    """Median over blocks: from one block's end to the next one's end, less its own run."""
    worst_added_s: float
    bytes_per_block: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """A large comparison, reckoned."""

    blocks: int
    block_s: float
    """Run of one block: a node's share of the candidates would take `hours`."""
    hours: float
    scheduling_share: float
    """The scheduler's part of it."""
    driver_bytes: float
    """Through the driver in all."""
    plan_bytes: float
    """Size of the plan, which each block's task is handed."""
    driver_bytes_per_s: float


def measure(blocks: int, folder: Path) -> Measured:
    """Run that many blocks of one fake candidate, each its own."""
    candidates = tuple(
        Candidate.model_validate(
            {"name": f"c{i:04}", "runtime": "fake", "settings": {"threads": 1}}
        )
        for i in range(blocks)
    )
    batch = Batch(candidates=candidates, suite=SUITE, include=folder)
    plan = plan_of(batch, "families", blocks) if blocks > 1 else plan_of(batch, "none", 1)
    ends: list[float] = []
    own: list[float] = []
    size = 0
    started: list[float] = []
    begun = time.perf_counter()

    def say(line: str) -> None:
        if line.endswith("starts"):
            started.append(time.perf_counter())

    order = [block.index for block in plan.blocks]
    for ended in run_blocks(plan_text(plan), order, "local", ("--trust-tasks",), "scale", say):
        if ended.ran is None or not ended.ran.files:
            raise SystemExit(f"block {ended.block}: {ended.why or ended.ran}")
        ends.append(time.perf_counter())
        own.append(ended.ran.seconds)
        size += sum(map(len, ended.ran.files.values()))
    turns = [b - a for a, b in zip([started[0], *ends], ends, strict=False)]
    added = [turn - run for turn, run in zip(turns, own, strict=True)]
    return Measured(
        blocks=blocks,
        start_s=started[0] - begun,
        added_s=statistics.median(added),
        worst_added_s=max(added),
        bytes_per_block=size / blocks,
    )


def reckon(added_s: float, families: int = CANDIDATES // 6) -> Reckoned:
    """A thousand candidates on fifty nodes, from the reference runs' times and sizes.

    A block is a family of six, whole: first runs answer the tasks, the repeats are timed alone.
    """
    first, repeat, size = _reference()
    block_s = 6 * (first + (REPEATS - 1) * repeat)
    rounds = math.ceil(families / NODES)
    total_s = rounds * (block_s + added_s)
    plan = plan_of(
        Batch(
            candidates=tuple(
                Candidate.model_validate({"name": f"c{i:04}", "runtime": "fake"})
                for i in range(CANDIDATES)
            ),
            suite=SUITE,
        ),
        "none",
        1,
    )
    driver = 6 * families * size
    return Reckoned(
        blocks=families,
        block_s=block_s,
        hours=total_s / 3600,
        scheduling_share=rounds * added_s / total_s,
        driver_bytes=driver,
        plan_bytes=len(plan_text(plan)),
        driver_bytes_per_s=driver / total_s,
    )


def _reference() -> tuple[float, float, float]:
    """Seconds of a first run and of a repeat, and bytes of a candidate's runs: means."""
    first, repeat, sizes = [], [], []
    store = Store(REFERENCE)
    for run_id in store.run_ids():
        record = store.read(run_id, raw=False)
        (first if record.accuracy else repeat).append(record.job.seconds or 0.0)
        sizes.append(sum(f.stat().st_size for f in (REFERENCE / run_id).iterdir()))
    return statistics.mean(first), statistics.mean(repeat), sum(sizes) / len(first)


def main() -> None:
    """Measure, reckon, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 and 5 blocks")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["WEIGHIN_CACHE"] = str(folder / "cache")
        (folder / "q.jsonl").write_text('{"q": "1"}\n{"q": "2"}\n', encoding="utf-8")
        task = {**TASK, "dataset_kwargs": {"data_files": {"test": str(folder / "q.jsonl")}}}
        (folder / "scale.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
        found = [measure(n, folder) for n in (QUICK_COUNTS if chosen.quick else COUNTS)]
    reckoned = reckon(found[-1].added_s)
    if chosen.json:
        report: dict[str, Any] = {
            "machine": machine().cpu_model,
            "measured": [asdict(one) for one in found],
            "reckoned": asdict(reckoned),
        }
        print(json.dumps(report, indent=1))
        return
    print(f"{machine().cpu_model}, a cluster of this machine alone")
    print("blocks  start s  added s a block  worst  bytes a block")
    for one in found:
        print(
            f"{one.blocks:6}  {one.start_s:7.1f}  {one.added_s:15.2f}  {one.worst_added_s:5.2f}"
            f"  {one.bytes_per_block:13,.0f}"
        )
    print(
        f"reckoned: {CANDIDATES} candidates in {reckoned.blocks} blocks of six on {NODES} nodes: "
        f"{reckoned.block_s / 60:.0f} min a block, {reckoned.hours:.1f} h in all, of which the "
        f"scheduler {reckoned.scheduling_share:.2%}; {reckoned.driver_bytes / 1e6:.0f} MB through "
        f"the driver ({reckoned.driver_bytes_per_s / 1e3:.1f} kB/s); plan "
        f"{reckoned.plan_bytes / 1e3:.0f} kB"
    )


if __name__ == "__main__":
    main()
