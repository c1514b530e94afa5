"""`weighin pull`: bring runs that somebody pushed into a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runners.cli import EXIT_FAILED
from runners.cli import say as say_line
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from runners.hub.pull import Pulled
    from runners.hub.repository import Repository


@click.command("pull")
@click.argument("repository", metavar="OWNER/NAME[@REVISION]")
@store_option
@json_option
def command(repository: str, store_path: Path | None, *, as_json: bool) -> int:
    """Copy the runs of a dataset repository of the hub into a store, those that it lacks.

    A stranger's record proves nothing. Each is held against its samples, its ranges and its own
    digests first; one that is damaged is left out (exit 3), and what is doubtful is said. weighin
    verify measures a sample of its items again.
    """
    from runners.hub.pull import pull
    from runners.hub.repository import parse_repository

    where = parse_repository(repository)
    store = open_store(store_path)
    store.create()
    found = pull(where, store, say_line)
    if as_json:
        print(json.dumps({
            "repository": where.name, "revision": found.revision, "added": found.added,
            "known": found.known, "refused": [str(error) for error in found.refused],
            "doubts": found.doubts,
        }))  # fmt: skip
    else:
        print_pulled(where, found, store.root)
    return EXIT_FAILED if found.refused else 0


def print_pulled(where: Repository, found: Pulled, root: Path) -> None:
    """Say what came, what was left out, and what of it is doubtful."""
    from runners.cli.layout import console, say

    out = console()
    say(out, f"{where} at {found.revision[:7]}: {len(found.added)} new, {len(found.known)} known")
    for error in found.refused:
        say(out, f"left out: {error}")
    for run_id, said in found.doubts.items():
        say(out, f"doubtful: {run_id}: {'; '.join(said)}")
    say(out, f"records: {root}")
