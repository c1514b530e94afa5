"""`weighin gc`: what a store and the cache hold, and the removal of what nobody needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli import EXIT_FAILED, say
from runners.cli.baseline import folder_option
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from runners.cleanup.leftovers import CacheContent, Leftover, StoreContent

SizeRow = tuple[str, int | None, int]
"""Kind of thing, number, bytes."""


@click.command("gc")
@store_option
@folder_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what could be removed.")
@json_option
def command(
    store_path: Path | None, folder: Path, *, yes: bool, dry_run: bool, as_json: bool
) -> int:
    """Say how large a store and the cache are, and remove what nobody needs any more.

    That is: failed and interrupted records that a later completed record of the same job replaces,
    journals of completed jobs, temporary files and folders older than a day, what was put aside for
    a newer baseline, and files that another version of llama-cpp-python quantised than the
    installed one (who wants them makes them again), and logits of references that were not used
    for 30 days. And the empty control groups of a weighin that
    was killed while it held a worker to a budget.

    Completed records are never removed, nor is anything outside of the store, the cache and the
    folder of baselines.
    It asks first; where nobody can answer and --yes is not given, it only says what it would do.
    """
    from evals.fetch.cache import cache_root
    from runners.cleanup.leftovers import plan
    from runners.cleanup.survey import cache_content, store_content
    from runners.compute.groups import abandoned
    from runners.runtimes.packages import installed

    try:
        store = store_content(open_store(store_path), folder)
        cache = cache_content(cache_root())
    except OSError as error:
        raise click.ClickException(
            f"{error.filename}: cannot be looked into ({error.strerror}); give another --store, or "
            "set WEIGHIN_CACHE"
        ) from error
    leftovers = plan(store, cache, quantiser=installed("llama-cpp-python"), groups=abandoned())
    if not as_json:
        _print_sizes(_sizes(store, cache))
        _print_leftovers(leftovers)
    wanted = bool(leftovers) and not dry_run and (yes or _agreed())
    kept = _remove(leftovers, store, cache) if wanted else {}
    removed = [one for one in leftovers if one.path not in kept] if wanted else []
    freed = sum(one.bytes for one in removed)
    if as_json:
        print(json.dumps(_report(_sizes(store, cache), leftovers, removed, freed)))
    elif wanted:
        from leaderboard.units import format_mib

        print(f"removed {len(removed)} of {len(leftovers)}: {format_mib(freed)} freed")
    return EXIT_FAILED if kept else 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        say("nothing removed; --yes removes it")
        return False
    return click.confirm("Remove all of these?", err=True)


def _remove(
    leftovers: Sequence[Leftover], store: StoreContent, cache: CacheContent
) -> dict[Path, str]:
    """Remove them all; what could not be removed, and why."""
    from runners.cleanup.survey import remove

    kept = {}
    for one in leftovers:
        why = remove(one, store=store.root, cache=cache.root, baselines=store.baselines)
        if why is not None:
            kept[one.path] = why
            say(f"{one.path}: not removed: {why}")
    return kept


def _sizes(store: StoreContent, cache: CacheContent) -> list[SizeRow]:
    from runners.cleanup.leftovers import STATES, superseded

    rows: list[SizeRow] = []
    for state in STATES:
        runs = [run for run in store.runs if run.state == state]
        rows.append((f"store: {state}", len(runs), sum(run.bytes for run in runs)))
    older = superseded(store.runs)
    runs = [run for run in store.runs if run.run_id in older]
    rows.append(("store: of these superseded", len(runs), sum(run.bytes for run in runs)))
    rows.append(("store: journals", len(store.journals), sum(j.bytes for j in store.journals)))
    rows.append(("store: temporary", len(store.temporary), sum(t.bytes for t in store.temporary)))
    rows.extend((f"cache: {part}", None, size) for part, size in cache.part_bytes.items())
    return rows


def _print_sizes(rows: Sequence[SizeRow]) -> None:
    from leaderboard.units import MISSING, mib
    from runners.cli.layout import Grid, console, plain

    table = Grid("", "what", "folders", "MiB")
    for what, count, size in rows:
        table.add_row(plain(what), MISSING if count is None else f"{count:,}", f"{mib(size):,.1f}")
    console().print(table)


def _print_leftovers(leftovers: Sequence[Leftover]) -> None:
    """What could be removed and why, by folder: a path in full would be broken by a terminal."""
    from leaderboard.units import format_mib
    from runners.cli.layout import console
    from runners.cli.layout import say as line

    out = console()
    if not leftovers:
        line(out, "nothing is left over")
        return
    line(out, f"could be removed, {format_mib(sum(one.bytes for one in leftovers))}:")
    for folder in dict.fromkeys(one.path.parent for one in leftovers):
        line(out, f"in {folder}:")
        for one in leftovers:
            if one.path.parent == folder:
                line(out, f"  {one.path.name} ({format_mib(one.bytes)})", indent=4)
                line(out, f"    {one.why}", indent=6)


def _report(
    sizes: Sequence[SizeRow], leftovers: Sequence[Leftover], removed: Sequence[Leftover], freed: int
) -> dict[str, Any]:
    gone = {one.path for one in removed}
    return {
        "sizes": [{"what": what, "folders": n, "bytes": size} for what, n, size in sizes],
        "leftovers": [
            {
                "kind": one.kind, "path": str(one.path), "bytes": one.bytes, "why": one.why,
                "removed": one.path in gone,
            }
            for one in leftovers
        ],
        "freed_bytes": freed,
    }  # fmt: skip
