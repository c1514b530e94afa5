"""What a scorer is: a document and the answers to it -> metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MOST_TEXT = 20_000
"""Characters of an answer that are read, where reading may take more time than in proportion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a scorer may use that reaches beyond its own arithmetic."""

    execute: Callable[[str], bool]
    """Runs a program where it can harm nothing; True if it came to its end."""
    search: Callable[[str, str], bool]
    """Looks for a regular expression in a text, in a time that is bounded."""


def averaged(found: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    """The mean over a document's answers of each metric; at least one answer."""
    return {name: sum(one[name] for one in found) / len(found) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class EachAnswer:
    """A scorer that judges each answer by itself, without running or searching anything."""

    options: Any
    score: Callable[[Any, Mapping[str, Any], str], Mapping[str, float]]
    """Options, document and answer -> its metrics."""
    metrics: tuple[str, ...]
    fault: Callable[[Any, Mapping[str, Any]], str]
    """Options and document -> why no answer to it can be judged; empty where one can."""
    executes: bool = False
    answers: int = 1

    def fault_of(self, doc: Mapping[str, Any]) -> str:
        """Why no answer to a document can be judged; empty where one can."""
        return self.fault(self.options, doc)

    def __call__(
        self,
        doc: Mapping[str, Any],
        answers: Sequence[str],
        means: Means,  # noqa: ARG002
    ) -> dict[str, float]:
        """Means over a document's answers."""
        return averaged([self.score(self.options, doc, one) for one in answers], self.metrics)


class Scorer(Protocol):
    """A way to score generations, made with the options of one task."""

    @property
    def executes(self) -> bool:
        """True: it runs what the model wrote."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of its metrics, each from 0 to 1, higher is better; the first is the headline."""
        ...

    @property
    def answers(self) -> int:
        """Answers that it needs of each document, at least."""
        ...

    def fault_of(self, doc: Mapping[str, Any]) -> str:
        """Why no answer to a document can be judged, as a clause; empty where one can.

        What it raises is a fault of the document, too.
        """
        ...

    def __call__(
        self, doc: Mapping[str, Any], answers: Sequence[str], means: Means
    ) -> dict[str, float]:
        """The metrics of one document.

        Args:
            doc: its columns.
            answers: shape (repeats,).
            means: to run code and to search.
        """
        ...
