"""Metrics of what comes before an answer: tokens of thought, and the wait for the answer."""

from __future__ import annotations

import math

from leaderboard.rows.metric import Limit, Metric, mean_of_runs
from leaderboard.units import PLAIN, SECONDS
from runners.records.record import Record

THOUGHT = "thought"


def thought_tokens(record: Record, _workload: str = "") -> float | None:
    """Tokens of thought a generation; None where nothing was generated."""
    told = record.answers.values()
    n = sum(one.n for one in told)
    return sum(one.thought_tokens for one in told) / n if n else None


def answer_s(record: Record, _workload: str = "") -> float | None:
    """Mean seconds to the answer over all generations; None where some task's were not timed."""
    told = [(one.n, one.answer_s) for one in record.answers.values() if one.n]
    waits = [(n, found.mean) for n, found in told if found is not None]
    if not waits or len(waits) < len(told):
        return None
    return math.fsum(n * mean for n, mean in waits) / sum(n for n, _ in waits)


THOUGHT_METRICS = (
    Metric(
        key=THOUGHT,
        name="thought_tokens",
        title="tokens of thought an item",
        short="thought",
        hint="Tokens before the answer, mean over the items that are answered by generating text.",
        unit=PLAIN,
        better="lower",
        over="runs",
        run=thought_tokens,
        combine=mean_of_runs,
        of_thought=True,
        axis=True,
    ),
    Metric(
        key="answer",
        name="answer_s",
        title="seconds to the answer",
        short="answer",
        hint="From the request to the first token after the thought, mean over generated items; to "
        "the last token where no answer came.",
        unit=SECONDS,
        better="lower",
        over="runs",
        run=answer_s,
        combine=mean_of_runs,
        of_thought=True,
        axis=True,
        limit=Limit(
            address="answer_s",
            label="seconds to the answer, s",
            what="time to the answer",
            part="do",
        ),
    ),
)
"""Shown where some candidate thinks (`leaderboard.rows.shown`)."""
