"""The end of `weighin run`: its tables, the answer and what became of the answers; or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.rows.row import merged
from leaderboard.runs.users import several_users
from runners.cli import against
from runners.cli.ended import after_a_crash
from runners.cli.ending import print_ending
from runners.cli.layout import console, say
from runners.cli.own_questions import sentences
from runners.cli.tables import by_task, notes, results
from runners.cli.users_table import print_users

if TYPE_CHECKING:
    from rich.console import Console

    from runners.batches.batch import Outcome
    from runners.jobs.job import Options
    from runners.records.record import Record


def report(
    outcomes: Sequence[Outcome], options: Options, holding: against.Holding | None, *,
    said: Sequence[str] = (), as_json: bool,
) -> None:  # fmt: skip
    """Print what came of a batch.

    Args:
        outcomes: of its jobs, and of those whose answers are held against the reference.
        options: of the batch.
        holding: what `--against` asked for.
        said: sentences on a given time.
        as_json: print records, and figures on the answers, instead of tables.
    """
    records = [outcome.record for outcome in outcomes]
    held = list[against.Held]()
    if holding is not None:
        held = against.hold(holding.reference, holding.held(records), options.store)
    if as_json:
        runs = [record.model_dump(mode="json") for record in records]
        told = {} if holding is None else {"against": against.as_json(holding.reference, held)}
        print(json.dumps({"runs": runs, **told} if told else runs))
        return
    own = records if holding is None else holding.own(records)
    rows = merged(own)
    out = console()
    out.print(results(rows))
    scored = [r for r in rows if r.scores]
    for table in by_task(scored, out.width) if scored else ():
        out.print()
        out.print(table)
    _print_users(out, own)
    out.print()
    for line in [*notes(rows), *after_a_crash(records)]:
        say(out, line)
    say(out, f"records: {_shown(options.store.root)}")
    print_ending(out, rows, options.store, said=said)
    for line in (line for row in rows for line in sentences(row, options.store)):
        say(out, line, style="bold" if not line.startswith(" ") else "")
    if holding is not None:
        out.print()
        for line in holding.words(held):
            say(out, line)


def _print_users(out: Console, records: Sequence[Record]) -> None:
    """What several users met, candidate by candidate."""
    for name in dict.fromkeys(record.candidate.name for record in records):
        users = several_users(one for one in records if one.candidate.name == name)
        if users is not None:
            out.print()
            print_users(out, users, name)


def _shown(path: Path) -> str:
    """Relative to the working directory where it lies below it."""
    full = path.absolute()
    here = Path.cwd()
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(full)
