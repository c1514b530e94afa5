"""One row of a file as a question that can be asked and judged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.errors import did_you_mean
from evals.questions.question import LETTERS, RULES, Question, Rule
from evals.questions.rules import expected, plain

MOST_CHARACTERS = 100_000
"""Characters of one cell."""
MOST_PATTERN = 1000
"""Characters of a regular expression."""
COLUMNS = ("question", "answer", "rule", "choices", "id", "group")
_MORE = re.compile(r"answer[ _]?\d+")
_LETTER = re.compile(r"[a-z]")


class WrongRow(Exception):
    """A row that cannot be asked, as a clause: `has no answer`."""


def is_used(key: str) -> bool:
    """True for a column that something is read from."""
    return not key or key in COLUMNS or bool(_MORE.fullmatch(key) or _LETTER.fullmatch(key))


def question_of(line: int, row: Mapping[str, Any]) -> Question:
    """A row as a question, checked.

    Raises:
        WrongRow: what of it is.
    """
    text = _cell(row, "question")
    if not text.strip():
        raise WrongRow("has no question")
    accepted = _accepted(row)
    choices = _choices(row)
    rule = _rule(row, choices)
    if rule == "choice":
        accepted = tuple(_letter(one, choices) for one in accepted)
    for one in accepted:
        check_accepted(rule, one)
    return Question(
        line=line,
        text=text,
        accepted=accepted,
        rule=rule,
        choices=choices,
        id=_cell(row, "id").strip(),
        group=_cell(row, "group").strip(),
    )


def _accepted(row: Mapping[str, Any]) -> tuple[str, ...]:
    given = row.get("answer")
    first = [_text_of(one, "answer") for one in given] if isinstance(given, list) else []
    first = first or [_cell(row, "answer")]
    more = [_cell(row, key) for key in sorted(filter(_MORE.fullmatch, row), key=_order)]
    accepted = tuple(dict.fromkeys(one.strip() for one in [*first, *more] if one.strip()))
    if not accepted:
        raise WrongRow("has no answer")
    return accepted


def _order(key: str) -> int:
    return int(re.sub(r"\D", "", key)[:9])


def _choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    listed = row.get("choices")
    if isinstance(listed, list):
        choices = [_text_of(one, "choices") for one in listed]
    elif _cell(row, "choices").strip():
        choices = _listed(_cell(row, "choices"))
    else:
        cells = [_cell(row, letter.lower()) for letter in LETTERS]
        while cells and not cells[-1].strip():
            cells.pop()
        choices = cells
    found = tuple(one.strip() for one in choices)
    if not found:
        return ()
    if not 2 <= len(found) <= len(LETTERS) or not all(found):
        raise WrongRow(f"has {len(found)} choices, or an empty one; give 2 to {len(LETTERS)}")
    if len({plain(one) for one in found}) < len(found):
        raise WrongRow("has the same choice twice")
    return found


def _listed(text: str) -> list[str]:
    """Choices in one cell: a JSON list, or texts between upright bars."""
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise WrongRow(f"has choices that are no JSON list ({error})") from error
        return [_text_of(one, "choices") for one in found] if isinstance(found, list) else []
    return text.split("|")


def _rule(row: Mapping[str, Any], choices: Sequence[str]) -> Rule:
    asked = _cell(row, "rule").strip().casefold()
    rule = next((one for one in RULES if one == asked), None)
    if asked and rule is None:
        raise WrongRow(f'has the rule "{asked[:40]}"{did_you_mean(asked[:40], RULES)}')
    if rule == "choice" and not choices:
        raise WrongRow("has the rule choice, but no choices")
    if rule is None:
        return "choice" if choices else "contains"
    return rule


def _letter(answer: str, choices: Sequence[str]) -> str:
    """The letter of the choice that an answer is: the letter itself, or the choice's text."""
    same = [i for i, one in enumerate(choices) if plain(one) == plain(answer)]
    if same:
        return LETTERS[same[0]]
    bare = answer.strip("().: ").upper()
    if len(bare) == 1 and 0 <= LETTERS.find(bare) < len(choices):
        return bare
    raise WrongRow(f'has the answer "{answer[:40]}", which is none of its choices')


def check_accepted(rule: Rule, answer: str) -> None:
    """Make sure that answers can be held against an accepted one by a rule.

    Raises:
        WrongRow: they cannot.
    """
    if rule == "number" and expected(answer) is None:
        raise WrongRow(f'has the answer "{answer[:40]}", which is no number (42, or 9.81 ± 0.05)')
    if rule != "regex":
        if rule == "contains" and not plain(answer):
            raise WrongRow("has an answer of no text")
        return
    if len(answer) > MOST_PATTERN:
        raise WrongRow(f"has a regular expression of more than {MOST_PATTERN:,} characters")
    try:
        re.compile(answer)
    except (re.error, RecursionError, OverflowError) as error:
        raise WrongRow(f"has an answer that is no regular expression ({error})") from error


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else _text_of(value, key)


def _text_of(value: Any, key: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongRow(f"has a {key} that is no text but a {type(value).__name__}")
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        raise WrongRow(f"has a {key} of more than {MOST_CHARACTERS:,} characters")
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise WrongRow(f"has a {key} with a NUL or half a surrogate pair")
    return text
