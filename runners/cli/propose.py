"""`weighin propose`: a result for a model's own page on the hub, as a pull request."""

from __future__ import annotations

from typing import Any

import click

from runners.cli.completion_names import complete_runs
from runners.cli.options import open_store, store_option


@click.command("propose")
@click.argument("model", metavar="OWNER/MODEL")
@click.argument("run", metavar="RUN", shell_complete=complete_runs)
@click.option("--benchmark", "benchmarks", multiple=True, required=True,
              metavar="TASK=OWNER/DATASET:ID",
              help="A task of the run, and the hub's registered benchmark that it is, e.g. "
              "gsm8k=openai/gsm8k:gsm8k. May be given several times.")  # fmt: skip
@click.option("--scale", type=click.Choice(["percent", "share"]), required=True,
              help="How that benchmark's other results are written: 41.2 (percent) or 0.412 "
              "(share). Look before you choose.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the files; open nothing.")
@store_option
def command(model: str, run: str, benchmarks: tuple[str, ...], scale: Any, **options: Any) -> int:
    """Open a pull request with a run's scores at the model whose weights were measured.

    It adds .eval_results/*.yaml and a table in the model card. Only whole official tasks leave: a
    subset is refused, and so is a run of other weights. Nothing is called verified: the hub shows
    such a result as its author's until the model's owner merges it.
    """
    from runners.cli.layout import console, say
    from runners.hub.proposal import open_request, parse_benchmark
    from runners.hub.proposal import propose as proposal_of
    from runners.hub.repository import parse_repository

    where = parse_repository(model)
    record = open_store(options["store_path"]).find(run)
    proposal = proposal_of(record, where, [parse_benchmark(text) for text in benchmarks], scale)
    out = console()
    if options["dry_run"]:
        for path, text in proposal.files.items():
            say(out, f"{path}:")
            print(text)
        say(out, "README.md, at its end or in the place of an earlier table:")
        print(proposal.table)
        return 0
    address = open_request(where, proposal, f"Add results of {record.candidate.name}")
    say(out, f"opened: {address}")
    return 0
