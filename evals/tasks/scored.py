"""Give an lm-eval task the scorer that its file names under `metadata: {scorer: …}`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

from evals.errors import NotReadyError, SpecError
from evals.scales import KEY as SCALE
from evals.scoring.scorer import Means, Scorer
from evals.scoring.table import find_scorer
from evals.tasks.templates import TemplateChild

KEY = "scorer"
_EXECUTE: ContextVar[Callable[[str], bool] | None] = ContextVar("execute", default=None)


@contextlib.contextmanager
def executing(execute: Callable[[str], bool]) -> Iterator[None]:
    """Inside, scorers run code by this function; elsewhere they refuse to."""
    token = _EXECUTE.set(execute)
    try:
        yield
    finally:
        _EXECUTE.reset(token)


def set_scorer(name: str, task: Any) -> Scorer | None:
    """Score a task's answers by the scorer that its metadata names.

    Every answer of a document reaches it, unless the task's file has filters of its own.

    Raises:
        SpecError: no such scorer, or the task asks for fewer answers than it needs.
    """
    metadata = task.config.metadata
    told = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    if told is None:
        return None
    repeats = int(task.config.repeats or 1)
    scorer = find_scorer(told, f'task "{name}"', repeats=repeats)
    from lm_eval.api.metrics import mean
    from lm_eval.filters import build_filter_ensemble

    if task.OUTPUT_TYPE != "generate_until":
        raise SpecError(f'task "{name}": a scorer needs output_type: generate_until')
    if repeats < scorer.answers:
        raise SpecError(
            f'task "{name}": its scorer needs {scorer.answers} answers of each document, and the '
            f"task asks for {repeats}: repeats: {scorer.answers}"
        )
    task.config.metadata = {SCALE: "share", **metadata}
    # A suite's digest has no source of a partial function, but what the task's file says of it.
    task.config.process_results = partial(_score, scorer)
    task._aggregation_list = dict.fromkeys(scorer.metrics, mean)  # lm-eval has no setters
    task._higher_is_better = dict.fromkeys(scorer.metrics, True)
    if not task.config.filter_list:
        task._filters = [build_filter_ensemble("none", [("take_first_k", {"k": repeats})])]
    return scorer


def scores_code(name: str, task: Any, *, allowed: bool, repeats: int | None = None) -> bool:
    """Give a task its scorer, if it names one; True where that runs what the model wrote.

    Args:
        allowed: code may be run.
        repeats: answers of each document, instead of what the task's file says.

    Raises:
        SpecError: as `set_scorer`.
        NotReadyError: it runs code, and that is not allowed.
    """
    if repeats is not None:
        task.set_config("repeats", repeats)
    scorer = set_scorer(name, task)
    if scorer is None or not scorer.executes:
        return False
    if not allowed:
        raise NotReadyError(
            f'task "{name}" runs code that the model writes: --allow-code runs it in a sandbox '
            "(docs/trust.md), else choose another task"
        )
    return True


def _score(scorer: Scorer, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
    answers = [results[0]] if isinstance(results[0], str) else list(results[0])
    with TemplateChild() as child:  # started by the first search
        return scorer(doc, answers, Means(execute=_execute, search=child.search))


def _execute(code: str) -> bool:
    execute = _EXECUTE.get()
    if execute is None:
        raise SpecError("code that a model wrote is run in a sandbox only, and there is none here")
    return execute(code)
