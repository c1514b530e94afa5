"""Judge the reference run by the gate, and measure how its items' answers correlate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leaderboard.compare.comparison import Side, compare
from leaderboard.gate.gate import judge
from leaderboard.gate.policy import Policy
from runners.records.record import Record
from runners.records.store import Store

REFERENCE = Path(__file__).resolve().parents[1] / "results" / "reference"
RUNG = "smollm2-135m-instruct-"


def discordance() -> tuple[float, float]:
    """Share of items that f16 and q8_0 answer differently, and of right answers among the rest."""
    (found,) = compare([_side("f16"), _side("q8_0")])
    paired = [t for t in found.tasks if t.paired]
    n = sum(t.paired.n for t in paired if t.paired)
    flips = sum(t.paired.gained + t.paired.lost for t in paired if t.paired)
    right = sum((t.reference or 0) * t.paired.n - t.paired.lost for t in paired if t.paired)
    return flips / n, right / (n - flips)


def known_answers() -> dict[str, Any]:
    """Verdicts of the gate on the reference run."""
    recall = Policy(tasks=("lambada_openai",))
    found: dict[str, Any] = {}
    for candidate, repeats, policy, words in (
        ("q2_k", 9, Policy(), ""),
        ("q8_0", 9, Policy(), ""),
        ("q4_0", 9, Policy(), ""),
        ("q4_0", 9, recall, ", lambada_openai alone"),
        ("f16", 9, Policy(), ""),
        ("q8_0", 3, Policy(), ", 3 pairs"),
    ):
        gate = judge(_side("f16", repeats), _side(candidate, repeats), policy)
        found[f"{candidate} against f16{words}"] = {
            "verdict": gate.verdict,
            "metrics": {
                j.metric: [j.verdict, j.loss, j.interval and [j.interval.low, j.interval.high]]
                for j in gate.judged
                if j.severity == "fail" or j.verdict == "regressed"
            },
            "refused": {j.metric: j.needed for j in gate.judged if j.refused},
        }
    return found


def _side(name: str, repeats: int = 9) -> Side:
    store = Store(REFERENCE)
    runs: list[Record] = [
        r for r in store.records() if isinstance(r, Record) and r.candidate.name == RUNG + name
    ]
    side = Side(runs=tuple(r for r in runs if r.job.repeat < repeats))
    return Side(runs=side.runs, samples=store.samples(side.scored.run_id))
