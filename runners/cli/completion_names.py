"""Complete names of candidates, suites and runs in a shell.

A completion never fails and never imports a task library: what cannot be listed is not offered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from evals.terminal import printable
from runners.records.store import Store, default_store

if TYPE_CHECKING:
    import click

Items = list[CompletionItem]
KINDS = ("candidates", "suites", "tasks", "budgets", "runs")
"""Arguments of `weighin list`."""


def complete_candidates(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Names of the catalogue that were not given yet, or a file."""
    from runners.candidates.catalogue import candidate_names

    given = ctx.params.get("candidates") or ()
    return _names([n for n in candidate_names() if n not in given], incomplete)


def complete_suites(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Names of the catalogue, or a file."""
    from evals.suites import suite_names

    return _names(suite_names(), incomplete)


def complete_budgets(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Names of the catalogue, or a file."""
    from runners.compute.budget import budget_names

    return _names(budget_names(), incomplete)


def complete_runtimes(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Names of the table of runtimes."""
    from runners.runtimes.table import runtime_names

    return [CompletionItem(name) for name in runtime_names() if name.startswith(incomplete)]


def complete_kinds(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the arguments of `weighin list`."""
    return [CompletionItem(kind) for kind in KINDS if kind.startswith(incomplete)]


def complete_classes(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Classes of size."""
    from runners.candidates.listed import FILTERS

    return [CompletionItem(name) for name in FILTERS if name.startswith(incomplete)]


def complete_weights(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Abilities behind the last comma, without a number."""
    from evals.abilities import TITLES

    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{one}=") for one in TITLES if one.startswith(last)]


def complete_runs(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Runs of the store that --store names, or of the default one; the newest first."""
    chosen: Path | None = ctx.params.get("store_path")
    store = Store(chosen or default_store())
    # What a shell cannot show is not offered: it writes completions to the terminal as they are.
    ids = [run_id for run_id in reversed(store.run_ids()) if printable(run_id) == run_id]
    return [CompletionItem(run_id) for run_id in ids if run_id.startswith(incomplete)]


def complete_runs_or_candidates(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> Items:
    """Candidates of the catalogue, else runs of the store, else a folder."""
    names = [i for i in complete_candidates(ctx, parameter, incomplete) if i.type == "plain"]
    runs = complete_runs(ctx, parameter, incomplete)
    return [*names, *runs] or [CompletionItem(incomplete, type="dir")]


def _names(names: list[str], incomplete: str) -> Items:
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    # A shell is told one kind of answer: a path is completed where no name fits.
    return found or [CompletionItem(incomplete, type="file")]
