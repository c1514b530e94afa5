"""`weighin baseline`: what later runs are checked against; a folder that is committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli.completion_names import complete_runs_or_candidates
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from runners.records.baselines import Baseline

DEFAULT = Path("results/baselines")
folder_option = click.option(
    "--baselines", "folder", type=click.Path(path_type=Path), default=DEFAULT, metavar="DIR",
    help=f"Folder of baselines (default: {DEFAULT}).",
)  # fmt: skip


@click.group("baseline")
def command() -> None:
    """Set, list, show or compare baselines: records that are committed, with the reason why."""


@command.command("set")
@click.argument("name")
@click.argument("run", shell_complete=complete_runs_or_candidates)
@click.option("--reason", required=True, help="Why it is moved; it is kept in the file.")
@click.option("--force", is_flag=True, help="Also a flagged, incomplete or unscored run.")
@store_option
@folder_option
def set_(
    name: str, run: str, reason: str, store_path: Path | None, folder: Path, *, force: bool
) -> int:
    """Make RUN (a candidate, a run id or a folder) the baseline NAME.

    The records are copied, with the samples of the run that answered the tasks: commit the folder,
    and moving a baseline is a change that somebody reviews.
    """
    from runners.cli.sides import find_side, store_of
    from runners.records.baselines import set_baseline

    store = store_of(run, open_store(store_path))
    side = find_side(run, store)
    made = set_baseline(folder, name, store, side.runs, reason=reason, force=force)
    print(
        f"{made}: {len(side.runs)} runs of {side.scored.candidate.name}, up to "
        f"{side.runs[-1].run_id}; commit the folder"
    )
    return 0


@command.command("list")
@folder_option
@json_option
def list_(folder: Path, *, as_json: bool) -> int:
    """List the baselines."""
    from runners.records.baselines import baseline_names, read_baseline

    found = [read_baseline(folder, name) for name in baseline_names(folder)]
    if as_json:
        print(json.dumps([_as_dict(one) for one in found]))
        return 0
    from runners.cli.layout import Column, Grid, console, plain

    suite, runs = Column(heading="suite", left=True, drop=1), Column(heading="runs", drop=2)
    candidate, reason = Column(heading="candidate", left=True), Column(heading="reason", wrap=True)
    table = Grid(f"baselines in {folder}", "name", candidate, suite, runs, reason)
    for one in found:
        lead = one.runs[-1]
        cells = (one.name, lead.candidate.name, lead.suite.name, len(one.runs), one.reason)
        table.add_row(*map(plain, cells))
    console().print(table)
    return 0


@command.command("show")
@click.argument("name")
@folder_option
@json_option
def show(name: str, folder: Path, *, as_json: bool) -> int:
    """Show the baseline NAME: its runs, its numbers and why it was set."""
    from runners.records.baselines import read_baseline

    one = read_baseline(folder, name)
    if as_json:
        print(json.dumps(_as_dict(one)))
        return 0
    from leaderboard.rows.row import merged
    from runners.cli.layout import console, say
    from runners.cli.tables import notes, results

    rows = merged(one.runs)
    out = console()
    out.print(results(rows))
    for line in (*notes(rows), f"set {one.set_at}: {one.reason}", *(r.run_id for r in one.runs)):
        say(out, line)
    return 0


@command.command("diff")
@click.argument("name")
@click.argument("run", shell_complete=complete_runs_or_candidates)
@store_option
@folder_option
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    name: str,
    run: str,
    store_path: Path | None,
    folder: Path,
    *,
    as_json: bool,
) -> int:
    """Compare RUN with the baseline NAME, as `weighin compare` does."""
    from runners.cli import compare
    from runners.records.baselines import read_baseline

    read_baseline(folder, name)  # says what is wrong with it, and which there are
    sides = (str(folder / name), run)
    code: int = ctx.invoke(
        compare.command, sides=sides, store_path=store_path, insist=False, as_json=as_json
    )
    return code


def _as_dict(baseline: Baseline) -> dict[str, Any]:
    return {
        "name": baseline.name,
        "candidate": baseline.runs[-1].candidate.name,
        "suite": baseline.runs[-1].suite.name,
        "runs": [run.run_id for run in baseline.runs],
        "set_at": baseline.set_at,
        "reason": baseline.reason,
    }
