"""Compare llama-server with the in-process runtime: speed, memory and choices.

Both are the same commit of llama.cpp (`make llama-server`), the same file, threads, context and
shapes, each run in a process of its own, caches off. Pairs of runs are interleaved, each in a
random order; the unit is the process run. A pair beside which other processes were at work is left
out and run again. Bars: TTFT and decode tokens/s within 3 %, the same choices, and a peak that lies
below the in-process one by no more than what Python holds before it loads. Leave the machine alone:

    python benchmarks/servers.py [--candidate NAME] [--pairs 12] [--quick] [--json] [--anyway]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.overhead import CELLS, REQUESTS, watched
from benchmarks.questions import Questions, ask
from benchmarks.report import best
from evals.suites import SuiteTask
from leaderboard.stats.run_ratios import RunRatio, paired_ratio
from runners.candidates.catalogue import find_candidate
from runners.candidates.on_runtime import on_runtime
from runners.candidates.weights import resolve
from runners.compute.machine import usable_cpus
from runners.jobs.flags import OTHERS_CPUS
from runners.jobs.worker_process import WorkerProcess
from runners.measure.memory import read_peak, reset_peak
from runners.records.latency import request_latency
from runners.worker import protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runners.candidates.spec import Candidate

IN_PROCESS, SERVER = "llamacpp", "llama-server"
SPEED_BAR = 0.03
FIGURES = ("ttft_s", "decode_tokens_per_s")
NATS_BAR = {"F16": 0.05}
"""Largest difference of a choice's log-likelihood; quantised weights have other kernels for a batch
than for one token, which no bar is set for."""
ENGINE_BYTES = 256 * 2**20
Run = dict[str, float]


def main() -> int:
    """Run the pairs, print ratios, intervals, peaks and choices; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidate", default="smollm2-135m-instruct-q4_1")
    parser.add_argument("--workload", default="512+64", help="PROMPT+NEW tokens")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--items", type=int, default=40, help="of ARC-Easy, scored by both")
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--quick", action="store_true", help="2 pairs, 8 items")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--anyway", action="store_true", help="keep disturbed pairs, and say so")
    asked = parser.parse_args()
    shape = tuple(map(int, asked.workload.split("+")))
    candidate = find_candidate(asked.candidate)
    sides = {name: on_runtime(candidate, name) for name in (IN_PROCESS, SERVER)}
    weights = resolve(candidate)
    runs = _pairs(sides, str(weights.path), shape, asked)
    items = 8 if asked.quick else asked.items
    questions = ask("ARC-Easy", [SuiteTask(task="arc_easy", limit=items)], seed=asked.seed)
    scores = {name: _scores(one, str(weights.path), questions) for name, one in sides.items()}
    kind = weights.quantisation.name if weights.quantisation else ""
    report = _report(runs, scores, questions, kind)
    if asked.json:
        json.dump({**report, "runs": runs}, sys.stdout)
    else:
        _show(report, runs)
    return 1 if report["missed"] else 0


def _pairs(
    sides: dict[str, Candidate], path: str, shape: tuple[int, ...], asked: argparse.Namespace
) -> dict[str, list[Run]]:
    """Interleaved runs of both, those that were disturbed left out."""
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    order, pairs, disturbed = random.Random(asked.seed), 2 if asked.quick else asked.pairs, 0
    while len(runs[SERVER]) < pairs and disturbed <= pairs:
        drawn = order.sample(sorted(sides), 2)
        found = {name: watched(_timed, sides[name], path, *shape) for name in drawn}
        others = max(cpus for _, cpus in found.values())
        if others > OTHERS_CPUS and not asked.anyway:
            disturbed += 1
            continue
        for name, (run, cpus) in found.items():
            runs[name].append({**run, "others_cpus": cpus})
        print(f"pair {len(runs[SERVER])} of {pairs}, others {others:.2f} cores", file=sys.stderr)
    if len(runs[SERVER]) < pairs:
        sys.exit("the machine is not quiet enough to compare anything (--anyway keeps such pairs)")
    return runs


@contextmanager
def _worker(candidate: Candidate, path: str) -> Iterator[tuple[WorkerProcess, protocol.Loaded]]:
    """A worker with the weights loaded; of a server, that is what is measured."""
    spec, threads = candidate.runtime_spec, usable_cpus()
    settings = {**candidate.settings.model_dump(), "context": CELLS, "threads": threads}
    program = spec.find_program(candidate.settings).command if spec.find_program else ()
    load = protocol.Load(path=path, settings=settings, program=list(program))
    with WorkerProcess(spec.name, threads=threads, timeout_s=240) as worker:
        loaded = worker.ask(load, protocol.Loaded)
        if loaded.root_pid is not None:
            worker.measure(loaded.root_pid)
        yield worker, loaded
        worker.close()


