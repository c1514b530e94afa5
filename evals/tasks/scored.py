"""Give an lm-eval task the scorer that its file names under `metadata: {scorer: …}`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any

from evals.errors import NotReadyError, SpecError, one_line
from evals.scales import KEY as SCALE
from evals.scoring.scorer import Means, Scorer
from evals.scoring.table import find_scorer
from evals.tasks.faults import TASK_FAULTS
from evals.tasks.templates import TemplateChild, TemplateFault

KEY = "scorer"
_EXECUTE: ContextVar[Callable[[str], bool] | None] = ContextVar("execute", default=None)
_FAULTS: ContextVar[list[str] | None] = ContextVar("faults", default=None)


@contextlib.contextmanager
def executing(execute: Callable[[str], bool]) -> Iterator[None]:
    """Inside, scorers run code by this function; elsewhere they refuse to."""
    token = _EXECUTE.set(execute)
    try:
        yield
    finally:
        _EXECUTE.reset(token)


@contextlib.contextmanager
def noting_faults() -> Iterator[list[str]]:
    """Inside, an answer on which a scorer fails counts 0 and its fault is noted, one line each.

    Elsewhere it is raised, and so is in any case what is no fault of an answer: where the scorer
    fails on an empty answer to the document, too.
    """
    found: list[str] = []
    token = _FAULTS.set(found)
    try:
        yield found
    finally:
        _FAULTS.reset(token)


def set_scorer(name: str, task: Any) -> Scorer | None:
    """Score a task's answers by the scorer that its metadata names.

    Every answer of a document reaches it, unless the task's file has filters of its own.

    Raises:
        SpecError: no such scorer, or fewer answers reach it than it needs.
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
    task.config.process_results = partial(_score, name, scorer)
    task._aggregation_list = dict.fromkeys(scorer.metrics, mean)  # lm-eval has no setters
    task._higher_is_better = dict.fromkeys(scorer.metrics, True)
    if not task.config.filter_list:
        task._filters = [build_filter_ensemble("none", [("take_first_k", {"k": repeats})])]
    _refuse_lost_answers(name, task, repeats, scorer.answers)
    return scorer


def _refuse_lost_answers(name: str, task: Any, repeats: int, needed: int) -> None:
    """Refuse filters of the task's file that leave fewer answers than its scorer needs."""
    for ensemble in task._filters:
        one = SimpleNamespace(resps=[""] * repeats, doc={}, filtered_resps={})
        try:
            ensemble.apply([one])
            (found,) = one.filtered_resps.values()
            left = 1 if isinstance(found, str) else len(found)
        except TASK_FAULTS:  # a filter of real answers alone
            continue
        if left < needed:
            raise SpecError(
                f'task "{name}": its filter "{ensemble.name}" leaves {left} of {repeats} answers, '
                f"and its scorer needs {needed}: leave filter_list out"
            )


def refuse_unusable(name: str, task: Any, docs: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Refuse documents that a task's scorer cannot hold answers against, before anything runs.

    Args:
        name: of the task.
        task: lm-eval's Task.
        docs: index and columns of each document that is asked.

    Raises:
        SpecError: there is one; it is named.
    """
    told = task.get_config("process_results")
    if not isinstance(told, partial) or told.func is not _score:
        return
    scorer: Scorer = told.args[1]
    for doc_id, doc in docs:
        try:
            fault = scorer.fault_of(doc)
        except TASK_FAULTS as error:
            fault = f"its columns cannot be read ({one_line(error)})"
        if fault:
            raise SpecError(f'task "{name}": document {doc_id} cannot be scored: {fault}')


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


def _score(
    name: str, scorer: Scorer, doc: Mapping[str, Any], results: Sequence[Any]
) -> dict[str, float]:
    answers = [results[0]] if isinstance(results[0], str) else list(results[0])
    with TemplateChild() as child:  # started by the first search

        def search(pattern: str, text: str) -> bool:
            try:
                return child.search(pattern, text)
            except TemplateFault as fault:
                what = f"the regular expression {pattern!r:.80}"
                raise SpecError(f'task "{name}": {what} {fault}') from fault

        try:
            return scorer(doc, answers, Means(execute=_execute, search=search))
        except TASK_FAULTS as error:
            noted = _FAULTS.get()
            if noted is None or _fails_on_nothing(scorer, doc, len(answers)):
                raise
            noted.append(one_line(error))
            return dict.fromkeys(scorer.metrics, 0.0)


def _fails_on_nothing(scorer: Scorer, doc: Mapping[str, Any], count: int) -> bool:
    """True where a scorer fails on empty answers, too: the fault is its own, or the document's."""
    try:
        scorer(doc, [""] * count, Means(execute=lambda _: False, search=lambda *_: False))
    except TASK_FAULTS:
        return True
    return False


def _execute(code: str) -> bool:
    execute = _EXECUTE.get()
    if execute is None:
        raise SpecError("code that a model wrote is run in a sandbox only, and there is none here")
    return execute(code)
