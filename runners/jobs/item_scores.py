"""Answers -> the metrics of each item, by the task's own filters and functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evals.scales import Scale, scale_of_metric
from evals.tasks.faults import TASK_FAULTS
from evals.tasks.quiet import quiet_harness
from evals.tasks.sandbox import sandboxed_templates

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from evals.tasks.load import LoadedTask
    from runners.jobs.windows import Answer

GOLD_ITEMS = 5
"""Items whose gold answer is scored to see on which scale a task's own function scores."""
ABSENT = -1.0
"""What an item of another length has, by the metrics that have a name for it."""
_UNLIKELY = -100.0
"""Nats of a choice that is not the gold one."""


def metric_name(metric: str, filter_name: str) -> str:
    """Name of a metric as lm-eval prints it, without the filter where there is only the one that
    does nothing.
    """
    return metric if filter_name == "none" else f"{metric},{filter_name}"


def headline(loaded: LoadedTask) -> str:
    """The metric whose value is the task's score."""
    return metric_name(loaded.metric, loaded.filter)


def item_scores(
    loaded: LoadedTask, items: Sequence[Item], answered: Sequence[Sequence[Sequence[Answer]]]
) -> list[dict[str, Any]]:
    """Metric name -> value of each item; NumPy's numbers are Python's.

    Args:
        loaded: the task whose `instances` the items are.
        items: shape (n,).
        answered: shape (n,): of each item, of each of its instances, the responses.

    Raises:
        Exception: whatever the task's own code raises (`evals.tasks.faults.TASK_FAULTS`, OSError).
    """
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
    elsewhere = absence_named(loaded)
    for item in items:
        row: dict[str, Any] = {}
        for name in item.instances[0].filtered_resps:
            found = task.process_results(item.doc, [i.filtered_resps[name] for i in item.instances])
            there = ((k, _plain(v)) for k, v in found.items() if v != ABSENT or k not in elsewhere)
            row.update({metric_name(key, name): value for key, value in there})
        rows.append(row)
    return rows


def absence_named(loaded: LoadedTask) -> frozenset[str]:
    """The metrics of a task by which an item of -1 means that it has none, as RULER's lengths do.

    Told by their function: it leaves -1 out of its mean.
    """
    return frozenset(name for name, put in loaded.task.aggregation().items() if _leaves_out(put))


def _leaves_out(aggregation: Any) -> bool:
    try:
        some, none = aggregation([ABSENT, 1.0]), aggregation([ABSENT])
        return bool(some == 1.0 and none == ABSENT)
    except Exception:  # a function of other values than numbers  # noqa: BLE001
        return False


def headline_scale(loaded: LoadedTask, items: Sequence[Item]) -> Scale:
    """Scale of the task's score; the same for every candidate that is asked it."""
    name = aggregation_name(loaded, loaded.metric)
    own_function = callable(loaded.task.get_config("process_results"))
    asked = own_function and name == "mean" and loaded.scale is None
    gold = _gold_scores(loaded, items) if asked else None
    return scale_of_metric(headline(loaded), name, stated=loaded.scale, gold=gold)


def aggregation_name(loaded: LoadedTask, metric: str) -> str:
    """The name of the function that makes one score of the items'; lm-eval's own is `mean`."""
    aggregation = loaded.task.aggregation().get(metric.partition(",")[0])
    return getattr(aggregation, "__name__", "mean" if aggregation is None else "")


def _gold_scores(loaded: LoadedTask, items: Sequence[Item]) -> list[object]:
    """Scores that a task's own function gives the gold answers; empty where it cannot."""
    try:
        with quiet_harness(), sandboxed_templates(trusted=loaded.trusted):
            asked = items[:GOLD_ITEMS]
            rows = item_scores(loaded, asked, [_gold(loaded.task, item) for item in asked])
    except (OSError, *TASK_FAULTS):
        return []  # it fails on the candidate's answers, too, and is named there
    return [row.get(headline(loaded)) for row in rows]


def _gold(task: Any, item: Item) -> list[list[Answer]]:
    """Responses of a model that knows the answer, for each instance of an item."""
    if task.OUTPUT_TYPE == "multiple_choice":
        right = item.target if isinstance(item.target, list) else [item.target]
        likely = [instance.idx in right for instance in item.instances]
        return [[(0.0 if one else _UNLIKELY, one)] for one in likely]
    if task.OUTPUT_TYPE == "generate_until":
        target = item.target
        if task.get_config("doc_to_choice") is not None and isinstance(target, int):
            target = task.doc_to_choice(item.doc)[target]
        text = str(target[0] if isinstance(target, list) and target else target)
        return [[text] * int(instance.repeats or 1) for instance in item.instances]
    if task.OUTPUT_TYPE == "loglikelihood":
        return [[(0.0, True)] for _ in item.instances]
    return [[0.0] for _ in item.instances]


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own; anything else as it is."""
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value
