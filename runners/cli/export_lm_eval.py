"""`weighin export --format lm-eval`: a folder of files that lm-eval's own tools read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError
from evals.replacing import replaced_file
from runners.cli import say

if TYPE_CHECKING:
    from runners.records.record import Record
    from runners.records.store import Store

LM_EVAL = "lm-eval"


def write_lm_eval(store: Store, records: Iterable[Record], folder: Path) -> Iterator[Path]:
    """Write results and samples of each run that answered tasks.

    Yields:
        The results files.

    Raises:
        RecordError: no run answered any.
        click.ClickException: the folder cannot be written.
    """
    answered = [record for record in records if record.job.scores and record.accuracy]
    if not answered:
        raise RecordError(f"store {store.root}: none of these runs answered tasks")
    for record in answered:
        try:
            yield _write(record, _rows(store, record), folder)
        except OSError as error:
            raise click.ClickException(f"{folder}: cannot be written ({error.strerror})") from error


def _write(record: Record, rows: Mapping[str, list[dict[str, Any]]], folder: Path) -> Path:
    from runners.exchange.to_lm_eval import (
        folder_of,
        kind_of,
        results_of,
        sample_lines,
        stamp_of,
    )

    here, stamp = folder / folder_of(record), stamp_of(record)
    here.mkdir(parents=True, exist_ok=True)
    kinds = {task: kind_of(found) for task, found in rows.items()}
    for task, found in rows.items():
        lines = (json.dumps(one, ensure_ascii=False) for one in sample_lines(found, kinds[task]))
        _replace(here / f"samples_{task}_{stamp}.jsonl", "".join(f"{line}\n" for line in lines))
    path = here / f"results_{stamp}.json"
    # Last: whoever finds results finds their samples.
    _replace(path, json.dumps(results_of(record, kinds), indent=2, ensure_ascii=False))
    return path


def _replace(path: Path, text: str) -> None:
    with replaced_file(path) as made:
        made.write_text(text, encoding="utf-8")


def _rows(store: Store, record: Record) -> dict[str, list[dict[str, Any]]]:
    """Samples by task; none, which is said, where they cannot be read."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        for row in store.samples(record.run_id).to_pylist():
            found.setdefault(row["task"], []).append(row)
    except RecordError as error:
        say(str(error))
    return found
