"""A run's samples as scores by item, so that two runs can be laid beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from evals.errors import RecordError
from evals.scales import LIKELIHOODS, MOST, UNWEIGHTED, Scale, name_odd, odd_score
from leaderboard.rows.counting import no_share, parts, scale_of, unusable
from runners.records.parts import METRIC, WEIGHT
from runners.records.record import Record, TaskAccuracy

if TYPE_CHECKING:
    import pyarrow

NO_ITEM_SCORES = "the samples have no scores of its headline metric"
NO_LIKELIHOODS = (
    "the samples lack the documents' words or bytes, which early versions did not store; measure "
    "it again"
)


class ItemKey(NamedTuple):
    """Identity of an item. The hash alone is not unique: data sets repeat documents."""

    task: str
    item: str
    """Hash of prompt and choices."""
    doc_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The headline scores of one run, item by item."""

    record: Record
    scores: Mapping[str, Mapping[ItemKey, float]]
    """Item scores by task or group (the record's parts), 0 to 1; without what cannot be compared by
    item."""
    left_out: Mapping[str, str]
    """Parts whose scores are no share of items, whoever was asked: why."""
    unusable: Mapping[str, str]
    """Parts of which this run has no usable scores, or log-likelihoods: why, naming documents."""
    documents: Mapping[str, Mapping[ItemKey, tuple[float, float]]]
    """Documents by task whose score is a perplexity or bits per byte: each one's log-likelihood
    (nats) and weight (words, bytes, or 1)."""
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
        record: the run, which says which metric is a task's headline, and on which scale.
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
    table = _Rows(rows=rows, by_task=by_task, samples=samples)
    named = parts(record)
    outside = {part: why for part, tasks in named.items() if (why := no_share(_first(tasks)))}
    by_likelihood = [part for part in outside if scale_of(_first(named[part])) in LIKELIHOODS]
    read = {part: table.scores(named[part]) for part in named if part not in outside}
    likely = {part: table.likelihoods(named[part]) for part in by_likelihood}
    return Answers(
        record=record,
        scores={part: found for part, (found, why) in read.items() if not why},
        left_out=outside,
        unusable={part: why for part, (_, why) in [*read.items(), *likely.items()] if why},
        documents={part: found for part, (found, why) in likely.items() if not why},
        rows=rows,
        samples=samples,
    )


def _first(tasks: Mapping[str, TaskAccuracy]) -> TaskAccuracy:
    """A part's tasks have one metric, direction and scale."""
    return next(iter(tasks.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The samples by item."""

    rows: Mapping[ItemKey, int]
    by_task: Mapping[str, Sequence[ItemKey]]
    samples: pyarrow.Table

    def scores(self, tasks: Mapping[str, TaskAccuracy]) -> tuple[dict[ItemKey, float], str]:
        """The items' scores of a part, 0 to 1, and why they, or a task's own, cannot be used."""
        found: dict[ItemKey, float] = {}
        broken = []
        for name, task in tasks.items():
            keys = self.by_task.get(name, ())
            values = self._values(f"{METRIC}{task.metric}", keys)
            odd = _odd(keys, values or (), task)
            why = NO_ITEM_SCORES if values is None else odd or unusable(task)
            if why:
                broken.append(why if len(tasks) == 1 else f"{name}: {why}")
            else:
                most = MOST[scale_of(task)]
                found.update((key, v / most) for key, v in zip(keys, values or (), strict=True))
        return found, "; ".join(broken)

    def likelihoods(
        self, tasks: Mapping[str, TaskAccuracy]
    ) -> tuple[dict[ItemKey, tuple[float, float]], str]:
        """Log-likelihood and weight of a part's documents, and why they cannot be used."""
        found: dict[ItemKey, tuple[float, float]] = {}
        broken = []
        for name, task in tasks.items():
            keys = self.by_task.get(name, ())
            values = self._values(f"{METRIC}{task.metric}", keys)
            weights = self._values(f"{WEIGHT}{task.metric}", keys)
            if weights is None and task.metric.partition(",")[0] in UNWEIGHTED:
                weights = [1.0] * len(keys)
            if values is None or weights is None:
                broken.append(NO_LIKELIHOODS)
            elif why := _odd(keys, [*zip(values, weights, strict=True)], task):
                broken.append(why if len(tasks) == 1 else f"{name}: {why}")
            else:
                found.update(zip(keys, zip(values, weights, strict=True), strict=True))
        return found, "; ".join(dict.fromkeys(broken))

    def _values(self, column: str, keys: Sequence[ItemKey]) -> list[Any] | None:
        if not keys:
            return []  # not reached: its items will be listed as missing
        if column not in self.samples.column_names:
            return None
        found = self.samples.column(column).take([self.rows[key] for key in keys])
        return found.to_pylist()  # type: ignore[no-any-return]


def _odd(keys: Sequence[ItemKey], values: Sequence[object], task: TaskAccuracy) -> str:
    """Items without a usable score, in words; empty where all have one."""
    scale = cast("Scale", scale_of(task))
    found = {
        key.doc_id: why
        for key, value in zip(keys, values, strict=False)
        if (why := odd_score(value, scale))
    }
    return name_odd(task.metric, found, len(keys)) if found else ""


def _column(record: Record, samples: pyarrow.Table, name: str) -> list[Any]:
    if name not in samples.column_names:
        raise RecordError(f"samples of {record.run_id}: have no column {name!r}")
    return samples.column(name).to_pylist()  # type: ignore[no-any-return]
