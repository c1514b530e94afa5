"""A record and its samples, held against each other: both say what was answered and how well."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from runners.samples import METRIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow

    from runners.record import Record, TaskAccuracy

TOLERANCE = 1e-5
"""Of a mean over values that are stored as float32, relative where it is above 1."""


def disagreement(record: Record, samples: pyarrow.Table) -> str:
    """In what a record and its samples differ, in words; empty where they agree.

    Args:
        record: says for each task how many items were answered and what they scored.
        samples: a row an item (docs/records.md).

    Compared are the tasks, the rows of each, and the mean of each headline metric that is one (its
    standard error says so). What another harness scored may lack the rows of a whole task.
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
    if said is None or accuracy.stderr is None:
        return ""  # no mean of items' scores, or of a single one
    if column not in samples.column_names:
        return f"{name}: its samples have no column {column!r}"
    pairs = zip(tasks, samples.column(column).to_pylist(), strict=True)
    values = [value for task, value in pairs if task == name]
    if any(value is None or not math.isfinite(value) for value in values):
        return ""  # an item without its score is named where answers are read
    mean = math.fsum(values) / len(values)
    if math.isclose(mean, said, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return ""
    return f"{name}: it says {accuracy.metric} = {said:.6g}, and its samples come to {mean:.6g}"
