"""The groups of an lm-eval results file: which row a task belongs to, and how it counts there.

The file names the members of groups and not their settings, so whether a group weighs tasks by
their items is read from its own mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from runners.records.record import TaskAccuracy


def row_of_tasks(content: Mapping[str, Any]) -> dict[str, str]:
    """Each task's outermost group that aggregates; the outermost of all where none does."""
    subtasks: Mapping[str, list[str]] = content.get("group_subtasks") or {}
    parent = {child: group for group, children in subtasks.items() for child in children}
    found: dict[str, str] = {}
    for child in parent:
        above = list(_above(child, parent))
        means = [group for group in above if _means(content, group)]
        found[child] = [*above, *means][-1]
    return found


def with_weights(
    content: Mapping[str, Any], tasks: Mapping[str, TaskAccuracy]
) -> dict[str, TaskAccuracy]:
    """Mark the tasks of groups whose mean is that of their tasks, not of their items."""
    found = dict(tasks)
    for group in {task.group for name, task in tasks.items() if task.group != name}:
        members = {name: task for name, task in tasks.items() if task.group == group}
        if _counts_tasks_alike(_means(content, group), members):
            found |= {
                name: task.model_copy(update={"by_size": False}) for name, task in members.items()
            }
    return found


def _above(child: str, parent: Mapping[str, str]) -> Iterator[str]:
    """The task's groups from the inside out; a circle ends where it began."""
    seen = {child}
    while child in parent and parent[child] not in seen:
        child = parent[child]
        seen.add(child)
        yield child


def _means(content: Mapping[str, Any], group: str) -> dict[str, float]:
    """A group's own values, by lm-eval's `metric,filter`."""
    listed = (content.get("groups") or {}).get(group) or content["results"].get(group) or {}
    return {
        name: value
        for name, value in listed.items()
        if "," in name and "_stderr," not in name and isinstance(value, int | float)
    }


def _counts_tasks_alike(means: Mapping[str, float], members: Mapping[str, TaskAccuracy]) -> bool:
    tasks = list(members.values())
    metric = tasks[0].metric
    mean = means.get(metric if "," in metric else f"{metric},none")
    values = [task.value for task in tasks if task.value is not None]
    sizes = [task.n for task in tasks]
    if mean is None or len(values) < len(tasks) or not sum(sizes):
        return False
    by_item = math.fsum(v * n for v, n in zip(values, sizes, strict=True)) / sum(sizes)
    by_task = math.fsum(values) / len(values)
    near = {"rel_tol": 1e-6, "abs_tol": 1e-9}
    return math.isclose(mean, by_task, **near) and not math.isclose(mean, by_item, **near)
