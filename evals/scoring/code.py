"""Code that a model wrote, run against a document's tests.

pass@k is the chance that at least one of k answers passes, estimated without bias from n >= k of
them (Chen et al. 2021, arXiv:2107.03374, equation 1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from evals.scoring.scorer import Means
from evals.spec_file import Spec

_BLOCK = re.compile(r"```[\w+-]*[^\S\n]*\n(.*?)(?:\n?```|\Z)", re.DOTALL)
_FENCE = "```"
_DEFINES = re.compile(
    r"\A\n*(?: {2,}|\t)\S|^[^\S\n]*(?:async\s+def|def|class)\s|^\w+\s*=\s*lambda\b", re.MULTILINE
)
"""A function or class, or the rest of one: it begins indented."""


class CodeOptions(Spec):
    """Options of the scorer `code`: names of a document's columns."""

    tests: str = "tests"
    """Python that fails where the code is wrong."""
    before: str = ""
    """What the code goes on from, or needs: it stands before it. Empty: nothing does."""
    opened: bool = False
    """True: the prompt ends in an opened code block, so the answer begins inside."""
    k: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(min_length=1)] | None = (
        None
    )
    """pass@k for each, up to the answers of a document. None: 1 and all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Scores answers by running them."""

    options: CodeOptions
    repeats: int = 1
    """Answers of a document."""
    executes: bool = True

    @property
    def ks(self) -> tuple[int, ...]:
        """Each k of pass@k."""
        return self.options.k or tuple(dict.fromkeys((1, self.repeats)))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the estimates that were asked for: pass@1 and others."""
        return tuple(f"pass@{k}" for k in self.ks)

    @property
    def answers(self) -> int:
        """Answers of one document that the largest k needs."""
        return max(self.ks)

    def fault_of(self, doc: Mapping[str, Any]) -> str:
        """Why no answer to a document can be judged; empty where one can."""
        tests, before = doc[self.options.tests], self.options.before
        if not isinstance(tests, str) or not tests.strip():
            return f'its tests (column "{self.options.tests}") are no text, so all code would pass'
        if before and not isinstance(doc[before], str):
            return f'what its code goes on from (column "{before}") is no text'
        return ""

    def __call__(
        self, doc: Mapping[str, Any], answers: Sequence[str], means: Means
    ) -> dict[str, float]:
        """Estimate pass@k of a document, for each k."""
        options = self.options
        before = f"{doc[options.before]}\n" if options.before else ""
        passed = sum(
            means.execute(
                f"{before}{code_of(answer, opened=options.opened)}\n\n{doc[options.tests]}"
            )
            for answer in answers
        )
        return {f"pass@{k}": pass_at_k(len(answers), passed, k) for k in self.ks}


def code_of(answer: str, *, opened: bool) -> str:
    """The code in an answer: the rest of an opened block, else a block of its own, else all of it.

    Of these the first that defines something: some answers begin with a command, and a server that
    does not go on in an opened block begins with a sentence.
    """
    rest, fence, _ = answer.partition(_FENCE)
    found = [rest] if opened and (rest.strip() or not fence) else []
    found += [match[1] for match in _BLOCK.finditer(answer)]
    return next(filter(_DEFINES.search, found), (found or [answer])[0])


def pass_at_k(n: int, passed: int, k: int) -> float:
    """Estimate pass@k: 1 - C(n - passed, k) / C(n, k).

    Args:
        n: answers, at least k.
        passed: those that passed.
        k: answers of which one must pass.
    """
    return 1 - math.comb(n - passed, k) / math.comb(n, k)
