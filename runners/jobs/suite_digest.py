"""Digest of what a suite asks and how its answers are scored."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from evals.scoring.table import version_of
from evals.suites import REQUESTS
from evals.tasks.code import own_code
from evals.tasks.scored import KEY
from evals.tasks.worded import RULES
from runners.records.identity import digest

if TYPE_CHECKING:
    from evals.suites import Suite
    from evals.tasks.items import Item
    from runners.jobs.prepared import PreparedTask

SCORING = ("output_type", "metric_list", "filter_list", "process_results", "repeats")
"""The keys of a task's settings that say how its answers are scored."""


def suite_digest(suite: Suite, tasks: Sequence[PreparedTask]) -> str:
    """Digest over tasks, few-shot, seed, workloads, and every item. It covers what is asked, what
    is right, and how answers are scored.
    """
    asked = [
        [
            [t.loaded.name, t.loaded.group, t.loaded.num_fewshot],
            [t.loaded.metric, t.loaded.filter, scoring_code(t.loaded.task), *_stated(t)],
            [[i.identity, repr(i.target), _generation_arguments(i)] for i in t.items],
            *_own(t),
            *([] if t.loaded.by_size else ["each task of its group counts the same"]),
            *_scorer(t.loaded.task),
            *([["metadata", dict(t.loaded.metadata)]] if t.loaded.metadata else []),
            *([["chat template", t.loaded.chat_template]] if t.loaded.chat_template else []),
            *(["optional"] if t.loaded.optional else []),
            *([["context", t.loaded.context]] if t.loaded.context else []),
        ]
        for t in tasks
    ]
    workloads = [w.name for w in suite.workloads]
    fixed = [[w.name, w.requests] for w in suite.workloads if w.requests is not None]
    # How many requests a default gives hangs on the repeats of a run, and makes no other suite.
    rest = [suite.seed, workloads, suite.latency_repeats or REQUESTS, version("lm_eval")]
    rest += [fixed] if fixed else []
    rest += [] if suite.fewshot_as_multiturn else ["few-shot examples in one message"]
    return digest([asked, rest])


def scoring_code(task: Any) -> list[str]:
    """Scoring of a task's answers as text: its settings, and the source of its functions."""
    return [_source(task.get_config(name)) for name in SCORING]


def _stated(task: PreparedTask) -> list[str]:
    """Scale and clustering column that the suite or the task states. The scale decides whether the
    score counts, the column how wide its interval is.
    """
    scale, column = task.loaded.scale, task.loaded.cluster
    return [*([scale] if scale else []), *([f"cluster {column}"] if column else [])]


def _scorer(task: Any) -> list[Any]:
    """The scorer that the task's file names, with its options and its version; the version of the
    rules where they read choices in words. Nothing where there is neither.
    """
    metadata = task.get_config("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    scorer = told.get(KEY)
    named = [] if scorer is None else [["scorer", scorer, *_newer(version_of(scorer))]]
    return [*named, *([RULES, one] for one in _newer(told.get(RULES)))]


def _newer(version_told: object) -> list[int]:
    """A version after the first, which is left out: digests are older than versions."""
    return [version_told] if isinstance(version_told, int) and version_told > 1 else []


def _own(task: PreparedTask) -> list[Any]:
    """The files behind a task's own functions, and the documents that such a function may look at.

    Nothing for a task without any, so that its digest is what it was before these counted.
    """
    code = own_code(task.loaded.task)
    return [[code, digest([repr(dict(i.doc)) for i in task.items])]] if code else []


def _generation_arguments(item: Item) -> list[str]:
    """Generation arguments, which an item's identity leaves out, since it is made of texts."""
    return [repr(a) for instance in item.instances for a in instance.args if isinstance(a, dict)]


def _source(value: Any) -> str:
    if isinstance(value, dict):
        return repr({key: _source(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return repr([_source(inner) for inner in value])
    if not callable(value):
        return repr(value)
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return str(getattr(value, "__qualname__", type(value).__qualname__))
