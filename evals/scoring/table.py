"""Scorers by the names that tasks' files use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from evals.errors import SpecError, did_you_mean
from evals.questions.question import SCORING
from evals.scoring import calls, found, schema, spans
from evals.scoring.code import Code, CodeOptions
from evals.scoring.rule import Rule, RuleOptions
from evals.scoring.scorer import EachAnswer, Scorer
from evals.spec_file import Spec

Make = Callable[[Mapping[str, Any], int], Scorer]


def each(
    options: type[Spec],
    score: Callable[[Any, Mapping[str, Any], str], Mapping[str, float]],
    metrics: tuple[str, ...],
    fault: Callable[[Any, Mapping[str, Any]], str] = lambda *_: "",
) -> Make:
    """Have a function score each answer by itself; the first of its metrics is the headline.

    Args:
        options: of the scorer.
        score: options, document and answer -> metrics.
        metrics: their names.
        fault: options and document -> why no answer to it can be judged, before anything runs.
    """
    return lambda told, _: EachAnswer(
        options=options.model_validate(told), score=score, metrics=metrics, fault=fault
    )


SCORERS: dict[str, Make] = {
    "calls": each(calls.CallsOptions, calls.score, calls.METRICS, calls.fault),
    "code": lambda told, repeats: Code(options=CodeOptions.model_validate(told), repeats=repeats),
    "found": each(found.FoundOptions, found.score, found.METRICS, found.fault),
    "rule": lambda told, _: Rule(options=RuleOptions.model_validate(told)),
    "schema": each(schema.SchemaOptions, schema.score, schema.METRICS, schema.fault),
    "spans": each(spans.SpansOptions, spans.score, spans.METRICS, spans.fault),
}
"""Name -> what makes a scorer of its options and the number of answers of a document."""
VERSIONS: Mapping[str, int] = {"calls": 2, "rule": SCORING, "schema": 2, "spans": 2}
"""Name -> version of how it judges, 1 where none is given. Raise it where an answer may be judged
anew: it is part of what runs are compared by."""


def find_scorer(told: object, where: str, *, repeats: int = 1) -> Scorer:
    """The scorer that a task's file names.

    Args:
        told: a name, or `{name: {option: value}}`.
        where: the task, for messages.
        repeats: answers of a document.

    Raises:
        SpecError: there is no such scorer, or an option is wrong.
    """
    name, options = _name_and_options(told)
    if not isinstance(name, str) or not isinstance(options, Mapping):
        raise SpecError(f"{where}: scorer is a name, or a name with its options: {{code: {{…}}}}")
    if name not in SCORERS:
        raise SpecError(f'{where}: there is no scorer "{name}"{did_you_mean(name, SCORERS)}')
    try:
        return SCORERS[name](options, repeats)
    except ValidationError as error:
        fault = error.errors()[0]
        option = ".".join(map(str, fault["loc"]))
        raise SpecError(f"{where}: scorer {name}, {option}: {fault['msg']}") from error


def version_of(told: object) -> int:
    """Version of a scorer that a task's file names (`find_scorer`)."""
    return VERSIONS.get(str(_name_and_options(told)[0]), 1)


def _name_and_options(told: object) -> tuple[object, object]:
    if isinstance(told, Mapping) and len(told) == 1:
        ((name, options),) = told.items()
        return name, options or {}
    return told, {}
