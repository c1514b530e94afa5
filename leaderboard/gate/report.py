"""A gate as people read it: each metric's verdict in one sentence; and the whole as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from evals.scales import LIKELIHOODS
from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import Gate
from leaderboard.gate.verdicts import Judged
from leaderboard.rows.conditions import build_name, why_unlike
from leaderboard.units import (
    MISSING,
    format_mib,
    format_ms,
    format_number,
    format_percent,
    format_rate,
)

REPORT_VERSION = 1
EXIT = {"pass": 0, "regressed": 1, "cannot tell": 2}
_NAMES = {
    "accuracy": "accuracy",
    "task": "each task",
    "perplexity": "perplexity",
    "bits_per_byte": "bits per byte",
    "score": "score",
    "ttft_s": "TTFT",
    "decode_tokens_per_s": "decode time per token",
    "cold_start_s": "cold start",
    "peak_bytes": "peak memory",
    "weights_bytes": "weights file",
}
_FORMATS = {
    "accuracy": format_percent,
    "perplexity": format_number,
    "bits_per_byte": format_number,
    "score": format_number,
    "ttft_s": format_ms,
    "decode_tokens_per_s": format_rate,
    "cold_start_s": format_ms,
    "peak_bytes": format_mib,
    "weights_bytes": format_mib,
}


OF_TASKS = ("accuracy", "perplexity", "bits_per_byte", "score")
"""Metrics that have a task after their colon; the others have a workload."""


def exit_code(gate: Gate) -> int:
    """0 pass, 1 regressed, 2 cannot tell, as the policy maps it.

    What was not judged (refused because it could not have failed, an item that one side lost, an
    accuracy without an estimate) is never mapped to a pass.
    """
    code = EXIT[gate.verdict]
    if gate.verdict != "cannot tell":
        return code
    mapped = {"pass": 0, "warn": code, "fail": 1}[gate.policy.on_cannot_tell]
    unjudged = gate.refused or gate.unjudged or gate.lost
    return code if mapped == 0 and unjudged else mapped


def name(metric: str) -> str:
    """A metric in words: `TTFT 512+64`, `accuracy of boolq`."""
    kind, _, rest = metric.partition(":")
    of = " of " if kind in OF_TASKS else " "
    return f"{_NAMES[kind]}{of}{rest}" if rest else _NAMES[kind]


def value(metric: str, number: float | None) -> str:
    """A metric's value with its unit."""
    return MISSING if number is None else _FORMATS[metric.partition(":")[0]](number)


def amount(judged: Judged, loss: float | None, *, sign: bool = True) -> str:
    """A loss, margin or limit: `+1.2 points`, `-3.4%`; positive is worse."""
    if loss is None:
        return MISSING
    text = f"{100 * loss:+.1f}" if sign else format_number(100 * loss)
    unit = "%" if judged.unit == "share" else " point" if text == "1.00" else " points"
    return ("1" if text == "1.00" else text) + unit


def sentence(judged: Judged) -> str:
    """What one metric's verdict means, in one sentence."""
    what, margin = name(judged.metric), amount(judged, judged.margin, sign=False)
    if judged.refused:
        counted = _counted(judged, "pairs of runs")
        return (
            f"{what}: refused, since {judged.count} {counted} could not show a regression; "
            f"{judged.needed} are needed"
        )
    if judged.margin is None:
        return f"{what}: not judged: {judged.reason}"
    if judged.loss is None:
        return f"{what}: cannot tell, since it {_because(judged.reason)}"
    if judged.interval is None:
        compared = "more than" if judged.verdict == "regressed" else "within"
        return f"{what}: {amount(judged, judged.loss)}, {compared} the {margin} that is allowed"
    limits = f"{amount(judged, judged.interval.low)} to {amount(judged, judged.interval.high)}"
    could = amount(judged, judged.detectable, sign=False)
    if judged.verdict == "pass":
        return f"{what}: a loss of {margin} is ruled out (loss {limits})"
    if judged.verdict == "regressed":
        loss = amount(judged, judged.loss, sign=False)
        return f"{what}: {loss} worse (loss {limits}); {margin} is allowed"
    unit = _counted(judged, "pairs")
    return (
        f"{what}: cannot tell, since the loss may be {limits} and {margin} is allowed; this data "
        f"shows a loss of {could}, and about {judged.needed:,} {unit} would settle it"
    )


def _counted(judged: Judged, pairs: str) -> str:
    """What its count is of."""
    if judged.metric.partition(":")[0] in LIKELIHOODS:
        return "documents"
    if judged.unit == "points":
        return "items"
    return pairs if judged.paired else "runs a side"


def _because(reason: str) -> str:
    starts = ("was ", "measured ", "is ")
    if reason.startswith("measured "):
        return f"was {reason}"
    return reason if reason.startswith(starts) else f"has no estimate ({reason})"


def headline(gate: Gate) -> str:
    """The whole verdict in one sentence, with the runs that it is of."""
    return f"{_verdict(gate)} ({_runs(gate.candidate)} against {_runs(gate.baseline)})"


def _verdict(gate: Gate) -> str:
    names = [side.runs[-1].candidate.name for side in (gate.candidate, gate.baseline)]
    both = " against ".join(names)
    if gate.failure:
        return f"{both}: regressed: {gate.failure}"
    deciding = [j for j in gate.judged if j.severity == "fail"]
    guilty = [name(j.metric) for j in deciding if j.verdict == gate.verdict]
    if gate.verdict == "pass":
        left = [name(j.metric) for j in gate.judged if j.margin is None]
        but = f"; not judged: {', '.join(left)}" if left else ""
        return f"{both}: pass on all {len(deciding)} metrics that decide{but}"
    if not deciding:
        return f"{both}: cannot tell: the policy lets no metric decide"
    if not guilty:
        return f"{both}: cannot tell: {gate.lost:,} items were not judged"
    return f"{both}: {gate.verdict}: {', '.join(guilty)}"


