"""lm-eval's tasks on one side, the worker's answers on the other.

The same steps as lm-eval's own `evaluate` after the model has answered: responses into the
instances, `apply_filters`, `process_results` document by document, `aggregation`. An incomplete
task is scored over its finished items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError, one_line
from evals.faults import TASK_FAULTS
from evals.quiet import quiet_harness
from evals.sandbox import sandboxed_templates
from evals.tasks import Item, LoadedTask
from runners.record import TaskAccuracy
from runners.record_values import bounded

if TYPE_CHECKING:
    from runners.windows import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """One task's accuracy and, of each finished item, its metrics."""

    accuracy: TaskAccuracy
    rows: tuple[dict[str, Any], ...]
    """An entry a finished item: metric name -> value."""


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
    """
    done = list(items[: len(answered)])
    if not done:
        return TaskScore(accuracy=_accuracy(loaded, items, {}, 0), rows=())
    try:
        with (
            quiet_harness(),
            sandboxed_templates(trusted=loaded.trusted),
        ):  # a task's functions may print, and stdout is for data
            per_item = _process(loaded, done, answered)
            values: dict[str, list[Any]] = {}
            for row in per_item:
                for name, value in row.items():
                    values.setdefault(name, []).append(value)
            accuracy = _accuracy(loaded, items, values, len(done))
    except (OSError, *TASK_FAULTS) as error:
        raise SpecError(f'task "{loaded.name}": its scoring fails: {one_line(error)}') from error
    return TaskScore(accuracy=accuracy, rows=tuple(per_item))


def _process(
    loaded: LoadedTask, items: Sequence[Item], answered: Sequence[Sequence[Sequence[Answer]]]
) -> list[dict[str, Any]]:
    task = loaded.task
    instances = [instance for item in items for instance in item.instances]
    for item, responses in zip(items, answered, strict=True):
        for instance, response in zip(item.instances, responses, strict=True):
            instance.resps, instance.filtered_resps = list(response), {}
    # Filters run over what the task holds; after an interruption that is not every instance.
    held, task._instances = task._instances, instances  # lm-eval has no setter
    try:
        task.apply_filters()
    finally:
        task._instances = held
    rows: list[dict[str, Any]] = []
    for item in items:
        row: dict[str, Any] = {}
        for name in item.instances[0].filtered_resps:
            found = task.process_results(item.doc, [i.filtered_resps[name] for i in item.instances])
            row.update({_metric_name(metric, name): value for metric, value in found.items()})
        rows.append(row)
    return rows


def _metric_name(metric: str, filter_name: str) -> str:
    """As lm-eval prints it, without the filter where there is only the one that does nothing."""
    return metric if filter_name == "none" else f"{metric},{filter_name}"


def _accuracy(
    loaded: LoadedTask, items: Sequence[Item], values: Mapping[str, list[Any]], n: int
) -> TaskAccuracy:
    metrics = {name: _aggregate(loaded, name, found) for name, found in values.items()}
    headline = _metric_name(loaded.metric, loaded.filter)
    chances = [item.chance for item in items]
    known = [chance for chance in chances if chance is not None]
    return TaskAccuracy(
        group=loaded.group,
        by_size=loaded.by_size,
        metric=headline,
        value=metrics.get(headline),
        stderr=_stderr(loaded, values.get(headline, [])),
        n=n,
        asked=len(items),
        chance=sum(known) / len(known) if known and len(known) == len(chances) else None,
        num_fewshot=loaded.num_fewshot,
        higher_is_better=loaded.higher_is_better,
        metrics=metrics,
        note=loaded.data.note,
    )


def _aggregate(loaded: LoadedTask, name: str, values: list[Any]) -> float | None:
    aggregation = loaded.task.aggregation().get(name.partition(",")[0])
    try:
        found = float(aggregation(values)) if aggregation else math.fsum(values) / len(values)
    except OverflowError:  # the perplexity of a candidate that is very wrong
        return None
    return bounded(found)


def _stderr(loaded: LoadedTask, values: list[Any]) -> float | None:
    """Sample standard deviation / sqrt(n), which is only right for a mean."""
    aggregation = loaded.task.aggregation().get(loaded.metric)
    if len(values) < 2 or getattr(aggregation, "__name__", "mean") != "mean":
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return bounded(math.sqrt(variance / len(values)))
