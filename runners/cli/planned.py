"""`weighin run --job`: the batch that a plan asks of this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from runners.cli.options import refuse_code

if TYPE_CHECKING:
    from runners.batches.batch import Batch
    from runners.batches.blocks import BatchPlan

HERE = {
    "accepted", "as_json", "block", "dry_run", "job", "keep_prompts", "offline", "resume",
    "store_path", "strict", "timeout_s", "trust_code", "trust_tasks",
}  # fmt: skip
"""Options that each machine decides; what is measured stands in the plan."""


def read_job(path: Path, index: int | None) -> BatchPlan:
    """The plan of the block that runs here.

    Raises:
        SpecError: no plan, or it has no such block, or several and none was chosen.
    """
    from runners.batches.blocks import only, read_plan

    plan = read_plan(path)
    return plan if index is None else only(plan, index)


def planned_batch(plan: BatchPlan, options: dict[str, Any]) -> Batch:
    """The batch of a plan, with what this machine's user allows.

    Raises:
        SpecError: the plan cannot run here.
        click.UsageError: an option that the plan decides was given, too.
    """
    from runners.batches.blocks import batch_of

    context = click.get_current_context()
    if context.params.get("candidates"):
        raise click.UsageError("--job: the plan names the candidates; leave them out")
    for parameter in context.command.params:
        name = str(parameter.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in HERE:
            raise click.UsageError(
                f"--job: {parameter.opts[0]} is decided by the plan; leave it out, or plan again"
            )
    batch = batch_of(plan)
    for candidate in batch.candidates:
        refuse_code(candidate, trusted=options["trust_code"])
    return replace(
        batch,
        trust_tasks=options["trust_tasks"],
        offline=options["offline"],
        accepted=frozenset(options["accepted"]),
    )
