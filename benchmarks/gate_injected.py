"""A change of known size put into the fake runtime: does the gate catch what it says it can?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import gate_runs
from evals.suites import Suite, SuiteTask, Workload
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import Gate, judge
from leaderboard.gate.policy import Policy, Rule, Rules
from leaderboard.gate.verdicts import Judged
from leaderboard.stats.intervals import Interval, wilson
from runners.batches.batch import Batch, plan_jobs, resolver, run_batch
from runners.candidates.spec import Candidate
from runners.jobs.job import Options
from runners.jobs.prepared import PreparedTask
from runners.records.record import Record
from runners.records.store import Store

ITEMS = 400
WRONG = 0.3
PAIRS = 10
DELAYS = {"delay_first_token_s": 0.05, "delay_per_token_s": 0.01}
MEMORY = 64 * 2**20
EDGE = 1.02
OFF = {"severity": "ignore"}
ANSWERS = Policy(
    metrics=Rules(
        **{name: Rule(margin=1, **OFF) for name in Rules().model_dump() if name != "accuracy"}
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Share of runs in which the gate found a change of its stated detectable size."""

    metric: str
    printed: float
    """Detectable loss as the gate prints it, median over gates without a change: ratio or score."""
    injected: float
    """Size of the injected change, measured over all runs."""
    caught: float
    interval: Interval
    gates: int


def answers(seeds: int) -> Power:
    """Flip more answers: baselines err on 30 % of 400 items. Twins err as often on other items, and
    worse candidates more often by what the gate prints.
    """
    numbers = range(1, seeds + 1)
    with tempfile.TemporaryDirectory() as folder:
        prepared = _prepared(Path(folder))
        base = _answered([_fake(f"base-{s}", wrong_rate=WRONG, seed=s) for s in numbers], prepared)
        same = [_fake(f"same-{s}", wrong_rate=WRONG, seed=seeds + s) for s in numbers]
        twins = zip(base, _answered(same, prepared), strict=True)
        printed = _printed([judge(a, b, ANSWERS) for a, b in twins])
        rate = WRONG + printed
        worse = [_fake(f"worse-{s}", wrong_rate=rate, seed=2 * seeds + s) for s in numbers]
        pairs = zip(base, _answered(worse, prepared), strict=True)
        gates = [judge(a, b, ANSWERS) for a, b in pairs]
    caught = sum(gate.verdict == "regressed" for gate in gates)
    losses = [gate.judged[0].loss or 0.0 for gate in gates]
    return Power(
        metric="accuracy", printed=printed, injected=float(np.mean(losses)),
        caught=caught / seeds, interval=wilson(caught, seeds), gates=seeds,
    )  # fmt: skip


def delays(pairs: int, rng: np.random.Generator, gates: int = 400) -> list[Power]:
    """Slow the tokens and take more memory; gates of ten pairs are drawn from all pairs run.

    The fake's times and sizes hardly vary, so what is printed is the margin itself and a change
    is caught always or never: a fiftieth more than printed is put in.
    """
    base = _fake("base", **DELAYS, memory_bytes=MEMORY)
    twin = base.model_copy(update={"name": "twin"})
    without = _records([base, twin], pairs)
    names = ["decode_tokens_per_s", "peak_bytes"]
    printed = {name: _printed(_drawn(without, gates, rng), name) for name in names}
    put = {name: EDGE * loss for name, loss in printed.items()}
    more = {
        "delay_per_token_s": DELAYS["delay_per_token_s"] * (1 + put[names[0]]),
        "delay_first_token_s": DELAYS["delay_first_token_s"],
        "memory_bytes": MEMORY + int(_peak(without[0]) * put[names[1]]),
    }
    with_it = _records([base, _fake("twin", **more)], pairs)
    found = []
    judged = _drawn(with_it, gates, rng)
    for name in names:
        ones = [_one(gate, name) for gate in judged]
        caught = sum(one.verdict == "regressed" for one in ones)
        found.append(
            Power(
                metric=name,
                printed=printed[name],
                injected=float(np.median([one.loss or 0.0 for one in ones])),
                # Drawn gates share pairs: their number is no number of independent trials.
                caught=caught / gates,
                interval=wilson(round(caught / gates * pairs), pairs),
                gates=gates,
            )
        )
    return found


def _fake(name: str, **told: Any) -> Candidate:
    settings = {"fake": {"pick": 1, **told} if "wrong_rate" in told else told, "threads": 1}
    return Candidate.model_validate({"name": name, "runtime": "fake", "settings": settings})


def _printed(gates: list[Gate], name: str = "accuracy") -> float:
    return float(np.median([_one(gate, name).detectable for gate in gates]))


def _one(gate: Gate, name: str) -> Judged:
    return next(j for j in gate.judged if j.metric.partition(":")[0] == name)


def _peak(pair: tuple[Record, Record]) -> int:
    memory = pair[0].memory
    return memory.phases["latency"].peak_bytes if memory else 0


def _records(candidates: list[Candidate], pairs: int) -> list[tuple[Record, Record]]:
    by_name: dict[str, list[Record]] = {c.name: [] for c in candidates}
    for record in gate_runs.measured(candidates, pairs):
        by_name[record.candidate.name].append(record)
    first, second = (by_name[c.name] for c in candidates)
    return list(zip(first, second, strict=True))


def _drawn(pairs: list[tuple[Record, Record]], gates: int, rng: np.random.Generator) -> list[Gate]:
    """Gates of ten pairs, drawn without replacement from all."""
    found = []
    for _ in range(gates):
        chosen = [pairs[i] for i in rng.choice(len(pairs), PAIRS, replace=False)]
        sides = [Side(runs=tuple(pair[i] for pair in chosen)) for i in (0, 1)]
        found.append(judge(sides[0], sides[1], Policy()))
    return found


def _prepared(folder: Path) -> list[PreparedTask]:
    """A task of its own whose right choice is always the second."""
    rows = [{"q": f"{n}?", "options": ["a", "b", "c"], "gold": 1} for n in range(ITEMS)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    kwargs = {"data_files": {"test": str(folder / "rows.jsonl")}, "cache_dir": str(folder / "c")}
    task = {
        "task": "injected", "dataset_path": "json", "dataset_kwargs": kwargs, "test_split": "test",
        "output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "options",
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    (folder / "injected.yaml").write_text(yaml.safe_dump(task))
    suite = _suite()
    loaded = load_suite(suite, include=folder)
    return [PreparedTask(loaded=one, items=tuple(build_requests(one))) for one in loaded]


def _suite() -> Suite:
    return Suite(
        name="injected",
        tasks=(SuiteTask(task="injected"),),
        workloads=(Workload(prompt_tokens=2, new_tokens=2),),
        latency_repeats=1,
    )


def _answered(candidates: list[Candidate], tasks: list[PreparedTask]) -> list[Side]:
    return list(_sides(candidates, tasks))


def _sides(candidates: list[Candidate], tasks: list[PreparedTask]) -> Iterator[Side]:
    batch = Batch(candidates=tuple(candidates), suite=_suite())
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.create()
        options = Options(store=store, command="benchmarks/gate.py", timeout_s=120)
        jobs = plan_jobs(batch, tasks, resolver(batch))
        for outcome in run_batch(jobs, options, lambda _job, _step: None):
            record = outcome.record
            yield Side(runs=(record,), samples=store.samples(record.run_id))
