"""A gate as people read it: the headline, the table and the notes; and the whole as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from leaderboard.compare.comparison import Side
from leaderboard.gate.fidelity_draft import why_it_warns
from leaderboard.gate.gate import Gate
from leaderboard.gate.verdicts import Judged
from leaderboard.gate.words import (
    SEVERITY,
    amount,
    improved,
    in_words,
    is_slow_run,
    name,
    sentence,
    unseen,
    value,
    word,
    worst_first,
)
from leaderboard.rows.conditions import build_name, why_unlike
from leaderboard.units import MISSING

REPORT_VERSION = 1
EXIT = {"pass": 0, "regressed": 1, "cannot tell": 2}


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


def headline(gate: Gate) -> str:
    """The whole verdict in one sentence, with the runs that it is of."""
    return f"{verdict_line(gate)} ({runs_judged(gate)})"


def runs_judged(gate: Gate) -> str:
    """The first and the last run of each side, by their ids."""
    return f"{_runs(gate.candidate)} against {_runs(gate.baseline)}"


def verdict_line(gate: Gate) -> str:
    """The verdict, and what decided it, without the runs."""
    names = [side.runs[-1].candidate.name for side in (gate.candidate, gate.baseline)]
    both = " against ".join(names)
    if gate.failure:
        return f"{both}: regressed: {gate.failure}"
    deciding = [j for j in gate.judged if j.severity == "fail"]
    guilty = [name(j.metric) for j in deciding if j.verdict == gate.verdict]
    if gate.verdict == "pass":
        return f"{both}: pass on all {len(deciding)} metrics that decide{_but(gate)}"
    if not deciding:
        return f"{both}: cannot tell: the policy lets no metric decide"
    if not guilty:
        return f"{both}: cannot tell: {gate.lost:,} items were not judged"
    return f"{both}: {gate.verdict}: {', '.join(guilty)}"


def _but(gate: Gate) -> str:
    """Clause on what a pass does not cover, and on warnings beside it."""
    left = [name(j.metric) for j in gate.judged if j.margin is None]
    warned = [name(j.metric) for j in gate.judged if j.verdict == "regressed"]
    said = [
        *([f"not judged: {', '.join(left)}"] if left else []),
        *([f"warnings: {', '.join(warned)}"] if warned else []),
        *(["rare slow runs are not ruled out"] if _slow_runs(gate) else []),
    ]
    return "".join(f"; {one}" for one in said)


def _slow_runs(gate: Gate) -> list[str]:
    """Sentence on rare slow runs that so few runs cannot rule out, once for all times."""
    few = [j for j in gate.judged if is_slow_run(j) and j.verdict == "cannot tell" and j.needed]
    return [f"rare slow runs: {unseen(few[0])}"] if few else []


def _runs(side: Side) -> str:
    first, *others = side.runs
    return f"{first.run_id} to {others[-1].run_id}" if others else first.run_id


def notes(gate: Gate) -> list[str]:
    """Notes for a reader of the verdicts."""
    lines = [
        f"prompts differ (allowed by --allow-different-prompts): {m.text}" for m in gate.mismatches
    ]
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
    lines += [*_unjudged(gate), *_slow_runs(gate), *_conditions(gate), *_disturbances(gate)]
    lines += [*_floors(gate), *why_it_warns(gate.judged, gate.policy)]
    if any(not j.paired and j.loss is not None for j in gate.judged):
        lines.append(
            "times and memory: the runs are not interleaved pairs, so a machine that drifted "
            "between them is not in the intervals; --rerun measures both now"
        )
    if gate.mismatches or not gate.judged:
        return lines
    level = f"{1 - 2 * gate.policy.alpha:.0%}"
    lines.append(
        f"a loss is positive where the candidate is worse; intervals are {level} ones; detectable: "
        "the minimum detectable loss (80% power)"
    )
    return lines


def _conditions(gate: Gate) -> list[str]:
    """Sentences on how the two sides' conditions differ, and what is judged all the same."""
    why = why_unlike(gate.baseline.runs[-1], gate.candidate.runs[-1])
    if not why:
        return []
    return [
        f"times and memory: {why}, so they are not judged; --rerun measures both sides here",
        "accuracy: judged on the same items, although other kernels change a few choices",
    ]


