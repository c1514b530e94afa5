"""lm-eval's tasks on one side, the worker's answers on the other.

The same steps as lm-eval's own `evaluate` after the model has answered: responses into the
instances, `apply_filters`, `process_results` document by document, `aggregation`. An incomplete
task is scored over its finished items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError, one_line
from evals.scales import MISSING, Scale, name_odd, odd_score
from evals.tasks.faults import TASK_FAULTS
from evals.tasks.items import Item
from evals.tasks.load import LoadedTask
from evals.tasks.quiet import quiet_harness
from evals.tasks.sandbox import sandboxed_templates
from evals.tasks.scored import executing, noting_faults
from runners.jobs.item_scores import (
    absence_named,
    aggregation_name,
    headline,
    headline_scale,
    item_scores,
)
from runners.records.record import TaskAccuracy
from runners.records.standard_error import Spread, spread
from runners.records.values import bounded
from runners.sandbox.trial import runs_to_its_end

if TYPE_CHECKING:
    from runners.jobs.windows import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """One task's accuracy and, of each finished item, its metrics."""

    accuracy: TaskAccuracy
    rows: tuple[dict[str, Any], ...]
    """An entry a finished item: metric name -> value."""
    aggregations: Mapping[str, str] = field(default_factory=dict)
    """Metric name -> name of the function that puts the items' values together."""
    faults: tuple[str, ...] = ()
    """Fault of its scorer on each answer that it failed on, which counts as wrong."""


def score_task(
    loaded: LoadedTask, items: Sequence[Item], answered: Sequence[Sequence[Sequence[Answer]]]
) -> TaskScore:
    """Score the first `len(answered)` items of a task.

    Args:
        loaded: the task whose `instances` the items are.
        items: every item that was asked for.
        answered: of each finished item, of each of its instances, the responses.

    Raises:
        SpecError: the task's own scoring code fails.
        RuntimeFailure: what it needs to run code cannot be started.
    """
    done = list(items[: len(answered)])
    scale = headline_scale(loaded, items)
    if not done:
        return TaskScore(accuracy=_accuracy(loaded, items, (), scale), rows=())
    try:
        with (
            quiet_harness(),
            sandboxed_templates(trusted=loaded.trusted),
            executing(runs_to_its_end),
            noting_faults() as faults,
        ):  # a task's functions may print, and stdout is for data
            per_item = item_scores(loaded, done, answered)
            accuracy = _accuracy(loaded, items, per_item, scale)
    except (OSError, *TASK_FAULTS) as error:
        raise SpecError(f'task "{loaded.name}": its scoring fails: {one_line(error)}') from error
    aggregations = {name: aggregation_name(loaded, name) for row in per_item for name in row}
    return TaskScore(
        accuracy=accuracy, rows=tuple(per_item), aggregations=aggregations, faults=tuple(faults)
    )


def unscored_task(loaded: LoadedTask, items: Sequence[Item], answered: int) -> TaskScore:
    """A task whose answers are kept without a score.

    Args:
        answered: items that have an answer.
    """
    accuracy = _accuracy(loaded, items, (), "unknown")
    told = {"n": answered, "scale": "", "unusable": "its answers were not scored (--no-score)"}
    return TaskScore(accuracy=accuracy.model_copy(update=told), rows=({},) * answered)


def _accuracy(
    loaded: LoadedTask, items: Sequence[Item], rows: Sequence[Mapping[str, Any]], scale: Scale
) -> TaskAccuracy:
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row[name] for row in rows if name in row] for name in names}
    metric, elsewhere = headline(loaded), absence_named(loaded)
    if elsewhere and metric not in values:
        metric = next(iter(values), metric)  # the first length that was run, say
    odd = {
        item.doc_id: reason
        for item, row in zip(items, rows, strict=False)
        if (metric in row or not elsewhere)
        and (reason := odd_score(row.get(metric, MISSING), scale))
    }
    # One item without a score leaves no score of the task: a mean over the rest is of another.
    values |= {metric: []} if odd else {}
    metrics = {name: _aggregate(loaded, name, found) for name, found in values.items()}
    sure = _spread(loaded, values.get(metric, []), items)
    together = sure is not None and sure.clusters < len(rows)
    chances = [item.chance for item in items]
    known = [chance for chance in chances if chance is not None]
    return TaskAccuracy(
        group=loaded.group,
        entry="" if loaded.entry == loaded.group else loaded.entry,
        by_size=loaded.by_size,
        metric=metric,
        value=metrics.get(metric),
        stderr=bounded(sure.stderr) if sure else None,
        n=len(rows),
        asked=len(items),
        documents=loaded.total,
        chance=sum(known) / len(known) if known and len(known) == len(chances) else None,
        num_fewshot=loaded.num_fewshot,
        higher_is_better=loaded.higher_is_better,
        metrics=metrics,
        note=loaded.data.note,
        scale=scale,
        ability=loaded.ability,
        unusable=_unusable(metric, odd, len(rows), metrics.get(metric)),
        clusters=sure.clusters if sure and together else None,
        design_effect=sure.design_effect if sure and together else None,
        optional=loaded.optional,
    )


def _unusable(metric: str, odd: Mapping[int, str], n: int, value: float | None) -> str:
    if odd:
        return name_odd(metric, odd, n)
    return f"its {metric} is no finite number" if n and value is None else ""


def _aggregate(loaded: LoadedTask, name: str, values: list[Any]) -> float | None:
    if not values:
        return None
    aggregation = loaded.task.aggregation().get(name.partition(",")[0])
    try:
        found = float(aggregation(values)) if aggregation else math.fsum(values) / len(values)
    except OverflowError:  # the perplexity of a candidate that is very wrong
        return None
    return bounded(found)


def _spread(loaded: LoadedTask, values: list[Any], items: Sequence[Item]) -> Spread | None:
    """Standard error of the headline's mean, with items clustered by passage or as repeats of one
    item. None where the headline is no mean, or is of one item.
    """
    aggregation = loaded.task.aggregation().get(loaded.metric)
    if len(values) < 2 or getattr(aggregation, "__name__", "mean") != "mean":
        return None
    return spread(values, [item.cluster or item.identity for item in items[: len(values)]])
