"""`weighin plan`: cut a comparison into blocks that other machines run."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import SpecError
from runners.cli.batch_options import batch_options, chosen_batch
from runners.cli.help import GroupedCommand
from runners.cli.options import json_option

if TYPE_CHECKING:
    from runners.batches.blocks import BatchPlan, Block


@click.command("plan", cls=GroupedCommand)
@batch_options
@click.option("--split", type=click.Choice(["none", "repeats", "families", "scores"]),
              default="none",
              help="What blocks share out: repeats, each block with all candidates, for machines "
              "that are alike; families of candidates, for any machines; scores, which need no "
              "quiet machine and go apart from the times. Default: one block.")  # fmt: skip
@click.option("--blocks", type=click.IntRange(min=1, max=10_000), default=1, metavar="N",
              help="Blocks to share repeats or families out to.")  # fmt: skip
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write a file for each block, block-0000.json and so on.")  # fmt: skip
@click.option("--time", "time_s", hidden=True)
@json_option
def command(candidates: tuple[str, ...], **options: Any) -> int:
    """Plan a comparison that other machines run: Slurm arrays, Kubernetes jobs, CI, ssh.

    Nothing is run or downloaded. Print the plan with --json, or write it with --into; on each
    machine: weighin run --job FILE [--block N] --store DIR; then: weighin merge DIR…
    """
    from runners.batches.blocks import plan_of, plan_text

    split, blocks = options["split"], options["blocks"]
    if options["time_s"] is not None:
        raise click.UsageError(
            "--time: looks need every candidate on one machine, so that it cannot be cut into "
            "blocks; leave it out and give --limit and --repeats"
        )
    if blocks > 1 and split not in ("repeats", "families"):
        raise click.UsageError(
            f"--blocks {blocks}: say what they share out, --split repeats or --split families"
        )
    plan = plan_of(chosen_batch(candidates, options), split, blocks)
    if options["into"] is not None:
        _write(plan, options["into"])
    if options["as_json"]:
        print(plan_text(plan), end="")
        return 0
    trust = [f"--{word}" for word, given in (
        ("trust-tasks", options["trust_tasks"]), ("allow-code", options["allow_code"]),
        ("trust-remote-code", options["trust_code"]),
    ) if given]  # fmt: skip
    _print(plan, options["into"], trust)
    return 0


def _write(plan: BatchPlan, folder: Path) -> None:
    from runners.batches.blocks import only, plan_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found := next(folder.glob("block-*.json"), None):
            raise SpecError(f"{found}: is there already; give --into a new folder")
        for block in plan.blocks:
            path = folder / f"block-{block.index:04}.json"
            path.write_text(plan_text(only(plan, block.index)), encoding="utf-8")
    except OSError as error:
        with contextlib.suppress(OSError):
            for path in folder.glob("block-*.json"):
                path.unlink()
        raise SpecError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _print(plan: BatchPlan, folder: Path | None, trust: list[str]) -> None:
    from runners.cli.layout import Column, Grid, console, plain, say

    out = console()
    table = Grid(
        f"plan {plan.name}: suite {plan.suite.name} (version {plan.suite.version})",
        "block", Column(heading="candidates", wrap=True), "repeats",
        Column(heading="what is measured", wrap=True),
    )  # fmt: skip
    for block in plan.blocks:
        names = plain(", ".join(block.candidates))
        table.add_row(str(block.index), names, str(len(block.rounds)), _what(block))
    out.print(table)
    if folder is None:
        say(out, "nothing was written: --json prints the plan, --into DIR writes a file a block")
        return
    run = shlex.join(["weighin", "run", "--job", str(folder / "block-0000.json"), *trust])
    say(out, f"on each machine, with the same weighin: {run} --store DIR")
    say(out, "then bring the folders together: weighin merge DIR…")


def _what(block: Block) -> str:
    if not block.times:
        return "accuracy; the machine need not be quiet"
    timed = "times and memory"
    return timed if block.score == "never" else f"accuracy, {timed}"