def _timed(candidate: Candidate, path: str, prompt: int, new: int) -> Run:
    question = protocol.RunLatency(
        prompt_tokens=prompt, new_tokens=new, warmups=1, repeats=REQUESTS
    )
    with WorkerProcess(candidate.runtime, threads=1, timeout_s=60) as bare:
        before = read_peak(bare.pid).peak_bytes
    with _worker(candidate, path) as (worker, loaded):
        reset_peak(worker.pid)
        times = worker.ask(question, protocol.LatencyTimes)
        peak = read_peak(worker.pid)
    derived = [request_latency(one) for one in times.repeats]
    return {
        "ttft_s": statistics.median(one.ttft_s for one in derived),
        "decode_tokens_per_s": statistics.median(one.decode_tokens_per_s or 0.0 for one in derived),
        "load_s": loaded.seconds,
        "peak_bytes": peak.peak_bytes,
        "python_bytes": before if loaded.root_pid is None else 0,
        "cached_tokens": times.cached_tokens or 0,
    }


def _scores(candidate: Candidate, path: str, questions: Questions) -> list[float]:
    """The log-likelihood of each choice, item after item."""
    with _worker(candidate, path) as (worker, _):
        worker.ask(protocol.OpenEngine(memory_bytes=ENGINE_BYTES), protocol.EngineOpened)
        replies = [worker.ask(window, protocol.Scored) for window in questions.windows()]
    return [nats for reply in replies for item in reply.items for nats in item.logprobs]


def _report(
    runs: dict[str, list[Run]], scores: dict[str, list[float]], questions: Questions, kind: str
) -> dict[str, Any]:
    ratios = {key: _ratio(key, runs) for key in FIGURES}
    ours, theirs = (questions.by_item(scores[name]) for name in (IN_PROCESS, SERVER))
    same = sum(best(a) == best(b) for a, b in zip(ours, theirs, strict=True))
    apart = [abs(a - b) for a, b in zip(scores[IN_PROCESS], scores[SERVER], strict=True)]
    below = _median("peak_bytes", runs[IN_PROCESS]) - _median("peak_bytes", runs[SERVER])
    python = _median("python_bytes", runs[IN_PROCESS])
    missed = [key for key, found in ratios.items() if abs(found.ratio - 1) > SPEED_BAR]
    missed += ["peak"] if not 0 <= below <= python else []
    missed += ["nats"] if max(apart) > NATS_BAR.get(kind, float("inf")) else []
    missed += ["cache"] if any(run["cached_tokens"] for run in runs[SERVER]) else []
    return {
        "ratios": {key: asdict(found) for key, found in ratios.items()},
        "peak_below_bytes": below,
        "python_bytes": python,
        "weights": kind,
        "items": len(ours),
        "same_choice": same,
        "mean_nats": statistics.fmean(apart),
        "largest_nats": max(apart),
        "missed": missed,
    }


def _ratio(key: str, runs: dict[str, list[Run]]) -> RunRatio:
    return paired_ratio(*([run[key] for run in runs[name]] for name in (IN_PROCESS, SERVER)))


def _median(key: str, runs: Sequence[Run]) -> float:
    return statistics.median(run[key] for run in runs)


def _show(report: dict[str, Any], runs: dict[str, list[Run]]) -> None:
    for key, found in report["ratios"].items():
        here, there = (_median(key, runs[name]) for name in (IN_PROCESS, SERVER))
        interval = found["interval"] or {"low": 0, "high": 0}
        print(
            f"{key:22} in process {here:8.3f}  server {there:8.3f}  server/in process "
            f"{found['ratio']:.3f} ({interval['low']:.3f} to {interval['high']:.3f}, "
            f"{found['other_runs']} pairs)"
        )
    here, there = (_median("peak_bytes", runs[name]) / 2**20 for name in (IN_PROCESS, SERVER))
    print(
        f"peak                   in process {here:.1f} MiB  server {there:.1f} MiB, "
        f"{report['peak_below_bytes'] / 2**20:.1f} below; Python holds "
        f"{report['python_bytes'] / 2**20:.1f} before it loads"
    )
    print(
        f"choices ({report['weights']})         {report['same_choice']} of {report['items']} the "
        f"same; |difference| mean {report['mean_nats']:.3f}, at most "
        f"{report['largest_nats']:.3f} nats"
    )
    print(f"missed: {', '.join(report['missed']) or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
