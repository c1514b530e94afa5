"""`weighin export`: records, their samples, or the judged board, as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from evals.errors import RecordError
from evals.replacing import replaced_file
from evals.terminal import unguarded
from runners.cli import say
from runners.cli.completion_names import complete_budgets, complete_runs
from runners.cli.export_judged import JUDGED, judged_text
from runners.cli.export_lm_eval import LM_EVAL, write_lm_eval
from runners.cli.help import examples
from runners.cli.options import open_store, store_option
from runners.cli.weights import Weights, weights_option

if TYPE_CHECKING:
    import pyarrow

    from leaderboard.rows.answers import Answers
    from runners.records.record import Record
    from runners.records.store import Store


@click.command("export", epilog=examples(
    ("weighin export --format html --output board.html", "the board as one file"),
    ("weighin export --format markdown", "a table for a README"),
    ("weighin export > runs.csv", "every run's numbers"),
))  # fmt: skip
@click.argument("runs", nargs=-1, metavar="[RUN]…", shell_complete=complete_runs)
@click.option("--format", "kind", type=click.Choice(["csv", "json", "parquet", LM_EVAL, *JUDGED]),
              default="csv", help="Default: csv.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE",
              help="Write here (default: stdout; parquet and html need a file, lm-eval a "
              "folder).")  # fmt: skip
@click.option("--samples", is_flag=True, help="The rows of every item, not a row a record.")
@click.option("--fidelity", is_flag=True,
              help="Add how much more perplexing each run's answers are than those of the largest "
              "of its family; reads all items.")  # fmt: skip
@click.option("--view", "query", default="", metavar="QUERY",
              help="For html, markdown, latex and badge: what stands after the ? in the board's "
              "address.")  # fmt: skip
@click.option("--budget", "budgets", multiple=True, metavar="NAME|FILE",
              shell_complete=complete_budgets,
              help="For markdown, latex and badge: judge inside its memory. For html: offer it, "
              "too; may be given several times.")  # fmt: skip
@weights_option
@store_option
def command(
    runs: tuple[str, ...], kind: str, output: Path | None, query: str, budgets: tuple[str, ...],
    weights: Weights, store_path: Path | None, *, samples: bool, fidelity: bool,
) -> int:  # fmt: skip
    """Write records as a table: a flat row a record, or with --samples a row an item.

    lm-eval is results and samples as lm-eval writes them, a folder a candidate, for its own tools.
    html is the whole board in one file that opens from disk, with no server and no network.
    markdown and latex are the ranked table, badge is the recommended candidate: JSON for a
    shields.io endpoint, or the badge itself where FILE ends in .svg.

    A RUN is a run id, its start or end, or a candidate (its newest run); without one, all of the
    store. Units are in the columns' names: seconds, bytes, shares. In CSV a text that a
    spreadsheet would compute gets an apostrophe in front; a list is JSON. What is damaged is named
    on stderr and left out.
    """
    if output is not None and (kind == LM_EVAL) != output.is_dir() and output.exists():
        wanted = "a folder" if kind == LM_EVAL else "a file"
        raise click.UsageError(f"--output {output}: --format {kind} writes {wanted}")
    if fidelity and (samples or kind in (LM_EVAL, *JUDGED)):
        given = "--samples" if samples else f"--format {kind}"
        raise click.UsageError(f"--fidelity is of a row a record, and not for {given}")
    if kind in ("parquet", "html", LM_EVAL) and output is None:
        what = "FOLDER" if kind == LM_EVAL else "FILE"
        raise click.UsageError(f"--format {kind} needs --output {what}")
    store = open_store(store_path)
    if kind in JUDGED:
        if runs or samples:
            given = "--samples" if samples else f"RUN ({runs[0]})"
            raise click.UsageError(f"--format {kind} judges a whole store and takes no {given}")
        _write_text(judged_text(store.root, kind, output, query, budgets, weights), output)
        return 0
    if query or budgets or weights:
        given = "--view" if query else "--budget" if budgets else "--weights"
        raise click.UsageError(f"{given} is for --format {', '.join(JUDGED)}, not for {kind}")
    records = list(_records(store, runs))
    if not records:
        raise RecordError(f"store {store.root}: no record can be read; is it the right --store?")
    if kind == LM_EVAL:
        for path in write_lm_eval(store, records, output or Path()):
            print(path)
        return 0
    table = _samples(store, records) if samples else _rows(store, records, fidelity=fidelity)
    with _written(output):
        _write(table, kind, output)
    return 0


def _write_text(text: str, output: Path | None) -> None:
    with _written(output), _opened(output) as stream:
        stream.write(text)


@contextmanager
def _written(output: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.ClickException(
            f"{output or 'stdout'}: cannot be written ({error.strerror})"
        ) from error


def _records(store: Store, names: Sequence[str]) -> Iterator[Record]:
    """The named records, or all; a damaged one is named and left out.

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


def _rows(store: Store, records: Sequence[Record], *, fidelity: bool) -> pyarrow.Table:
    from leaderboard.publish.files import table_of
    from leaderboard.publish.flat import flat_record

    rows = [flat_record(record) for record in records]
    if fidelity:
        from leaderboard.compare.family import against_largest
        from leaderboard.publish.fidelity_columns import flat_fidelity

        found = against_largest(records, partial(_answers, store))
        for row, record in zip(rows, records, strict=True):
            row.update(flat_fidelity(found.get(record.run_id)))
    return table_of(rows)


def _answers(store: Store, record: Record) -> Answers | None:
    """A run's answers; None, which is said, where its samples cannot be read."""
    from leaderboard.rows.answers import read_answers

    try:
        return read_answers(record, store.answers(record))
    except RecordError as error:
        _note(error)
        return None


def _samples(store: Store, records: Iterable[Record]) -> pyarrow.Table:
    import pyarrow as pa

    from leaderboard.publish.flat import flat_samples

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

        with replaced_file(output or Path()) as made, made.open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
        return
    from leaderboard.publish.files import write_csv, write_json

    with _opened(output) as stream:
        (write_csv if kind == "csv" else write_json)(table, stream)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        # A file or a program gets the text as it is recorded; a terminal, what it can show.
        yield sys.stdout if sys.stdout.isatty() else unguarded(sys.stdout)
        return
    with replaced_file(output) as made, made.open("w", encoding="utf-8", newline="") as file:
        yield file


def _note(error: RecordError) -> None:
    say(str(error))
