"""Run the same weights on each runtime: accuracy, latency and peak memory side by side.

Every runtime gets one GGUF file; those that load folders get it converted, as `weighin run` does it
(`hf` to 16 bits; `openvino` and `mlx` keep the blocks of the file). Each run is a process of its
own through the same code as `weighin run`; the runtimes take turns, in a random order each round.
The unit of an interval is the process run; ratios are over the runtime named first, round by round.
The items are scored once, in a round before, all the same ones. Leave the machine alone:

    python benchmarks/which_runtime.py [--candidate NAME] [--runtimes A,B] [--rounds 8] [--quick]
        [--docs] [--json] [--anyway]

MLX's build for Linux computes on one thread: 16-bit products at a hundredth of the others' speed,
packed ones fifty times slower still. It is left out where it has no GPU, unless `--runtimes` names
it (with `--candidate smollm2-135m-instruct-f16 --workload 64+16 --items 20 --rounds 3`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.which_runtime_page import section, update
from evals.suites import Suite, SuiteTask, Workload
from leaderboard.rows.metrics import METRICS
from leaderboard.stats.run_ratios import paired_ratio
from runners.batches.batch import Batch, plan_jobs, prepare_tasks, resolver, run_batch
from runners.candidates.catalogue import find_candidate
from runners.candidates.on_runtime import on_runtime
from runners.compute.machine import Machine, machine
from runners.jobs.job import Options
from runners.records.samples import METRIC
from runners.records.store import Store
from runners.runtimes.build import runtime_build
from runners.runtimes.table import find_runtime

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate
    from runners.records.record import Record

ORDER = ("llamacpp", "llama-server", "openvino", "hf")
SLOW = "mlx"
"""Left out where it would compute on a CPU."""
TASK = "arc_easy"
MEASURES = ("ttft_s", "decode_tokens_per_s", "cold_start_s", "peak_bytes")
METRIC_BY_NAME = {one.name: one for one in METRICS.values()}
OTHERS_CPUS = 0.25
"""Cores that others may keep busy; above it a round is left out and run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One runtime's runs."""

    runtime: str
    version: str
    computes: str
    """Number type that it chose when it loaded; empty: it has no such choice."""
    values: dict[str, list[float]]
    """By measure, one number a round."""
    correct: list[float]
    """By item, 1 where the likeliest choice was right."""


def main() -> int:
    """Run the rounds, and print or keep the table."""
    asked = _asked()
    candidate = find_candidate(asked.candidate)
    sides = {name: on_runtime(candidate, name) for name in asked.runtimes}
    suite = _suite(asked)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.create()
        options = Options(store=store, command="benchmarks/which_runtime.py", timeout_s=400)
        batch = Batch(
            candidates=tuple(sides.values()),
            suite=suite,
            repeats=2 + 2 * asked.rounds,
            name="which-runtime",
            offline=True,
        )
        answered = _round(batch, 0, options)
        rounds, disturbed = _rounds(batch, options, asked)
        found = [
            _side(name, [one[about.name] for one in rounds], store, answered[about.name])
            for name, about in sides.items()
        ]
    report = _report(candidate, asked, found, disturbed)
    if asked.json:
        json.dump(report, sys.stdout)
    else:
        print(section(report))
    if asked.docs:
        update(report)
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidate", default="smollm2-135m-instruct-q8_0")
    parser.add_argument("--runtimes", default="", help="default: those that are installed")
    parser.add_argument("--workload", default="", help="PROMPT+NEW tokens (default 256+32)")
    parser.add_argument("--items", type=int, default=0, help="of ARC-Easy (default 100)")
    parser.add_argument("--rounds", type=int, default=0, help="default 8")
    parser.add_argument("--quick", action="store_true", help="2 rounds, 64+16, 8 items")
    parser.add_argument("--docs", action="store_true", help="keep the table in figures/")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--anyway", action="store_true", help="keep disturbed rounds, and say so")
    asked = parser.parse_args()
    asked.workload = asked.workload or ("64+16" if asked.quick else "256+32")
    asked.items = asked.items or (8 if asked.quick else 100)
    asked.rounds = asked.rounds or (2 if asked.quick else 8)
    asked.runtimes = [name for name in asked.runtimes.split(",") if name] or _installed()
    return asked


