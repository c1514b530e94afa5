"""Is an answer right? One pure function a rule; None where the answer holds nothing to judge."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence

from evals.questions.question import LETTERS, Rule

Search = Callable[[str, str], bool]
"""True where a regular expression is found in a text."""
_CLOSE = 1e-9
"""Relative difference of two numbers that are written in different ways but meant alike."""
_NUMBER = (
    r"(?P<sign>(?<![\w.)])[-+\N{MINUS SIGN}])?"
    r"(?P<digits>(?<![\w.])(?:\d{1,3}(?:[,'\u00a0\u202f\u2019]\d{3})+(?!\d)"
    r"|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)(?P<power>[eE][-+]?\d+)?"
)
_NUMBERS = re.compile(_NUMBER)
_TOLERANCE = re.compile(r"\N{PLUS-MINUS SIGN}|\+/?-")
_MARKS = re.compile(r"[*_`#>\s]+")
_LETTER_FIRST = re.compile(r"[\s*_`#>(\[]*([A-Z])[\s*_`]*(?:[).:\]]|$|\n)")
_LETTER_NAMED = re.compile(r"(?i:answer|choice|option)(?:[\s*_`:]|(?i:is|the))*[(\[]?([A-Z])(?!\w)")
_THOUGHT = "</think>"
# Scripts that are written without spaces, or in which endings are joined to a word.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def is_right(
    rule: Rule, answer: str, accepted: Sequence[str], choices: Sequence[str], *, search: Search
) -> bool | None:
    """Judge an answer by a rule; reasoning before `</think>` is no part of it.

    Args:
        rule: by which it is judged.
        answer: of the model, whole.
        accepted: shape (n,), any of them is right; of a choice a letter.
        choices: of a choice, in the order of their letters; else empty.
        search: looks for a regular expression, in a time that is bounded.

    Returns:
        None where no number or no choice could be found in the answer: it is wrong, too.
    """
    said = without_thought(answer)
    match rule:
        case "contains":
            return any(contains(said, one) for one in accepted)
        case "exact":
            return any(exact(said, one) for one in accepted)
        case "regex":
            return any(search(one, said) for one in accepted)
        case "number":
            return number(said, accepted)
        case "choice":
            return choice(said, accepted, choices)


def without_thought(answer: str) -> str:
    """An answer without the reasoning that some models write first, between think tags."""
    _, closed, after = answer.rpartition(_THOUGHT)
    if closed:
        return after
    return "" if answer.lstrip().startswith("<think>") else answer


def plain(text: str) -> str:
    """A text in one form: compatibility characters, case and white space alike (NFKC, casefold)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def contains(answer: str, wanted: str) -> bool:
    """True where the text stands in the answer, as whole words, in any case.

    Words are told apart where their script does: `4` is not in `14`, nor `no` in `know`.
    """
    text, part = plain(answer), plain(wanted)
    at = text.find(part)
    while at >= 0:
        end = at + len(part)
        if not _joined(text[at - 1 : at], part[:1]) and not _joined(text[end : end + 1], part[-1:]):
            return True
        at = text.find(part, at + 1)
    return False


def _joined(beside: str, edge: str) -> bool:
    """True where two neighbouring characters belong to one word."""
    return all(c.isalnum() and not _unspaced(c) for c in (beside or " ", edge or " "))


def _unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)


def exact(answer: str, wanted: str) -> bool:
    """True where the whole answer is the text; case, white space and a last full stop aside."""
    return plain(answer).removesuffix(".") == plain(wanted).removesuffix(".")


def number(answer: str, accepted: Sequence[str]) -> bool | None:
    """True where the last number of the answer is one of those accepted; None without a number.

    An accepted `9.81 ± 0.05` allows that much.
    """
    said = last_number(answer)
    if said is None:
        return None
    return any(_within(said, expected(one)) for one in accepted)


def _within(said: float, wanted: tuple[float, float] | None) -> bool:
    if wanted is None:
        return False
    middle, tolerance = wanted
    slack = _CLOSE * max(abs(said), abs(middle))
    return abs(said - middle) <= tolerance + slack


def last_number(text: str) -> float | None:
    """The last number in a text: `1,234.5`, `-3`, `6e23`; None where there is none.

    Digits that are part of a word (`H2O`, `v2`) are no number.
    """
    found = [*_NUMBERS.finditer(text)]
    return _value(found[-1]) if found else None


def expected(text: str) -> tuple[float, float] | None:
    """The number that a cell asks for, and its tolerance; None where it is none."""
    parts = _TOLERANCE.split(text.strip())
    values = [_alone(part) for part in parts]
    if len(values) > 2 or None in values:
        return None
    middle, tolerance = (values[0] or 0.0), (values[1] or 0.0) if len(values) == 2 else 0.0
    return middle, abs(tolerance)


def _alone(text: str) -> float | None:
    """A text that is nothing but a number, currency and per cent aside."""
    match = _NUMBERS.fullmatch(text.strip().strip("$€£%").strip())
    return _value(match) if match else None


def _value(match: re.Match[str]) -> float | None:
    digits = re.sub(r"[^\d.]", "", match["digits"])
    found = float(digits + (match["power"] or ""))
    if not math.isfinite(found):
        return None
    return -found if match["sign"] in ("-", "\N{MINUS SIGN}") else found


def choice(answer: str, accepted: Sequence[str], choices: Sequence[str]) -> bool | None:
    """True where the answer names the right choice; None where it names none."""
    named = chosen(answer, choices)
    return None if named is None else LETTERS[named] in accepted


def chosen(answer: str, choices: Sequence[str]) -> int | None:
    """Index of the choice that an answer names; None where it names none, or several.

    Read in this order: a letter that the answer begins with (`B`, `(B)`, `B. Paris`), a letter
    after `answer`, `choice` or `option` (the last one), the text of one choice.
    """
    first = _LETTER_FIRST.match(answer)
    named = [*_LETTER_NAMED.finditer(answer)]
    letters = [first[1]] if first else [named[-1][1]] if named else []
    bare = _MARKS.sub("", answer).strip(".()[]:")
    if not letters and len(bare) == 1:
        letters = [bare.upper()]
    for letter in letters:
        place = LETTERS.find(letter)
        if 0 <= place < len(choices):
            return place
    told = [i for i, one in enumerate(choices) if contains(answer, one)]
    # "New York" names New York, though York is a choice as well.
    whole = [i for i in told if not any(i != j and contains(choices[j], choices[i]) for j in told)]
    return whole[0] if len(whole) == 1 else None
