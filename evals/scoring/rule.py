"""Answers judged by one of the rules that own questions have: contains, exact, regex, number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evals.questions.checking import WrongRow, check_accepted
from evals.questions.rules import is_right
from evals.scoring.scorer import Means, averaged
from evals.spec_file import Spec


class RuleOptions(Spec):
    """Options of the scorer `rule`."""

    rule: Literal["contains", "exact", "regex", "number"] = "contains"
    accepted: str = "answer"
    """Column of what is right: a text, or a list of texts of which any is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Scores an answer 1 where a rule finds it right."""

    options: RuleOptions
    executes: bool = False
    metrics: tuple[str, ...] = ("right",)
    answers: int = 1

    def fault_of(self, doc: Mapping[str, Any]) -> str:
        """Why no answer to a document can be judged; empty where one can."""
        column, told = self.options.accepted, doc[self.options.accepted]
        values = told if isinstance(told, list) else [told]
        if not values:
            return f'nothing is right (column "{column}" is an empty list)'
        for one in values:
            if not isinstance(one, str | int | float) or not str(one).strip():
                return f'what is right (column "{column}") is no text: {one!r:.60}'
            try:
                check_accepted(self.options.rule, str(one))
            except WrongRow as wrong:
                return f'column "{column}" {wrong}'
        return ""

    def __call__(
        self, doc: Mapping[str, Any], answers: Sequence[str], means: Means
    ) -> dict[str, float]:
        """The share of right answers."""
        told = doc[self.options.accepted]
        accepted = [str(one) for one in told] if isinstance(told, list) else [str(told)]
        right = [
            is_right(self.options.rule, answer, accepted, (), search=means.search)
            for answer in answers
        ]
        return averaged([{"right": float(bool(one))} for one in right], self.metrics)
