"""`weighin push`: put runs into a dataset repository of the Hugging Face hub."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError
from runners.cli import say as say_line
from runners.cli.completion_names import complete_runs
from runners.cli.options import open_store, store_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.hub.push import Prepared
    from runners.hub.repository import Repository
    from runners.records.record import Record
    from runners.records.store import Store


@click.command("push")
@click.argument("repository", metavar="OWNER/NAME")
@click.argument("runs", nargs=-1, metavar="[RUN]…", shell_complete=complete_runs)
@store_option
@click.option(
    "--dry-run", is_flag=True, help="Print every file and what is left out; push nothing."
)
@click.option("--public", is_flag=True, help="Make the repository public, where it is made now "
              "(default: private).")  # fmt: skip
@click.option("--with-prompts", is_flag=True, help="Push the prompts, too, where a run kept them.")
@click.option("--with-own-questions", is_flag=True,
              help="Push runs on your own questions or task files, whose samples have their "
              "texts.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print JSON.")
def command(repository: str, runs: tuple[str, ...], **options: Any) -> int:
    """Add runs to a dataset repository of the Hugging Face hub: all of the store, or each RUN.

    The repository is made, private, where there is none. Runs that it has are left as they are, so
    an interrupted push goes on where it stopped. Paths, names of host and user, tokens and prompts
    are taken out first; --dry-run shows every file. Log in beforehand: hf auth login.
    """
    from runners.hub.push import prepare, push
    from runners.hub.repository import parse_repository

    where = parse_repository(repository)
    store = open_store(options["store_path"])
    records = _chosen(store, runs, own=options["with_own_questions"])
    prepared = prepare(store, records, where, prompts=options["with_prompts"])
    if options["dry_run"]:
        _describe(prepared, where, as_json=options["as_json"], public=options["public"])
        return 0
    if not prepared.new:
        say_line(f"{where}: has all {len(prepared.known)} runs already")
        return 0
    if not options["yes"]:
        _ask(prepared, where, public=options["public"])
    push(prepared, where, private=not options["public"], flat=flat, say=say_line)
    print(f"{len(prepared.new)} runs are in {where}: weighin board {where}")
    return 0


def flat(records: Sequence[Record]) -> bytes:
    """`runs.parquet`: a flat row a record."""
    from leaderboard.publish.files import as_bytes, table_of
    from leaderboard.publish.flat import flat_record

    return as_bytes(table_of([flat_record(record) for record in records]), "parquet")


def _chosen(store: Store, runs: Sequence[str], *, own: bool) -> list[Record]:
    """The records that may leave; one with the user's own questions only where that is allowed."""
    from runners.hub.leaving import own_data

    found = [store.find(run) for run in runs] if runs else list(_readable(store))
    kept = []
    for record in found:
        tasks = own_data(record)
        if not tasks or own:
            kept.append(record)
        elif runs:
            raise RecordError(
                f"{record.run_id}: has your own questions ({', '.join(tasks[:3])}); "
                "--with-own-questions pushes them"
            )
        else:
            say_line(f"{record.run_id}: left out: has your own questions (--with-own-questions)")
    if not kept:
        raise RecordError(f"store {store.root}: has no run that would be pushed")
    return kept


def _readable(store: Store) -> list[Record]:
    kept = []
    for found in store.records():
        if isinstance(found, RecordError):
            say_line(f"left out: {found}")
        elif found.status == "interrupted":
            say_line(f"{found.run_id}: left out: was interrupted")
        else:
            kept.append(found)
    return kept


def _ask(prepared: Prepared, where: Repository, *, public: bool) -> None:
    kind = "public" if public else "private"
    made = "" if prepared.exists else f", which is made now, {kind}"
    if not sys.stdin.isatty():
        raise click.UsageError("push: there is nobody to ask; --yes pushes, --dry-run shows what")
    click.confirm(f"push {len(prepared.new)} runs to {where}{made}?", abort=True, err=True)


def _describe(prepared: Prepared, where: Repository, *, as_json: bool, public: bool) -> None:
    from leaderboard.units import MISSING
    from runners.cli.layout import Column, Grid, console, plain, say

    taken_out = sorted({kind for one in prepared.new for kind in one.taken_out})
    files = prepared.files
    if as_json:
        print(json.dumps({
            "repository": where.name, "exists": prepared.exists, "known": prepared.known,
            "files": [{"path": one.path, "bytes": one.bytes} for one in files],
            "taken_out": taken_out,
        }))  # fmt: skip
        return
    out = console()
    table = Grid(f"to {where}", Column(heading="file", left=True), "bytes")
    for one in files:
        table.add_row(plain(one.path), f"{one.bytes:,}")
    for name in ("runs.parquet", "README.md"):
        table.add_row(name, MISSING)
    out.print(table)
    kind = "public" if public else "private"
    state = "is there" if prepared.exists else f"would be made, {kind}"
    say(out, f"the repository {state}; {len(prepared.known)} of these runs are in it already")
    say(out, f"taken out: {', '.join(taken_out) or 'nothing had to be'}")
    say(out, "what else leaves: the processor, memory and system of the machine, versions, the "
             "command, scores and answers of every item")  # fmt: skip
