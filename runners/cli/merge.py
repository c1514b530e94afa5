"""`weighin merge`: bring the records of several stores together."""

from __future__ import annotations

import json
from pathlib import Path

import click

from runners.cli import EXIT_FAILED
from runners.cli.options import json_option, open_store, store_option


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, metavar="DIR…",
                type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
@store_option
@json_option
def command(folders: tuple[Path, ...], store_path: Path | None, *, as_json: bool) -> int:
    """Copy the records of each DIR into one store.

    Each record is held against its samples first; a damaged one is named and left where it is
    (exit 3), the others go. Merging twice changes nothing, and neither does merging the same block
    from two machines: its first answer stays.
    """
    from runners.records.merging import merge
    from runners.records.store import Store

    target = open_store(store_path)
    for folder in folders:
        if folder.resolve() == target.root.resolve():
            raise click.UsageError(f"{folder}: is the store itself; give --store another folder")
    target.create()
    found = {folder: merge(Store(folder), target) for folder in folders}
    refused = [error for done in found.values() for error in done.refused]
    if as_json:
        report = {
            str(folder): {
                "added": done.added, "known": done.known, "gates": done.gates,
                "refused": [str(error) for error in done.refused],
            }
            for folder, done in found.items()
        }  # fmt: skip
        print(json.dumps({"store": str(target.root), "merged": report}))
        return EXIT_FAILED if refused else 0
    from runners.cli.layout import console, say

    out = console()
    for folder, done in found.items():
        reports = f", {done.gates} reports of checks" if done.gates else ""
        empty = "" if done.added or done.known or done.refused else "; there is no record in it"
        say(out, f"{folder}: {len(done.added)} new, {len(done.known)} known{reports}{empty}")
    for error in refused:
        say(out, f"left out: {error}")
    say(out, f"records: {target.root}")
    return EXIT_FAILED if refused else 0