def _installed() -> list[str]:
    found = [name for name in (*ORDER, SLOW) if _is_here(name)]
    if SLOW in found:
        import mlx.core

        if not mlx.core.metal.is_available():
            found.remove(SLOW)
    return found


def _is_here(name: str) -> bool:
    return bool(runtime_build(name, find_runtime(name).settings()))


def _suite(asked: argparse.Namespace) -> Suite:
    prompt, new = map(int, asked.workload.split("+"))
    return Suite(
        name="which-runtime",
        tasks=(SuiteTask(task=TASK, limit=asked.items),),
        workloads=(Workload(prompt_tokens=prompt, new_tokens=new),),
        latency_repeats=3,
    )


def _rounds(
    batch: Batch, options: Options, asked: argparse.Namespace
) -> tuple[list[dict[str, Record]], int]:
    """Runs by candidate, round by round; and how many rounds were disturbed and left out."""
    kept: list[dict[str, Record]] = []
    disturbed = 0
    for number in range(1, batch.repeats):
        records = _round(batch, number, options)
        others = max(one.noise.others_cpus or 0.0 for one in records.values() if one.noise)
        print(f"{len(kept) + 1} of {asked.rounds}: others {others:.2f} cores", file=sys.stderr)
        if others > OTHERS_CPUS and not asked.anyway:
            disturbed += 1
            continue
        kept.append(records)
        if len(kept) == asked.rounds:
            return kept, disturbed
    sys.exit("the machine is not quiet enough to compare anything (--anyway keeps such rounds)")


def _round(batch: Batch, number: int, options: Options) -> dict[str, Record]:
    """One run of each side; the items are answered in round 0 alone.

    Raises:
        SystemExit: one failed.
    """
    batch = replace(batch, rounds=(number,), score="once" if number == 0 else "never")
    tasks = prepare_tasks(batch) if number == 0 else []
    found = {}
    for outcome in run_batch(plan_jobs(batch, tasks, resolver(batch)), options, _silent):
        record = outcome.record
        if record.status != "completed":
            why = record.error.message if record.error else "why?"
            sys.exit(f"{record.candidate.name} failed: {why}")
        found[record.candidate.name] = record
    return found


def _silent(_job: object, _step: object) -> None:
    return


def _side(runtime: str, records: list[Record], store: Store, answered: Record) -> Side:
    about = records[0].candidate
    samples = store.samples(answered.run_id)
    workload = next(iter(records[0].latency))
    software = records[0].software
    return Side(
        runtime=runtime,
        version=f"{software.runtime_version} {software.runtime_build}".strip(),
        computes=about.settings.get("dtype", ""),
        values={name: [_value(one, name, workload) for one in records] for name in MEASURES},
        correct=samples[f"{METRIC}acc"].to_pylist(),
    )


def _value(record: Record, name: str, workload: str) -> float:
    """A run's number, as the board reads it.

    Raises:
        SystemExit: it was not measured.
    """
    found = METRIC_BY_NAME[name].run(record, workload)
    if found is None:
        sys.exit(f"{record.candidate.name}: {name} was not measured")
    return found


def _processor(here: Machine) -> str:
    """Model and generation: one name may stand for several."""
    generation = re.sub(r"^\w+ (family .+?)( stepping.*)?$", r", \1", here.cpu_id or "")
    return f"{here.cpu_model}{generation}, {here.usable_cpus} cores"


def _report(
    candidate: Candidate, asked: argparse.Namespace, sides: Sequence[Side], disturbed: int
) -> dict[str, Any]:
    first, here = sides[0], machine()
    return {
        "processor": _processor(here),
        "date": time.strftime("%Y-%m-%d"),
        "candidate": candidate.name,
        "workload": asked.workload,
        "rounds": asked.rounds,
        "disturbed": disturbed,
        "anyway": asked.anyway,
        "sides": [
            {
                **asdict(one),
                "ratios": {
                    name: asdict(paired_ratio(first.values[name], one.values[name]))
                    for name in MEASURES
                },
                "same": sum(a == b for a, b in zip(one.correct, first.correct, strict=True)),
            }
            for one in sides
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
