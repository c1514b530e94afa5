"""The benchmark's figures as a page: benchmarks/figures/gate.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leaderboard.units import MISSING

PAGE = Path(__file__).resolve().parent / "figures" / "gate.md"
CONDITIONS = {"quiet": "quiet", "loaded": "beside a process that comes and goes"}


def write(found: dict[str, Any], command: str) -> None:
    """Write the page."""
    PAGE.write_text(page(found, command), encoding="utf-8")


def page(found: dict[str, Any], command: str) -> str:
    """Markdown: false alarms on real runs, in simulations, and what was caught of injections."""
    return "\n".join([
        "# The gate: false alarms, and what is caught", "", f"**Measured** by `{command}`.", "",
        *_real(found), "", *_simulated(found), "", *_injected(found), "", *_reference(found), "",
    ])  # fmt: skip


def _real(found: dict[str, Any]) -> list[str]:
    names = list(found["quiet"]["re-paired"])
    lines = [
        f"False alarms on {found['runs']} real runs of one unchanged candidate in each condition, "
        "in gates of ten pairs of neighbours; re-paired 1,000 times in each block of twenty runs:",
        "",
        "| | disjoint gates: alarms | 95 % interval | re-paired: " + " | ".join(names) + " |",
        "|---" * (3 + len(names)) + "|",
    ]
    for key, words in CONDITIONS.items():
        one = found[key]
        interval = one["interval"]
        limits = f"{_percent(interval.low)} to {_percent(interval.high)}" if interval else MISSING
        rates = " | ".join(_percent(one["re-paired"][name]) for name in names)
        alarms = f"{one['alarms of disjoint gates']} of {one['gates']}"
        lines.append(f"| {words} | {alarms} | {limits} | {rates} |")
    return lines


def _simulated(found: dict[str, Any]) -> list[str]:
    names = list(found["quiet simulated"][0]["alarms"])
    lines = [
        f"Simulated, {found['trials']:,} trials a cell, with the spread, tails and drift of these "
        "runs and the share of items on which neighbouring rungs of the reference run differ.\n"
        "Nothing changed: share of gates with any alarm; and the smallest loss that the gate "
        "prints (median), with how often it caught that:",
        "",
        "| runs | pairs | tasks x items | "
        + " | ".join(names)
        + " | accuracy printed | caught | TTFT printed | caught |",
        "|---" * (7 + len(names)) + "|",
    ]
    for key, words in CONDITIONS.items():
        for row in found[f"{key} simulated"]:
            rates = " | ".join(_percent(row["alarms"][name]) for name in names)
            lines.append(
                f"| {words} | {row['pairs']} | {row['tasks']} x {row['items']:,} | {rates} | "
                f"{100 * row['printed accuracy']:.1f} points | {_percent(row['caught accuracy'])} "
                f"| {_percent(row['printed TTFT'])} | {_percent(row['caught TTFT'])} |"
            )
    return lines


def _injected(found: dict[str, Any]) -> list[str]:
    lines = [
        "Put into the fake runtime, through the real worker (answers flipped, delays and memory "
        "added):",
        "",
        "| | the gate prints | put in, as measured | caught | 95 % interval |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{one.metric}` | {_percent(one.printed)} | {_percent(one.injected)} "
        f"| {_percent(one.caught)} "
        f"| {_percent(one.interval.low)} to {_percent(one.interval.high)} |"
        for one in found.get("injected", [])
    ]
    return lines


def _reference(found: dict[str, Any]) -> list[str]:
    lines = [
        "On the reference run (`results/reference`):",
        "",
        "| | verdict | accuracy, points lost | peak memory | regressed | refused |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found["reference"].items():
        metrics = one["metrics"]
        loss = metrics["accuracy"][1]
        low, high = metrics["accuracy"][2]
        memory = metrics["peak_bytes"][1]
        warns = ", ".join(m for m, (verdict, *_) in metrics.items() if verdict == "regressed")
        refused = ", ".join(f"{m} ({n} pairs needed)" for m, n in one["refused"].items()) or MISSING
        lines.append(
            f"| {name} | {one['verdict']} | {100 * loss:+.1f} ({100 * low:+.1f} to "
            f"{100 * high:+.1f}) | {MISSING if memory is None else f'{100 * memory:+.1f} %'} "
            f"| {warns or MISSING} | {refused} |"
        )
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
