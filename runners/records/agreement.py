"""A record and its samples, held against each other: both say what was answered and how well."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from evals.scales import LIKELIHOODS
from runners.records.parts import METRIC, WEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow

    from runners.records.record import Record, TaskAccuracy

TOLERANCE = 1e-5
"""Tolerance of a mean over values that are stored as float32; relative where it is above 1."""


def disagreement(record: Record, samples: pyarrow.Table) -> str:
    """Differences between a record and its samples, in words; empty where they agree.

    Args:
        record: says for each task how many items were answered and what they scored.
        samples: a row an item (docs/records.md).

    Compared are the tasks, the rows of each, and the mean of each headline metric that is one (its
    standard error says so), or the perplexity that its documents' log-likelihoods come to. What
    another harness scored may lack the rows of a whole task.
    """
    if "task" not in samples.column_names:
        return "its samples have no column 'task'"
    tasks = samples.column("task").to_pylist()
    rows = Counter(tasks)
    for name in rows:
        if name not in record.accuracy:
            return f"its samples have {rows[name]:,} rows of {name}, of which it has no score"
    for name, accuracy in record.accuracy.items():
        unseen = record.imported is not None and not rows[name]
        if rows[name] != accuracy.n and not unseen:
            return f"{name}: it says n = {accuracy.n:,}, and its samples have {rows[name]:,} rows"
        found = "" if unseen else _other_mean(name, accuracy, samples, tasks)
        if found:
            return found
    return ""


def _other_mean(
    name: str, accuracy: TaskAccuracy, samples: pyarrow.Table, tasks: Sequence[str]
) -> str:
    said, column = accuracy.value, f"{METRIC}{accuracy.metric}"
    weight = f"{WEIGHT}{accuracy.metric}"
    likely = accuracy.scale in LIKELIHOODS and weight in samples.column_names
    if said is None or (accuracy.stderr is None and not likely):
        return ""  # no mean of items' scores, or of a single one
    if column not in samples.column_names:
        return f"{name}: its samples have no column {column!r}"
    values = _of_task(name, tasks, samples.column(column).to_pylist())
    if any(value is None or not math.isfinite(value) for value in values):
        return ""  # an item without its score is named where answers are read
    if likely:
        return _other_likelihood(
            name, accuracy, values, _of_task(name, tasks, samples.column(weight).to_pylist())
        )
    mean = math.fsum(values) / len(values)
    if math.isclose(mean, said, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return ""
    return f"{name}: it says {accuracy.metric} = {said:.6g}, and its samples come to {mean:.6g}"


def _of_task(name: str, tasks: Sequence[str], values: Sequence[Any]) -> list[Any]:
    return [value for task, value in zip(tasks, values, strict=True) if task == name]


def _other_likelihood(
    name: str, accuracy: TaskAccuracy, nats: Sequence[float], weights: Sequence[float | None]
) -> str:
    """Perplexities are compared as logarithms, in which their documents are rounded."""
    said = accuracy.value or 0.0
    total = math.fsum(weight or 0.0 for weight in weights)
    mean = -math.fsum(nats) / total if total > 0 else math.nan
    bits = accuracy.scale == "bits_per_byte"
    logarithm = said * math.log(2) if bits else math.log(said) if said > 0 else math.nan
    if math.isclose(mean, logarithm, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return ""
    return (
        f"{name}: it says {accuracy.metric} = {said:.6g}, which is {logarithm:.6g} nats, and its "
        f"samples come to {mean:.6g}"
    )
