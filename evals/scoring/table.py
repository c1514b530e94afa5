"""Scorers by the names that tasks' files use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from evals.errors import SpecError, did_you_mean
from evals.scoring.calls import Calls, CallsOptions
from evals.scoring.code import Code, CodeOptions
from evals.scoring.rule import Rule, RuleOptions
from evals.scoring.schema import Schema, SchemaOptions
from evals.scoring.scorer import Scorer
from evals.scoring.spans import Spans, SpansOptions

SCORERS: dict[str, Callable[[Mapping[str, Any], int], Scorer]] = {
    "calls": lambda told, _: Calls(options=CallsOptions.model_validate(told)),
    "code": lambda told, repeats: Code(options=CodeOptions.model_validate(told), repeats=repeats),
    "rule": lambda told, _: Rule(options=RuleOptions.model_validate(told)),
    "schema": lambda told, _: Schema(options=SchemaOptions.model_validate(told)),
    "spans": lambda told, _: Spans(options=SpansOptions.model_validate(told)),
}
"""Name -> what makes a scorer of its options and the number of answers of a document."""


def find_scorer(told: object, where: str, *, repeats: int = 1) -> Scorer:
    """The scorer that a task's file names.

    Args:
        told: a name, or `{name: {option: value}}`.
        where: the task, for messages.
        repeats: answers of a document.

    Raises:
        SpecError: there is no such scorer, or an option is wrong.
    """
    name: object = told
    options: object = {}
    if isinstance(told, Mapping) and len(told) == 1:
        ((name, options),) = told.items()
    options = options or {}
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
