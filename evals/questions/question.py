"""One question of a person's own file, and what a model is asked and held to by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Rule = Literal["contains", "exact", "regex", "number", "choice"]
RULES: tuple[Rule, ...] = get_args(Rule)
SCORING = 1
"""Version of the rules, part of what a run is compared by: raise it where a rule judges anew."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A row of the file, checked."""

    line: int
    """Line of the file that it begins in, from 1."""
    text: str
    accepted: tuple[str, ...]
    """Answers of which any is right; of a choice its letter."""
    rule: Rule
    choices: tuple[str, ...] = ()
    id: str = ""
    group: str = ""

    @property
    def prompt(self) -> str:
        """The text that is asked: the question, and of a choice its lettered choices."""
        if self.rule != "choice":
            return self.text
        listed = [f"{letter}. {one}" for letter, one in zip(LETTERS, self.choices, strict=False)]
        last = LETTERS[len(self.choices) - 1]
        return "\n".join([self.text, *listed, f"Answer with one letter, A to {last}."])

    @property
    def target(self) -> dict[str, Any]:
        """What is right, and whose question it is, as the samples of a run keep it."""
        found: dict[str, Any] = {
            "line": self.line,
            "question": self.text,
            "rule": self.rule,
            "accepted": list(self.accepted),
            "scoring": SCORING,
        }
        optional = {"choices": list(self.choices), "id": self.id, "group": self.group}
        return {**found, **{key: value for key, value in optional.items() if value}}
