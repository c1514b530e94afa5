"""Flat rows as CSV, JSON or parquet, the same on the command line and on the board."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes a cell that starts so."""


class _Text(Protocol):
    def write(self, text: str, /) -> object:
        """Take some text."""
        ...


def table_of(rows: Sequence[dict[str, Any]]) -> pyarrow.Table:
    """A table of flat rows; a column that a row lacks is null there."""
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: [row.get(name) for row in rows] for name in names})


def write_csv(table: pyarrow.Table, stream: _Text) -> None:
    """A row a line. A text that a spreadsheet would compute gets an apostrophe in front."""
    writer = csv.writer(_LineFeeds(stream))
    writer.writerow([_csv_cell(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            writer.writerow([_csv_cell(value) for value in _finite(row).values()])


def write_json(table: pyarrow.Table, stream: _Text) -> None:
    """A list of objects; infinities and NaN, which JSON has not, are null."""
    rows = [_finite(row) for row in table.to_pylist()]
    stream.write(json.dumps(rows, allow_nan=False, default=str) + "\n")


def as_bytes(table: pyarrow.Table, kind: str) -> bytes:
    """A file's content.

    Args:
        table: to write.
        kind: `csv`, `json` or `parquet`.
    """
    if kind == "parquet":
        import pyarrow.parquet

        binary = io.BytesIO()
        pyarrow.parquet.write_table(table, binary, compression="zstd")
        return binary.getvalue()
    stream = io.StringIO()
    (write_csv if kind == "csv" else write_json)(table, stream)
    return stream.getvalue().encode()


class _LineFeeds:
    """Ends rows in a line feed, as other commands do.

    The writer itself is left at CR LF: told another end, it does not quote a lone CR in a text,
    which readers take for the end of a row.
    """

    def __init__(self, stream: _Text) -> None:
        self._stream = stream

    def write(self, row: str, /) -> object:
        """One row, as csv hands it over."""
        return self._stream.write(row.removesuffix("\r\n") + "\n")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return json.dumps(value) if isinstance(value, list | dict) else value


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Replace infinities and NaN, which neither JSON nor a spreadsheet has, by None."""
    return {key: _finite_value(value) for key, value in row.items()}


def _finite_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
