"""One metric of a gate in words: its name, its values, and its verdict in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evals.scales import LIKELIHOODS
from leaderboard.compare.fidelity_words import ratio_text
from leaderboard.gate.slow_runs import PREFIX, RARE
from leaderboard.gate.verdicts import Judged
from leaderboard.rows.metrics import gated, named
from leaderboard.units import (
    MISSING,
    format_ms,
    format_number,
    format_percent,
)

_NAMES = {
    "accuracy": "accuracy",
    "task": "each task",
    "perplexity": "perplexity",
    "bits_per_byte": "bits per byte",
    "score": "score",
    "fidelity": "perplexity of the answers",
    "ttft_tail_s": "slow end of TTFT",
    "itl_tail_s": "slow end of inter-token latency",
    "e2e_tail_s": "slow end of whole requests",
    "tail": "slow ends of requests",
    "slowest_run": "slowest runs",
}
_FORMATS = {
    "accuracy": format_percent,
    "perplexity": format_number,
    "bits_per_byte": format_number,
    "score": format_number,
    "fidelity": ratio_text,
    "ttft_tail_s": format_ms,
    "itl_tail_s": format_ms,
    "e2e_tail_s": format_ms,
}
SEVERITY = {"fail": "blocking", "warn": "warning"}
OF_TASKS = ("accuracy", "perplexity", "bits_per_byte", "score")
"""Metrics that have a task after their colon; the others have a workload."""


def is_slow_run(judged: Judged) -> bool:
    """True for a metric that compares the sides' slowest runs."""
    return judged.metric.startswith(PREFIX)


def name(metric: str) -> str:
    """A metric in words: `TTFT 512+64`, `accuracy of boolq`, `slowest run: TTFT 512+64`."""
    slowest = metric.startswith(PREFIX)
    kind, _, rest = metric.removeprefix(PREFIX).partition(":")
    of = " of " if kind in OF_TASKS else " "
    words = f"{in_words(kind)}{of}{rest}" if rest else in_words(kind)
    return f"slowest run: {words}" if slowest else words


def in_words(kind: str) -> str:
    """A metric of the policy, or of the table, in words."""
    known = _NAMES | {metric.name: tolerance.what for metric, tolerance in gated()}
    return known[kind]


def value(metric: str, number: float | None) -> str:
    """A metric's value with its unit."""
    kind = metric.removeprefix(PREFIX).partition(":")[0]
    text = _FORMATS[kind] if kind in _FORMATS else named(kind).unit.text
    return MISSING if number is None else text(number)


def amount(judged: Judged, loss: float | None, *, sign: bool = True) -> str:
    """A loss, margin or limit: `+1.2 points`, `-3.4%`; positive is worse."""
    if loss is None:
        return MISSING
    text = f"{100 * loss:+.1f}" if sign else format_number(100 * loss)
    unit = "%" if judged.unit == "share" else " point" if text == "1.00" else " points"
    return ("1" if text == "1.00" else text) + unit


def improved(judged: Judged) -> bool:
    """True where a metric got better: significantly, and by the margin or more."""
    if judged.verdict != "pass" or judged.loss is None or not judged.margin:
        return False
    told = judged.interval.high < 0 if judged.interval else not is_slow_run(judged)
    if judged.unit == "points":
        return told and judged.loss <= -judged.margin
    return told and math.log1p(judged.loss) <= -math.log1p(judged.margin)


def word(judged: Judged) -> str:
    """The verdict as it is shown: `regressed`, `cannot tell`, `not tested`, `improved`, `pass`."""
    if judged.refused:
        return "not tested"
    return "improved" if improved(judged) else judged.verdict


WORST_FIRST = ("regressed", "cannot tell", "not tested", "pass", "improved")
"""Verdicts in words (`word`), as they are sorted wherever they are listed."""


def worst_first(judged: Sequence[Judged]) -> list[Judged]:
    """Verdicts, the worst first, blocking ones before warnings, then by the loss in margins."""

    def place(one: Judged) -> tuple[int, bool, float]:
        loss = one.loss / one.margin if one.loss is not None and one.margin else -math.inf
        return WORST_FIRST.index(word(one)), one.severity == "warn", -loss

    return sorted(judged, key=place)


def sentence(judged: Judged) -> str:
    """One metric's verdict in a sentence."""
    what, margin = name(judged.metric), amount(judged, judged.margin, sign=False)
    if judged.refused:
        counted = _counted(judged, "runs per side")
        remedy = " (`--rerun --pairs 10`)" if counted.startswith("runs") else ""
        return f"{what}: not tested: needs {judged.needed} {counted}, has {judged.count}{remedy}"
    if judged.margin is None:
        return f"{what}: not judged: {judged.reason}"
    if judged.loss is None:
        return f"{what}: cannot tell, since it {_because(judged.reason)}"
    if is_slow_run(judged):
        return _of_slow_runs(judged, what, margin)
    if judged.interval is None:
        compared = "more than" if judged.verdict == "regressed" else "within"
        return f"{what}: {amount(judged, judged.loss)}, {compared} the {margin} that is allowed"
    limits = f"{amount(judged, judged.interval.low)} to {amount(judged, judged.interval.high)}"
    return _of_an_interval(judged, what, margin, limits)


def _of_an_interval(judged: Judged, what: str, margin: str, limits: str) -> str:
    if improved(judged):
        better = amount(judged, -(judged.loss or 0.0), sign=False)
        return f"{what}: improved by {better} (loss {limits})"
    if judged.verdict == "pass":
        return f"{what}: a loss of {margin} is ruled out (loss {limits})"
    if judged.verdict == "regressed":
        loss = amount(judged, judged.loss, sign=False)
        return f"{what}: {loss} worse (loss {limits}); {margin} is allowed"
    unit = _counted(judged, "pairs")
    could = amount(judged, judged.detectable, sign=False)
    return (
        f"{what}: cannot tell, since the loss may be {limits} and {margin} is allowed; minimum "
        f"detectable loss {could} (80% power); about {judged.needed:,} {unit} would settle it"
    )


def _of_slow_runs(judged: Judged, what: str, margin: str) -> str:
    loss = amount(judged, judged.loss)
    if judged.verdict == "regressed":
        return (
            f"{what}: {loss} against the baseline's slowest of {judged.count} (compared, not "
            f"tested); {margin} is allowed"
        )
    if judged.verdict == "pass":
        return f"{what}: {loss}; a slow mode of one run in seven is ruled out by {judged.count}"
    return f"{what}: {loss}; {unseen(judged)}"


def unseen(judged: Judged) -> str:
    """Probability that so few runs hold no run of a rare slow mode, in words."""
    missed = (1 - RARE) ** judged.count
    return (
        f"a mode that slows one run in seven stays unseen in {missed:.0%} of gates of "
        f"{judged.count} runs per side; {judged.needed} show it (`--rerun --pairs {judged.needed}`)"
    )


def _counted(judged: Judged, runs: str) -> str:
    """Name of the things that the metric counts, such as items."""
    if judged.metric.partition(":")[0] in LIKELIHOODS:
        return "documents"
    if judged.unit == "points" or judged.metric == "fidelity":
        return "items"
    return runs if judged.paired else "runs per side"


def _because(reason: str) -> str:
    starts = ("was ", "measured ", "is ")
    if reason.startswith("measured "):
        return f"was {reason}"
    return reason if reason.startswith(starts) else f"has no estimate ({reason})"