def _unjudged(gate: Gate) -> list[str]:
    """Metrics without a verdict that decides, each with its reason."""
    warned = [judged for judged in gate.judged if judged.severity == "warn"]
    reasons: dict[str, list[str]] = {}
    for judged in warned:
        if judged.loss is None or judged.refused:
            what = name(judged.metric)
            reasons.setdefault(sentence(judged).removeprefix(what), []).append(what)
    lines = [f"{', '.join(names)}{reason}" for reason, names in reasons.items()]
    ignored = [in_words(key) for key, rule in gate.policy.metrics if rule.severity == "ignore"]
    if ignored:
        lines.append(f"not judged, since the policy ignores them: {', '.join(ignored)}")
    if gate.policy.tasks is not None:
        lines.append(f"the policy has these tasks alone judged: {', '.join(gate.policy.tasks)}")
    return lines


_MEANS = {
    "contended": " (other processes used the cores, so its times are too slow; measure it again "
    "with --fresh)"
}
"""Meaning of a flag, where its name alone does not say what to do."""


def _disturbances(gate: Gate) -> list[str]:
    """Warnings that stand in the records, with how many runs have them."""
    lines = []
    for which, side in (("baseline", gate.baseline), ("candidate", gate.candidate)):
        names = [{f.name for f in run.flags if f.level == "warning"} for run in side.runs]
        for flag in sorted(set().union(*names)):
            count = sum(flag in one for one in names)
            lines.append(
                f"{which}: flagged {flag} in {count} of {len(names)} runs{_MEANS.get(flag, '')}"
            )
    return lines


def _floors(gate: Gate) -> list[str]:
    """Sentences on the share of choices that batching alone changes, on either side."""
    floors = {
        side.scored.candidate.name: side.scored.noise_floor
        for side in (gate.baseline, gate.candidate)
    }
    return [
        f"{floor.share:.1%} of the choices of {which} change with batching alone (noise floor)"
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
                "machine": side.runs[-1].machine.fingerprint,
                "build": build_name(side.runs[-1]),
            }
            for which, side in sides.items()
        },
        "policy": gate.policy.model_dump(mode="json"),
        "failure": gate.failure or None,
        "insisted": bool(gate.mismatches),
        "metrics": [
            {**dataclasses.asdict(j), "improved": improved(j), "sentence": sentence(j)}
            for j in gate.judged
        ],
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
    "metric", "verdict", "severity", "baseline", "candidate", "loss", "interval", "allowed",
    "detectable",
)  # fmt: skip


def cells(judged: Judged) -> tuple[str, ...]:
    """A metric as a row under `HEADINGS`."""
    interval = judged.interval
    limits = [interval.low, interval.high] if interval else []
    return (
        name(judged.metric),
        word(judged),
        SEVERITY[judged.severity],
        value(judged.metric, judged.baseline),
        value(judged.metric, judged.candidate),
        amount(judged, judged.loss),
        " to ".join(f"{100 * limit:+.1f}" for limit in limits) or MISSING,
        amount(judged, judged.margin, sign=False),
        amount(judged, judged.detectable, sign=False),
    )


def shown(gate: Gate) -> list[Judged]:
    """The rows of a table, worst first: all that blocks, and of what warns what did not pass.

    What was not tested, and slowest runs of which nothing can be told, are in the notes.
    """
    rows = [
        j
        for j in gate.judged
        if j.severity == "fail"
        or word(j) == "regressed"
        or (word(j) == "cannot tell" and j.loss is not None and not is_slow_run(j))
    ]
    return worst_first(rows)


def left_out(gate: Gate) -> list[str]:
    """Metrics that only warn and did not warn, which no table lists."""
    warned = [j for j in gate.judged if j.severity == "warn"]
    found = []
    for which in ("improved", "pass"):
        names = [name(j.metric) for j in warned if word(j) == which]
        if names:
            found.append(f"{which} (of severity warning): {', '.join(names)}")
    return found
