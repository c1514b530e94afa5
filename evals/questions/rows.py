"""The rows of a CSV, TSV or JSONL file, each with the line that it begins in."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.errors import SpecError
from evals.files import read_small

MOST_BYTES = 32 * 2**20
NEEDED = ("question", "answer")
"""Columns without which there is no question."""
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")


def read_text(path: Path) -> str:
    """The text of the file, without a byte order mark.

    Raises:
        SpecError: it has another ending, cannot be read, is too large, or is not UTF-8.
    """
    if path.suffix.lower() not in ENDINGS:
        raise SpecError(f"{path}: questions are a .csv, .tsv or .jsonl file")
    try:
        text = read_small(path, MOST_BYTES)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8 (Excel: CSV UTF-8)"
        ) from error
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def rows(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    """Line and content of each row: column -> value, names in lower case.

    Raises:
        SpecError: it is no CSV or JSON, or its first row lacks a column.
    """
    is_json = path.suffix.lower() in (".jsonl", ".ndjson")
    return _json_rows(path, text) if is_json else _csv_rows(path, text)


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    # Split at line feeds alone: a JSON text may hold U+2028, which splitlines would break at.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"{path}: line {number} is not JSON ({error})") from error
        yield number, _plain_keys(row) if isinstance(row, dict) else row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(path, text), strict=True
    )
    head: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise SpecError(f"{path}: line {line} is not CSV ({error})") from error
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if head is None:
            head = _head(path, cells)
        elif len(cells) > len(head):
            raise SpecError(
                f"{path}: line {line} has {len(cells)} cells, the first row {len(head)}; put a "
                'text that holds a comma into quotes: "one, two"'
            )
        else:
            yield line, dict(zip(head, cells, strict=False))


def _delimiter(path: Path, text: str) -> str:
    """The sign between cells: a tab in a .tsv, else the one that the first row has most of."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max((",", ";", "\t"), key=first.count)


def _head(path: Path, cells: Sequence[str]) -> list[str]:
    head = [cell.strip().casefold() for cell in cells]
    twice = next((name for name in head if name and head.count(name) > 1), None)
    if twice:
        raise SpecError(f'{path}: column "{twice}" is there twice')
    for needed in NEEDED:
        if needed not in head:
            near = difflib.get_close_matches(needed, head, n=1)
            told = f'; rename "{near[0]}"' if near else ""
            raise SpecError(
                f'{path}: has no column "{needed}"{told} (its first row names: '
                f"{', '.join(name[:40] for name in head[:8])})"
            )
    return head


def _plain_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key.strip().casefold(): value for key, value in row.items()}
