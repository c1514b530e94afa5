"""A run's samples as scores by item, so that two runs can be laid beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from evals.errors import RecordError
from runners.record import Record, TaskAccuracy

if TYPE_CHECKING:
    import pyarrow

METRIC = "metric."
"""As runners/samples.py names the columns that hold a metric's value (docs/records.md)."""
NO_ITEM_SCORES = "its headline metric is no mean of scores of items"
NO_PROPORTION = "its scores do not lie between 0 and 1, or less is better"


class ItemKey(NamedTuple):
    """Which item. The hash alone is not unique: data sets repeat documents."""

    task: str
    item: str
    """Hash of prompt and choices."""
    doc_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The headline scores of one run, item by item."""

    record: Record
    scores: Mapping[str, Mapping[ItemKey, float]]
    """By task or group (the record's parts); what cannot be compared by item is not in it."""
    reasons: Mapping[str, str]
    """Of the parts that are not: why."""
    rows: Mapping[ItemKey, int]
    """The item's row in `samples`."""
    samples: pyarrow.Table

    def passages(self) -> dict[ItemKey, tuple[str, str]]:
        """Task and passage of the items that are about one; several items may share it."""
        if "passage" not in self.samples.column_names:
            return {}
        texts = self.samples.column("passage").to_pylist()
        found = {key: texts[row] for key, row in self.rows.items()}
        return {key: (key.task, text) for key, text in found.items() if text is not None}

    def cell(self, key: ItemKey, column: str) -> Any:
        """One value of one item; None where the samples have no such column."""
        if column not in self.samples.column_names:
            return None
        return self.samples.column(column)[self.rows[key]].as_py()


def read_answers(record: Record, samples: pyarrow.Table) -> Answers:
    """The headline scores of a run.

    Args:
        record: the run, which says which metric is a task's headline.
        samples: its rows (docs/records.md).

    Raises:
        RecordError: a column is missing, or an item is there twice.
    """
    tasks, items, docs = (_column(record, samples, c) for c in ("task", "item", "doc_id"))
    rows: dict[ItemKey, int] = {}
    for i, key in enumerate(map(ItemKey, tasks, items, docs)):
        if rows.setdefault(key, i) != i:
            raise RecordError(
                f"samples of {record.run_id}: document {key.doc_id} of {key.task} is there twice"
            )
    by_task: dict[str, list[ItemKey]] = {}
    for key in rows:
        by_task.setdefault(key.task, []).append(key)
    scores: dict[str, dict[ItemKey, float]] = {}
    reasons: dict[str, str] = {}
    for part, named in parts(record).items():
        found: dict[ItemKey, float] = {}
        for task, accuracy in named.items():
            reason = _read_task(accuracy, by_task.get(task, []), rows, samples, found)
            if reason:
                reasons[part] = f"{task}: {reason}"
        if part not in reasons:
            scores[part] = found
    return Answers(record=record, scores=scores, reasons=reasons, rows=rows, samples=samples)


def parts(record: Record) -> dict[str, dict[str, TaskAccuracy]]:
    """What a suite's score is the mean of: tasks, and groups with their subjects."""
    found: dict[str, dict[str, TaskAccuracy]] = {}
    for name, task in record.accuracy.items():
        found.setdefault(task.group, {})[name] = task
    return found


def _read_task(
    accuracy: TaskAccuracy,
    keys: Sequence[ItemKey],
    rows: Mapping[ItemKey, int],
    samples: pyarrow.Table,
    found: dict[ItemKey, float],
) -> str:
    """Add a task's scores to `found`; the reason where they cannot be compared by item."""
    if not keys:
        return ""  # not reached: its items will be listed as missing
    column = f"{METRIC}{accuracy.metric}"
    if column not in samples.column_names:
        return NO_ITEM_SCORES
    values = samples.column(column).take([rows[key] for key in keys]).to_pylist()
    if None in values:
        return NO_ITEM_SCORES
    if not accuracy.higher_is_better or not all(0 <= v <= 1 for v in values if math.isfinite(v)):
        return NO_PROPORTION
    if not all(map(math.isfinite, values)):
        return NO_PROPORTION
    found.update(zip(keys, map(float, values), strict=True))
    return ""


def _column(record: Record, samples: pyarrow.Table, name: str) -> list[Any]:
    if name not in samples.column_names:
        raise RecordError(f"samples of {record.run_id}: have no column {name!r}")
    return samples.column(name).to_pylist()  # type: ignore[no-any-return]
