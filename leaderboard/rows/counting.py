"""Decide by the task, for all candidates alike, what enters a mean over tasks and on which scale.

A candidate's own values say one thing only: whether its number can be used on that scale. Where it
cannot, the candidate has no suite score; what counts for the others stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evals.abilities import OTHER, ability_by_name
from evals.scales import MEANS, MOST, scale_by_name
from runners.records.record import Record, TaskAccuracy

_NO_MEAN = {
    "perplexity": "a perplexity is no share of items that are right",
    "bits_per_byte": "bits per byte are no share of items that are right",
    "corpus": "it is worked out over all documents together and is no mean of item scores",
    "unknown": (
        "nobody says on which scale it is; put `scale: share` (items score 0 to 1) or `scale: "
        "percent` (0 to 100) beside the task in the suite, or into the task's metadata"
    ),
}
LESS_IS_BETTER = "less of it is better"
OPTIONAL = "candidates of a shorter context are not asked it"
Parts = dict[str, dict[str, TaskAccuracy]]
"""The parts that a suite's score is the mean of: tasks, and groups with their subjects."""


def scale_of(task: TaskAccuracy) -> str:
    """The scale of a task's score, a key of `evals.scales.Scale`.

    In a record older than the key it follows from the metric's name; a finite value without a
    standard error is then one whose aggregation is no mean.
    """
    if task.scale:
        return task.scale
    named = scale_by_name(task.metric)
    no_mean = task.stderr is None and task.value is not None and task.n > 1
    return "corpus" if named in (*MEANS, "unknown") and no_mean else named


def left_out(task: TaskAccuracy) -> str:
    """Why a task enters no mean, for any candidate; empty where it does."""
    return no_share(task) or (OPTIONAL if task.optional else "")


def no_share(task: TaskAccuracy) -> str:
    """Why a task's score is no share of items that are right; empty where it is."""
    scale = scale_of(task)
    if scale not in MEANS:
        return f"{task.metric}: {_NO_MEAN.get(scale, _NO_MEAN['unknown'])}"
    return "" if task.higher_is_better else f"{task.metric}: {LESS_IS_BETTER}"


def unusable(task: TaskAccuracy) -> str:
    """Why this candidate's score of a task cannot be used; empty where it can.

    A task that was not reached is no fault of its score.
    """
    if task.unusable or not task.n:
        return task.unusable
    if task.value is None or not math.isfinite(task.value):
        return f"its {task.metric} is no finite number"
    most = MOST.get(scale_of(task), math.inf)
    if not no_share(task) and not 0 <= task.value <= most:
        return f"its {task.metric} of {task.value:g} lies outside 0 to {most:g}"
    return ""


def as_share(task: TaskAccuracy) -> TaskAccuracy:
    """A task whose score is a share, between 0 and 1."""
    most = MOST.get(scale_of(task), 1.0)
    if most == 1 or no_share(task):
        return task
    scaled = {
        name: None if number is None else number / most
        for name, number in (("value", task.value), ("stderr", task.stderr))
    }
    return task.model_copy(update=scaled)


def ability_of(tasks: Mapping[str, TaskAccuracy]) -> str:
    """The ability that a task, or a group of several, measures: OTHER where its tasks differ.

    Args:
        tasks: by name.
    """
    found = {
        task.ability or ability_by_name(name, task.group, task.entry)
        for name, task in tasks.items()
    }
    return found.pop() if len(found) == 1 else OTHER


def parts(record: Record) -> Parts:
    """The record's tasks and groups, in the suite's order.

    A group whose members have different metrics is no group: a mean of unlike numbers says
    nothing, so that its members stand for themselves.
    """
    groups: Parts = {}
    for name, task in record.accuracy.items():
        groups.setdefault(task.group, {})[name] = task
    found: Parts = {}
    for group, tasks in groups.items():
        kinds = {(t.metric, t.higher_is_better, scale_of(t)) for t in tasks.values()}
        if len(kinds) == 1:
            found[group] = tasks
        else:
            found.update({name: {name: task} for name, task in tasks.items()})
    return found


def missing_tasks(record: Record) -> dict[str, str]:
    """Entries of the suite for which a record with scores has none, and why.

    What is optional is not missing.
    """
    if not record.accuracy and not record.contexts:
        return {}
    known = {
        *record.accuracy,
        *(name for task in record.accuracy.values() for name in (task.group, task.entry)),
    }
    asked = [str(entry.get("task")) for entry in record.suite.tasks]
    told = record.contexts
    return {
        name: f"not run: {told[name].not_run}" if name in told else "the record has no score of it"
        for name in asked
        if name not in known and not (name in told and told[name].optional)
    }


def agreed(records: Sequence[Record]) -> list[Record]:
    """Records whose tasks have a scale, where any record of the same suite knows it.

    One suite's digest is one set of questions and of scoring code, so a record that is older than
    the key, and whose metric's name says nothing, takes the scale from one that is not.
    """
    known: dict[tuple[str, str], str] = {}
    for record in records:
        for name, task in record.accuracy.items():
            if task.scale:
                known.setdefault((record.suite.digest, name), task.scale)
    return [_with_scales(record, known) for record in records]


def _with_scales(record: Record, known: Mapping[tuple[str, str], str]) -> Record:
    digest = record.suite.digest
    lacking = {
        name: task.model_copy(update={"scale": known[digest, name]})
        for name, task in record.accuracy.items()
        if not task.scale and scale_of(task) == "unknown" and (digest, name) in known
    }
    if not lacking:
        return record
    return record.model_copy(update={"accuracy": {**record.accuracy, **lacking}})
