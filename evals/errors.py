"""Every error that Weighin expects. Anything else is a bug.

WeighinError            one line on stderr, exit code 3
├── SpecError           a candidate, suite, budget or task file is wrong
│   └── NotReadyError   a task needs a package, a program or a permission
├── ArtifactError       weights or data could not be fetched, or their hash differs
├── RuntimeFailure      the candidate would not load, or its runtime failed
├── MeasureError        a number could not be measured here
└── RecordError         a stored record is missing, damaged or too new
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class WeighinError(Exception):
    """An expected failure: its text is one line that says what, where, the value, what would do."""


class SpecError(WeighinError):
    """A candidate, suite, budget or task file is wrong."""


class NotReadyError(SpecError):
    """Something that a task needs is not there: a package, a program, a permission."""


class ArtifactError(WeighinError):
    """Weights or data could not be fetched, or their hash differs."""


class RuntimeFailure(WeighinError):
    """The candidate would not load, or its runtime failed."""


class MeasureError(WeighinError):
    """A number could not be measured here."""


class RecordError(WeighinError):
    """A stored record is missing, damaged or too new."""


def one_line(error: BaseException) -> str:
    """The kind and the text of somebody else's error, cut to one line."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def did_you_mean(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """A suffix that names the nearest known words, e.g. ` (did you mean "quick"?)`.

    Returns:
        The suffix with a leading space, or every known word when none is near and there are
        at most eight, or an empty string.
    """
    words = sorted(set(known))
    near = difflib.get_close_matches(word, words, n=most, cutoff=0.5)
    if near:
        return " (did you mean " + " or ".join(f'"{w}"' for w in near) + "?)"
    if words and len(words) <= 8:
        return f" (known: {', '.join(words)})"
    return ""
