"""`weighin import lm-eval PATH`: results of lm-eval as records, to compare, gate and show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from evals.errors import RecordError
from runners.cli.options import json_option, open_store, store_option, typed


@click.group("import")
def command() -> None:
    """Read the results of another harness into records."""


@command.command("lm-eval")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--name", metavar="NAME", help="Name of the candidate (default: lm-eval's model name)."
)
@store_option
@json_option
def lm_eval(path: Path, name: str | None, store_path: Path | None, *, as_json: bool) -> int:
    """Import what lm-eval wrote to PATH: a results_*.json, or a folder that holds some.

    With --log_samples, lm-eval writes the answers beside it: only with these can two runs be
    compared item by item. Times and memory are not in such a record, because lm-eval has none.
    """
    from runners.exchange.lm_eval import read_results, results_files
    from runners.records.agreement import disagreement

    store = open_store(store_path)
    store.create()
    said = typed()
    # All of them before the first is stored: a damaged one leaves the store as it was.
    files = results_files(path)
    imported = [
        read_results(file, name=name, new_run_id=store.new_run_id, command=said) for file in files
    ]
    for file, found in zip(files, imported, strict=True):
        unlike = "" if found.samples is None else disagreement(found.record, found.samples)
        if unlike:
            raise RecordError(f"{file}: not imported: {unlike}; run lm-eval again")
    added = []
    for file, found in zip(files, imported, strict=True):
        known = store.answered(found.record.job.key)
        if known is not None:
            print(f"weighin: {file}: already imported ({known.run_id})", file=sys.stderr)
        else:
            # Not before: its id comes behind that of the one that was stored just now.
            run_id = store.new_run_id(found.record.candidate.name, found.record.job.key)
            job = found.record.job.model_copy(update={"batch": run_id})
            new = found.record.model_copy(update={"run_id": run_id, "job": job})
            store.add(new, found.samples)
            known = new
        added.append(known)
    if as_json:
        print(json.dumps([record.model_dump(mode="json") for record in added]))
        return 0
    from leaderboard.rows.row import merged
    from runners.cli.layout import console, say
    from runners.cli.tables import by_task

    out = console()
    for table in by_task(merged(added), out.width):
        out.print(table)
    for record in added:
        listed = f": {', '.join(record.imported.files[:3])}" if record.imported else ""
        say(out, f"{record.run_id}{listed}")
    return 0
