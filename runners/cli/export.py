"""`weighin export`: records or their samples as CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from evals.errors import RecordError
from runners.cli.names import complete_runs
from runners.cli.options import open_store, store_option

if TYPE_CHECKING:
    import pyarrow

    from runners.record import Record
    from runners.store import Store

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes a cell that starts so."""


@click.command("export")
@click.argument("runs", nargs=-1, metavar="[RUN]…", shell_complete=complete_runs)
@click.option("--format", "kind", type=click.Choice(["csv", "json", "parquet"]), default="csv",
              help="Default: csv.")  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write here (default: stdout; parquet needs a file).")  # fmt: skip
@click.option("--samples", is_flag=True, help="The rows of every item, not a row a record.")
@store_option
def command(
    runs: tuple[str, ...], kind: str, output: Path | None, store_path: Path | None, *, samples: bool
) -> int:
    """Write records as a table: a flat row a record, or with --samples a row an item.

    A RUN is a run id, its start or end, or a candidate (its newest run); without one, all of the
    store. Units are in the columns' names: seconds, bytes, shares. In CSV a text that a
    spreadsheet would compute gets an apostrophe in front; a list is JSON. What is damaged is named
    on stderr and left out.
    """
    if kind == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output FILE")
    store = open_store(store_path)
    records = list(_records(store, runs))
    if not records:
        raise RecordError(f"store {store.root}: no record can be read; is it the right --store?")
    table = _samples(store, records) if samples else _rows(records)
    try:
        _write(table, kind, output)
    except BrokenPipeError:
        raise  # the reader has gone, which is no fault of a file
    except OSError as error:
        raise click.ClickException(
            f"{output or 'stdout'}: cannot be written ({error.strerror})"
        ) from error
    return 0


def _records(store: Store, names: Sequence[str]) -> Iterator[Record]:
    """Those that were named, or all; what is damaged is named and left out.

    Raises:
        RecordError: a name fits no run.
    """
    for found in (_named(store, name) for name in names) if names else store.records():
        if isinstance(found, RecordError):
            _note(found)
        else:
            yield found


def _named(store: Store, name: str) -> Record | RecordError:
    try:
        return store.find(name)
    except RecordError as error:
        if name in store.run_ids():
            return error  # it is there, and damaged
        raise


def _rows(records: Iterable[Record]) -> pyarrow.Table:
    import pyarrow as pa

    from leaderboard.flat import columns, flat_record

    rows = [flat_record(record) for record in records]
    return pa.table({name: [row.get(name) for row in rows] for name in columns(rows)})


def _samples(store: Store, records: Iterable[Record]) -> pyarrow.Table:
    import pyarrow as pa

    from leaderboard.flat import flat_samples

    tables = []
    for record in records:
        if not record.job.scores:
            continue  # a repeat of the timed phases answers no items
        try:
            tables.append(flat_samples(record, store.samples(record.run_id)))
        except RecordError as error:
            _note(error)
    if not tables:
        raise RecordError(f"store {store.root}: none of these runs has samples that can be read")
    return pa.concat_tables(tables, promote_options="default")


def _write(table: pyarrow.Table, kind: str, output: Path | None) -> None:
    if kind == "parquet":
        import pyarrow.parquet

        with Path(output or "").open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
        return
    with _opened(output) as stream:
        if kind == "csv":
            _write_csv(table, stream)
        else:
            rows = [_finite(row) for row in table.to_pylist()]
            stream.write(json.dumps(rows, allow_nan=False, default=str) + "\n")


def _write_csv(table: pyarrow.Table, stream: TextIO) -> None:
    writer = csv.writer(_LineFeeds(stream))
    writer.writerow([_csv_cell(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=1000):
        for row in batch.to_pylist():
            writer.writerow([_csv_cell(value) for value in _finite(row).values()])


class _LineFeeds:
    """Ends rows in a line feed, as other commands do.

    The writer itself is left at CR LF: told another end, it does not quote a lone CR in a text,
    which readers take for the end of a row.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str, /) -> int:
        """One row, as csv hands it over."""
        return self._stream.write(row.removesuffix("\r\n") + "\n")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return json.dumps(value) if isinstance(value, list | dict) else value


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Without infinities and NaN, which neither JSON nor a spreadsheet has: they become None."""
    return {key: _finite_value(value) for key, value in row.items()}


def _finite_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        yield file


def _note(error: RecordError) -> None:
    click.echo(f"weighin: {error}", err=True)
