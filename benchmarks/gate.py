"""Measure how often the gate raises a false alarm, and how often it finds a known change.

Real runs of one unchanged candidate (on a quiet machine, and beside a process that comes and goes)
are cut into gates of ten pairs; simulations take their drift and spread from these runs; changes
of known size are put into the fake runtime. The rules that others use judge the same data.

    python benchmarks/gate.py [--quick] [--json] [--docs] [--runs N] [--folder DIR]

Runs are kept in the folder and are not made again; leave the machine alone while it collects.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import gate_figures, gate_injected, gate_runs
from benchmarks.gate_reference import discordance, known_answers
from benchmarks.gate_trials import (
    ALPHA,
    Array,
    Tested,
    accuracy,
    asv_rule,
    check_against_the_gate,
    disjoint_intervals,
    passed,
    ratio_rule,
    regressed,
    times,
    unpaired_z,
)
from evals.fetch.cache import cache_root
from leaderboard.gate.policy import Rules
from leaderboard.stats.intervals import wilson

PAIRS = 10
MARGINS = [math.log1p(getattr(Rules(), name).margin) for name in gate_runs.METRICS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Noise of real runs that the simulations use; arrays have an entry a metric."""

    spread: Array
    """Standard deviation of the logarithm, run to run."""
    drift: Array
    """Share of that variance that wanders slowly."""
    memory: Array
    """Correlation of that wandering from one run to the next."""
    shapes: Array
    """Shape (runs, metrics): the runs' deviations in spreads, whole rows, tails and all."""
    within: Array
    """Shape (runs, requests, 2): how far the logarithms of a run's requests lie from their mean."""


def main() -> None:
    """Collect, simulate, inject and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="40 runs a condition, 200 trials")
    parser.add_argument("--runs", type=int, help="real runs a condition (default: 480)")
    parser.add_argument("--folder", type=Path, default=cache_root() / "benchmarks" / "gate")
    parser.add_argument("--skip-injected", action="store_true")
    parser.add_argument("--docs", action="store_true", help="write the page of figures, too")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    runs, trials = asked.runs or (40 if asked.quick else 480), 200 if asked.quick else 2000
    rng = np.random.default_rng(20261122)
    check_against_the_gate(rng)
    found: dict[str, Any] = {"runs": runs, "trials": trials}
    for condition in ("quiet", "loaded"):
        path = asked.folder / f"{condition}.jsonl"
        gate_runs.collect(path, runs, loaded=condition == "loaded")
        kept = gate_runs.read(path)[:runs]
        logs = np.log([run["values"] for run in kept])
        found[condition] = real(logs, kept, rng)
        found[f"{condition} noise"] = noise = fit(logs, _raw(kept))
        found[f"{condition} simulated"] = [
            {"pairs": pairs, "items": items, "tasks": tasks,
             **cell(noise, rng, trials, pairs, items, tasks)}
            for pairs, items, tasks in cells(quick=asked.quick)
        ]  # fmt: skip
    if not asked.skip_injected:
        seeds, pairs = (10, 12) if asked.quick else (100, 60)
        found["injected"] = [gate_injected.answers(seeds), *gate_injected.delays(pairs, rng)]
    found["reference"] = known_answers()
    print(json.dumps(found, default=_plain)) if asked.json else _print(found)
    if asked.docs:
        gate_figures.write(found, f"python benchmarks/gate.py{' --quick' if asked.quick else ''}")


def cells(*, quick: bool) -> list[tuple[int, int, int]]:
    """(pairs, items, tasks): each varied about 10 pairs and 5 tasks of 200 items."""
    if quick:
        return [(10, 200, 5)]
    return [
        *((pairs, 200, 5) for pairs in (5, 10, 20)),
        *((10, items, 5) for items in (50, 500, 2000)),
        *((10, 200, tasks) for tasks in (1, 20)),
    ]


# Real runs.


def real(logs: Array, kept: list[dict[str, Any]], rng: np.random.Generator) -> dict[str, Any]:
    """False alarms of gates of ten pairs: neighbours in time, in random order.

    Args:
        logs: shape (runs, metrics), in the order in which they ran.
        kept: the same runs with their raw requests.
        rng: draws the order within pairs.
    """
    size = 2 * PAIRS
    blocks, raw = len(logs) // size, _raw(kept)
    rates: dict[str, list[float]] = {}
    disjoint = 0
    for block in range(blocks):
        first = rng.integers(0, 2, size=(1000, PAIRS))
        place = block * size + 2 * np.arange(PAIRS)
        a, b = place + first, place + 1 - first
        alarms = _alarms(logs[a], logs[b], _pooled(raw[a[:50]]), _pooled(raw[b[:50]]))
        for name, flags in alarms.items():
            rates.setdefault(name, []).append(float(flags.mean()))
        disjoint += bool(alarms["the gate"][0])
    return {
        "gates": blocks,
        "alarms of disjoint gates": disjoint,
        "interval": wilson(disjoint, blocks) if blocks else None,
        "re-paired": {name: float(np.mean(found)) for name, found in rates.items()},
    }


def _alarms(base: Array, other: Array, raw_base: Array, raw_other: Array) -> dict[str, Any]:
    """Each rule's alarms; logs of shape (trials, pairs, metrics), raw (fewer, requests, 2)."""
    level = ALPHA / base.shape[2]
    tested = [times(other[..., m] - base[..., m], MARGINS[m], level) for m in range(len(MARGINS))]
    plain = np.exp(base), np.exp(other)
    return {
        "the gate": regressed(tested).any(1),
        "10 % ratio": ratio_rule(*plain),
        "10 % ratio of single runs": ratio_rule(plain[0][:, :1], plain[1][:, :1]),
        "asv's rule": asv_rule(raw_base, raw_other),
        "disjoint intervals": disjoint_intervals(base, other),
    }


