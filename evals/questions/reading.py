"""Read a person's questions from CSV, TSV or JSONL; a row that is wrong is named by its line."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import SpecError
from evals.questions.checking import COLUMNS, WrongRow, is_used, question_of
from evals.questions.question import Question
from evals.questions.rows import read_text, rows

MOST_ROWS = 50_000
NAMED = 5
"""Wrong rows that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionFile:
    """The questions of one file, and what it is known by."""

    name: str
    """The file's name without its ending, as tasks are named."""
    path: Path
    sha256: str
    """Digest of the file's text."""
    questions: tuple[Question, ...]


def read_questions(path: Path) -> QuestionFile:
    """Read and check a file of questions.

    Columns: `question` and `answer`; where wanted `answer_2`, `answer_3` … (accepted as well),
    `rule`, `choices` (a list) or `A`, `B`, `C` …, `id` and `group`. Others are not used.

    Raises:
        SpecError: it cannot be read, lacks a column, or has wrong rows, which are named by line.
    """
    text = read_text(path)
    read = [*rows(path, text)]
    if len(read) > MOST_ROWS:
        raise SpecError(f"{path}: has more than {MOST_ROWS:,} questions; split it")
    _refuse_misspelt(path, [row for _, row in read if isinstance(row, Mapping)])
    found, wrong = _questions(read)
    if wrong:
        more = f"; and {len(wrong) - NAMED} more rows" if len(wrong) > NAMED else ""
        raise SpecError(f"{path}: {'; '.join(wrong[:NAMED])}{more}")
    if not found:
        raise SpecError(f"{path}: has no questions; a row has at least a question and an answer")
    return QuestionFile(
        name=task_name(path),
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        questions=tuple(found),
    )


def read_again(path: Path, sha256: str | None, asker: str) -> QuestionFile:
    """Read the questions that somebody was asked before, or is to be asked elsewhere.

    Args:
        path: where they were.
        sha256: of their text then.
        asker: what asks for them, e.g. a run.

    Raises:
        SpecError: they are gone, or not the same.
    """
    if not path.is_file():
        raise SpecError(f"{path}: the questions of {asker} are not here; bring the file back")
    found = read_questions(path)
    if found.sha256 != sha256:
        raise SpecError(f"{path}: is not the file that {asker} asks; bring back that version")
    return found


def task_name(path: Path) -> str:
    """The file's name as a task's: lower case, dashes for all but letters, digits, underscores."""
    return re.sub(r"[^a-z0-9_]+", "-", path.stem.lower()).strip("-_")[:60] or "questions"


def _questions(read: Iterable[tuple[int, Any]]) -> tuple[list[Question], list[str]]:
    """Rows that can be asked, and what is wrong with the others."""
    found: list[Question] = []
    wrong: list[str] = []
    lines: dict[str, int] = {}
    for line, row in read:
        try:
            if not isinstance(row, Mapping):
                raise WrongRow("is no object of keys and values")
            question = question_of(line, row)
            if question.id and question.id in lines:
                raise WrongRow(f'has the id "{question.id[:40]}" of line {lines[question.id]}')
        except WrongRow as error:
            wrong.append(f"line {line} {error}")
            continue
        lines[question.id] = line
        found.append(question)
    return found, wrong


def _refuse_misspelt(path: Path, read: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a column whose name is nearly one that would be used; notes of others may stay.

    Raises:
        SpecError: there is one.
    """
    for column in dict.fromkeys(key for row in read for key in row if not is_used(key)):
        if near := difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.8):
            raise SpecError(
                f'{path}: column "{column[:40]}" is unknown (did you mean "{near[0]}"?)'
            )
