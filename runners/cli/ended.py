"""Lines that say how the jobs of a batch ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leaderboard.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboard.rows.metric import Metric
    from leaderboard.rows.row import Row
    from runners.batches.batch import Outcome
    from runners.records.record import Record

OWN_SIGNALS = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE")
"""A process dies of them by what it does: a wrong build, most likely."""


def ended(outcome: Outcome, *, keep_prompts: bool) -> str:
    """One line: it was there already, is done with these numbers, or failed and why."""
    record = outcome.record
    name = record.candidate.name
    if record.job.repeat:
        name += f" (repeat {record.job.repeat + 1})"
    if not outcome.ran:
        flags = [flag.name for flag in record.flags if flag.level == "warning"]
        flagged = f", flagged {', '.join(flags)}" if flags else ""
        prompts = ", which --keep-prompts needs, too" if keep_prompts else ""
        return (
            f"{name}: already measured ({record.run_id}{flagged}); --fresh measures it "
            f"again{prompts}"
        )
    verdict = f": {record.verdict.verdict}" if record.verdict else ""
    looks = record.job.looks
    if record.is_answer and looks:
        items = sum(task.n for task in record.accuracy.values())
        until = f"stopped at look {looks.look}: {looks.stopped}" if looks.stopped else "done"
        return f"{name}: {until}, {items:,} items{verdict}{_numbers(record)}"
    if record.is_answer:
        took = format_duration(record.job.seconds or 0.0)
        return f"{name}: done in {took}{verdict}{_numbers(record)}"
    why = record.error
    said = f" in {why.phase}: {why.message}" if why else ""
    return f"{name}: {record.status}{said}"


def _numbers(record: Record) -> str:
    """Accuracy, speed and memory of a finished run, for the line that says that it is over."""
    from leaderboard.rows.flags import STOPPED
    from leaderboard.rows.metrics import METRICS
    from leaderboard.rows.row import row
    from runners.cli.tables import with_interval

    one = row(record)
    flags = [flag for flag in one.flags if not flag.startswith(STOPPED)]  # said before
    found = [
        with_interval(one.score) if one.score else "",
        *(_said(one, METRICS[key]) for key in ("ttft", "decode", "memory")),
        f"flagged {', '.join(flags)}" if flags else "",
    ]
    text = ", ".join(part for part in found if part)
    return f": {text}" if text else ""


def _said(row: Row, metric: Metric) -> str:
    from runners.cli.tables import short_number

    if row.value(metric.key) is None:
        return ""
    return f"{metric.short} {short_number(row, metric)} {metric.unit.symbol}"


def after_a_crash(records: Sequence[Record]) -> list[str]:
    """Advice for workers that died of signals raised by their own code; said once."""
    messages = [record.error.message for record in records if record.error]
    found = [re.search(r"the worker was ended by (SIG\w+)", message) for message in messages]
    names = sorted({match[1] for match in found if match} & set(OWN_SIGNALS))
    if not names:
        return []
    return [
        f"a worker was ended by {', '.join(names)}: weighin doctor computes with the runtime and "
        "says what to do where its build is at fault"
    ]