def _raw(kept: list[dict[str, Any]]) -> Array:
    """TTFT and time per token of every request, seconds: (runs, requests, 2)."""
    raw = np.array([[run["raw"][m] for m in gate_runs.METRICS[:2]] for run in kept])
    return np.swapaxes(raw, 1, 2)


def _pooled(requests: Array) -> Array:
    """All requests of all runs of a side: (trials, pairs, requests, 2) -> (trials, all, 2)."""
    return requests.reshape(len(requests), -1, 2)


# Simulations.


def fit(logs: Array, raw: Array) -> Noise:
    """Spread and drift of real runs: a wandering part (autoregressive) under independent noise.

    From the autocorrelations at lags 1 and 2, r1 = share · m and r2 = share · m².

    Args:
        logs: shape (runs, metrics).
        raw: shape (runs, requests, 2), seconds.
    """
    centred = logs - logs.mean(0)
    spread = np.maximum(centred.std(0, ddof=1), 1e-12)
    scaled = centred / spread
    r1, r2 = (np.mean(scaled[lag:] * scaled[:-lag], 0) for lag in (1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        memory = np.where(r1 > 0, np.clip(r2 / r1, 0, 0.99), 0.0)
        drift = np.where(memory > 0, np.clip(r1 / memory, 0, 1), 0.0)
    within = np.log(raw) - np.log(raw).mean(1, keepdims=True)
    return Noise(spread=spread, drift=drift, memory=memory, shapes=scaled, within=within)


def simulate(
    noise: Noise, rng: np.random.Generator, trials: int, pairs: int
) -> tuple[Array, Array]:
    """Logs of two equal sides, (trials, pairs, metrics) each, run in random order in each pair."""
    runs, metrics = 2 * pairs, len(noise.spread)
    wander = np.empty((trials, runs, metrics))
    wander[:, 0] = rng.normal(size=(trials, metrics))
    for run in range(1, runs):
        step = np.sqrt(1 - noise.memory**2) * rng.normal(size=(trials, metrics))
        wander[:, run] = noise.memory * wander[:, run - 1] + step
    fresh = noise.shapes[rng.integers(len(noise.shapes), size=(trials, runs))]
    logs = noise.spread * (np.sqrt(noise.drift) * wander + np.sqrt(1 - noise.drift) * fresh)
    first = rng.integers(0, 2, size=(trials, pairs, 1))
    early, late = logs[:, ::2], logs[:, 1::2]
    return np.where(first == 0, early, late), np.where(first == 0, late, early)


def requests(noise: Noise, rng: np.random.Generator, logs: Array) -> Array:
    """Seconds of the requests of simulated runs: (trials, pairs, metrics) -> (…, requests, 2)."""
    drawn = noise.within[rng.integers(len(noise.within), size=logs.shape[:2])]
    seconds: Array = np.exp(logs[:, :, None, :2] + drawn)
    return seconds


def cell(
    noise: Noise, rng: np.random.Generator, trials: int, pairs: int, items: int, tasks: int
) -> dict[str, Any]:
    """One cell: false alarms of each rule, and the power at what the gate prints."""
    flips, right = discordance()
    metrics = len(noise.spread)
    level = ALPHA / (metrics + 1)

    def answers(loss: float) -> tuple[Array, Array]:
        shares = [flips / 2 - loss / 2, flips / 2 + loss / 2]
        if min(shares) < 0:
            shares = [0.0, loss]
        counts = rng.multinomial(items, [*shares, 1 - sum(shares)], size=(trials, tasks))
        return counts[..., 0].astype(float), counts[..., 1].astype(float)

    def gate(loss: float, slower: float) -> tuple[list[Tested], Array, Array, Array, Array]:
        base, other = simulate(noise, rng, trials, pairs)
        other = other + slower * np.eye(metrics)[0]
        gained, lost = answers(loss)
        tested = [accuracy(gained, lost, items, 0.01, level)]
        tested += [times(other[..., m] - base[..., m], MARGINS[m], level) for m in range(metrics)]
        return tested, base, other, gained, lost

    same, base, other, gained, lost = gate(0.0, 0.0)
    asked = [_pooled(requests(noise, rng, side)) for side in (base, other)]
    both = rng.binomial(items - gained.astype(int) - lost.astype(int), right)
    alarms = {
        "the gate": regressed(same).any(1),
        "10 % ratio": ratio_rule(np.exp(base), np.exp(other)),
        "asv's rule": asv_rule(*asked),
        "unpaired z": unpaired_z(both + lost, both + gained, items),
        "disjoint intervals": disjoint_intervals(base, other),
    }
    printed = [float(np.median(same[i].printed)) for i in (0, 1)]
    worse = gate(printed[0], 0.0)[0], gate(0.0, printed[1])[0]
    return {
        "alarms": {name: float(flags.mean()) for name, flags in alarms.items()},
        "passes": float(passed(same).mean()),
        "printed accuracy": printed[0],
        "caught accuracy": float(regressed(worse[0])[:, 0].mean()),
        "printed TTFT": math.expm1(printed[1]),
        "caught TTFT": float(regressed(worse[1])[:, 1].mean()),
    }


# Printing.


def _print(found: dict[str, Any]) -> None:
    for condition in ("quiet", "loaded"):
        _print_real(condition, found[condition], found[f"{condition} noise"], found["runs"])
        error = 1.96 * math.sqrt(ALPHA * (1 - ALPHA) / found["trials"])
        print(
            f"  simulated, {found['trials']} trials a cell: false alarms in % "
            f"(± {100 * error:.1f} at 5%), and how many % are caught of what is printed:"
        )
        for row in found[f"{condition} simulated"]:
            rates = ", ".join(f"{name} {100 * rate:.1f}" for name, rate in row["alarms"].items())
            print(f"    {row['pairs']} pairs, {row['tasks']} x {row['items']} items: {rates}")
            print(f"      passes {100 * row['passes']:.0f}; accuracy "
                  f"{100 * row['printed accuracy']:.2f} points: "
                  f"{100 * row['caught accuracy']:.0f}; TTFT {100 * row['printed TTFT']:.1f}%: "
                  f"{100 * row['caught TTFT']:.0f}")  # fmt: skip
    for power in found.get("injected", []):
        print(f"injected: {power.metric}: the gate prints {100 * power.printed:.2f}, put in "
              f"{100 * power.injected:.2f}: caught {100 * power.caught:.0f}% "
              f"({100 * power.interval.low:.0f} to {100 * power.interval.high:.0f})")  # fmt: skip
    for name, one in found["reference"].items():
        print(f"reference: {name}: {one['verdict']}; refused: {one['refused'] or 'nothing'}")
        for metric, (verdict, loss, limits) in one["metrics"].items():
            if loss is not None:
                shown = [f"{100 * limit:+.1f}" for limit in limits or []]
                print(f"    {metric}: {verdict}, loss {100 * loss:+.1f} {' to '.join(shown)}")


def _print_real(condition: str, one: dict[str, Any], noise: Noise, runs: int) -> None:
    print(f"\n{condition}: {runs} real runs, {one['gates']} disjoint gates of {PAIRS} pairs")
    for m, metric in enumerate(gate_runs.METRICS):
        print(f"  {metric}: spread {100 * noise.spread[m]:.2f}%, of it wandering "
              f"{100 * noise.drift[m]:.0f}% ({noise.memory[m]:.2f} from run to run)")  # fmt: skip
    interval = one["interval"]
    if interval:
        print(
            f"  false alarms: {one['alarms of disjoint gates']} of {one['gates']}, interval "
            f"{100 * interval.low:.1f} to {100 * interval.high:.1f}%; re-paired, in %:"
        )
    for name, rate in one["re-paired"].items():
        print(f"    {name}: {100 * rate:.1f}")


def _plain(value: Any) -> Any:
    if isinstance(value, Noise):
        return {"spread": value.spread, "drift": value.drift, "memory": value.memory}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value.tolist() if hasattr(value, "tolist") else str(value)


if __name__ == "__main__":
    sys.exit(main())
