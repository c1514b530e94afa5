"""`weighin run --job`: the batch that a plan asks of this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from runners.cli.trust import refuse_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.batches.batch import Batch
    from runners.batches.blocks import BatchPlan

HERE = {
    "accepted", "address", "allow_code", "as_json", "block", "dry_run", "job", "keep_prompts",
    "offline", "resume", "store_path", "strict", "timeout_s", "trust_code", "trust_tasks",
}  # fmt: skip
"""Options that each machine decides; what is measured stands in the plan."""


def refuse_loose(options: Mapping[str, Any]) -> None:
    """Refuse an option that says nothing without another.

    Raises:
        click.UsageError: which, and what it goes with.
    """
    for name, other, words in (
        ("block", "job", "--job FILE"), ("split", "address", "--on ADDRESS"),
        ("blocks", "address", "--on ADDRESS"),
    ):  # fmt: skip
        if options[name] is not None and options[other] is None:
            raise click.UsageError(f"--{name} goes with {words}")


def read_job(options: Mapping[str, Any]) -> BatchPlan | None:
    """The plan that --job names, of the chosen block alone; None without one.

    Raises:
        SpecError: no plan, or it has no such block.
    """
    from runners.batches.blocks import only, read_plan

    if options["job"] is None:
        return None
    plan = read_plan(options["job"])
    return plan if options["block"] is None else only(plan, options["block"])


def planned_batch(plan: BatchPlan, options: Mapping[str, Any]) -> Batch:
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
    batch = batch_of(plan, whole=options["address"] is not None)
    for candidate in batch.candidates:
        refuse_code(candidate, trusted=options["trust_code"])
    return replace(
        batch,
        trust_tasks=options["trust_tasks"],
        allow_code=options["allow_code"],
        offline=options["offline"],
        accepted=frozenset(options["accepted"]),
    )