def _runs(side: Side) -> str:
    first, *others = side.runs
    return f"{first.run_id} to {others[-1].run_id}" if others else first.run_id


def notes(gate: Gate) -> list[str]:
    """What a reader of the verdicts has to know."""
    lines = [f"asked differently, and insisted on: {m.text}" for m in gate.mismatches]
    for missing in gate.missing:
        for side, keys in (
            ("baseline", missing.only_baseline),
            ("candidate", missing.only_candidate),
        ):
            if keys:
                documents = ", ".join(str(key.doc_id) for key in keys[:5])
                more = ", …" if len(keys) > 5 else ""
                lines.append(
                    f"{missing.task}: {len(keys)} items were answered by the {side} alone and "
                    f"left out (documents {documents}{more})"
                )
        if missing.neither:
            lines.append(f"{missing.task}: {missing.neither:,} items were answered by neither side")
    digests = {
        run.candidate.digest for side in (gate.baseline, gate.candidate) for run in side.runs
    }
    if len(digests) == 1:
        lines.append("both sides are the same weights on the same runtime with the same settings")
    lines += [*_unjudged(gate), *_conditions(gate), *_disturbances(gate), *_floors(gate)]
    if any(not j.paired and j.loss is not None for j in gate.judged):
        lines.append(
            "times and memory: the runs are not interleaved pairs, so a machine that drifted "
            "between them is not in the intervals; --rerun measures both now"
        )
    if gate.mismatches or not gate.judged:
        return lines
    level = f"{1 - 2 * gate.policy.alpha:.0%}"
    lines.append(f"a loss is positive where the candidate is worse; intervals are {level} ones")
    return lines


def _conditions(gate: Gate) -> list[str]:
    """How the two sides' conditions differ, and what is judged all the same."""
    why = why_unlike(gate.baseline.runs[-1], gate.candidate.runs[-1])
    if not why:
        return []
    return [
        f"times and memory: {why}, so they are not judged; --rerun measures both sides here",
        "accuracy: judged on the same items, although other kernels change a few choices",
    ]


def _unjudged(gate: Gate) -> list[str]:
    """What no verdict was made of, each with its reason; what decides says so in the verdict."""
    warned = [judged for judged in gate.judged if judged.severity == "warn"]
    lines = [sentence(judged) for judged in warned if judged.loss is None or judged.refused]
    ignored = [_NAMES[key] for key, rule in gate.policy.metrics if rule.severity == "ignore"]
    if ignored:
        lines.append(f"not judged, since the policy ignores them: {', '.join(ignored)}")
    if gate.policy.tasks is not None:
        lines.append(f"the policy has these tasks alone judged: {', '.join(gate.policy.tasks)}")
    return lines


def _disturbances(gate: Gate) -> list[str]:
    """Warnings that stand in the records, with how many runs have them."""
    lines = []
    for which, side in (("baseline", gate.baseline), ("candidate", gate.candidate)):
        names = [{f.name for f in run.flags if f.level == "warning"} for run in side.runs]
        for flag in sorted(set().union(*names)):
            count = sum(flag in one for one in names)
            lines.append(f"{which}: flagged {flag} in {count} of {len(names)} runs")
    return lines


def _floors(gate: Gate) -> list[str]:
    """How many choices packing alone changes: differences below that are of the arithmetic."""
    floors = {side.scored.candidate.name: side.scored.noise_floor
              for side in (gate.baseline, gate.candidate)}  # fmt: skip
    return [
        f"packing alone changes {floor.share:.1%} of the choices of {which} (noise floor)"
        for which, floor in floors.items()
        if floor is not None and floor.share is not None
    ]


def as_dict(gate: Gate, *, created_at: str) -> dict[str, Any]:
    """The whole report, for JSON."""
    sides = {"baseline": gate.baseline, "candidate": gate.candidate}
    return {
        "report_version": REPORT_VERSION,
        "created_at": created_at,
        "verdict": gate.verdict,
        "exit_code": exit_code(gate),
        "sentence": headline(gate),
        **{
            which: {
                "name": side.runs[-1].candidate.name,
                "runs": [run.run_id for run in side.runs],
                "suite": side.runs[-1].suite.name,
                "machine": side.runs[-1].machine.get("fingerprint"),
                "build": build_name(side.runs[-1]),
            }
            for which, side in sides.items()
        },
        "policy": gate.policy.model_dump(mode="json"),
        "failure": gate.failure or None,
        "insisted": bool(gate.mismatches),
        "metrics": [{**dataclasses.asdict(j), "sentence": sentence(j)} for j in gate.judged],
        "missing": [
            {
                "task": m.task,
                "only_baseline": [list(key) for key in m.only_baseline],
                "only_candidate": [list(key) for key in m.only_candidate],
                "neither": m.neither,
            }
            for m in gate.missing
        ],
        "notes": notes(gate),
    }


HEADINGS = (
    "metric", "verdict", "counts", "baseline", "candidate", "loss", "interval", "allowed",
    "could show",
)  # fmt: skip


def cells(judged: Judged) -> tuple[str, ...]:
    """A metric as a row under `HEADINGS`."""
    interval = judged.interval
    limits = [interval.low, interval.high] if interval else []
    return (
        name(judged.metric),
        judged.verdict,
        judged.severity,
        value(judged.metric, judged.baseline),
        value(judged.metric, judged.candidate),
        amount(judged, judged.loss),
        " to ".join(f"{100 * limit:+.1f}" for limit in limits) or MISSING,
        amount(judged, judged.margin, sign=False),
        amount(judged, judged.detectable, sign=False),
    )
