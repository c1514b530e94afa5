"""`weighin run --on`: the blocks of a plan on other machines, their records in one store."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import SpecError
from evals.replacing import TEMPORARY
from runners.cli import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runners.batches.batch import Batch
    from runners.batches.blocks import BatchPlan
    from runners.cli.progress import ProgressLines
    from runners.compute.budget import Budget
    from runners.executors.block_run import BlockRun
    from runners.executors.ended import Ended
    from runners.jobs.job import Options
    from runners.records.circumstances import ExecutorInfo
    from runners.records.record import Record
    from runners.records.store import Store

ADDRESS = re.compile(r"local|auto|modal|subprocess|(ray://)?[^\s/:]+:\d{1,5}")


BLOCK_S = 12 * 3600.0
"""A block on a rented machine that takes longer is ended."""


def plan_for(batch: Batch, split: str | None, blocks: int | None) -> BatchPlan:
    """The plan of a batch that runs on other machines.

    Args:
        batch: what is asked for.
        split: what its blocks share out; None: repeats where blocks are asked for, else nothing.
        blocks: how many; None: each repeat its own, where repeats are shared out.
    """
    from runners.batches.blocks import plan_of

    chosen = split or ("repeats" if blocks else "none")
    most = {"repeats": batch.repeats, "families": len({c.family for c in batch.candidates})}
    return plan_of(batch, chosen, blocks or most.get(chosen, 1))  # type: ignore[arg-type]


def run_elsewhere(
    plan: BatchPlan, options: Mapping[str, Any], run_options: Options, progress: ProgressLines
) -> tuple[list[Record], list[str]]:
    """Run a plan's blocks on a cluster and bring their records into the store.

    Returns:
        The records, and a line for each block that has none.

    Raises:
        RuntimeFailure: the scheduler is not installed, or does not answer.
        RecordError: the store cannot be written; the nodes keep their records.
    """
    from runners.batches.blocks import plan_text

    address = options["address"]
    if not ADDRESS.fullmatch(address):
        raise click.UsageError(
            f"--on: {address!r} is none of local, auto, HOST:PORT, ray://HOST:PORT, modal and "
            "subprocess"
        )
    store = run_options.store
    order = [b.index for b in sorted(plan.blocks, key=lambda b: not b.times)]
    records: list[Record] = []
    missing: list[str] = []
    text, command = plan_text(plan), run_options.command
    for ended in _ended(text, order, plan.budget, options, command, progress.say):
        if ended.ran is None:
            missing.append(f"block {ended.block}: not run: {ended.why}")
        elif not ended.ran.files:
            said = ended.ran.said.rpartition("\n")[2] or f"exit {ended.ran.code}"
            missing.append(f"block {ended.block}: refused on {ended.node}: {said}")
        else:
            brought = bring(ended.ran, store)
            progress.say(f"{ended.node}: block {ended.block} is done: {len(brought)} runs")
            records.extend(brought)
    return records, missing


def _ended(
    text: str, order: Sequence[int], budget: Budget | None, options: Mapping[str, Any],
    command: str, say: Callable[[str], object],
) -> Iterator[Ended]:  # fmt: skip
    """The blocks as they end, on the nodes of a cluster or on rented machines."""
    from runners.executors import on_modal, on_ray, on_rented
    from runners.executors.rented import Limits, LocalMachine

    address, given = options["address"], arguments(options)
    if address not in ("modal", "subprocess"):
        yield from on_ray.run_blocks(text, order, address, given, command, say)
        return
    limits = Limits(
        timeout_s=BLOCK_S,
        cpus=budget.cpus if budget else None,
        memory_bytes=budget.memory_bytes if budget else None,
    )
    lend = (lambda: on_modal.lend(limits)) if address == "modal" else LocalMachine
    yield from on_rented.run_blocks(text, order, lend, given, command, limits, say)


def bring(ran: BlockRun, store: Store) -> list[Record]:
    """Put a block's records into the store, as merging does.

    Raises:
        RecordError: one is damaged, or the store cannot be written.
    """
    from runners.records.merging import merge
    from runners.records.store import Store

    with tempfile.TemporaryDirectory(dir=store.root, prefix=TEMPORARY) as folder:
        for name, content in ran.files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        source = Store(Path(folder))
        done = merge(source, store)
        if done.refused:
            raise done.refused[0]
        return [store.read(run_id) for run_id in done.added] + [
            source.read(run_id) for run_id in done.known
        ]


def arguments(options: Mapping[str, Any]) -> tuple[str, ...]:
    """What this command's user allows, for the command on each node."""
    flags = {
        "--offline": options["offline"],
        "--keep-prompts": options["keep_prompts"],
        "--trust-tasks": options["trust_tasks"],
        "--allow-code": options["allow_code"],
        "--trust-remote-code": options["trust_code"],
        "--fresh": not options["resume"],
    }
    licences = [part for word in options["accepted"] for part in ("--accept-license", word)]
    given = [flag for flag, wanted in flags.items() if wanted]
    return (*given, *licences, "--timeout", str(options["timeout_s"]))


def say_missing(missing: Sequence[str], progress: ProgressLines) -> int:
    """Name the blocks without records; the exit code that they make."""
    for line in missing:
        progress.say(line)
    return EXIT_FAILED if missing else 0


def executor_here() -> tuple[ExecutorInfo, str] | None:
    """Scheduler that runs this command and what its user typed, as WEIGHIN_EXECUTOR says.

    Returns:
        None without a scheduler.

    Raises:
        SpecError: what it says is not that.
    """
    from pydantic import ValidationError

    from runners.executors.block_run import EXECUTOR
    from runners.records.circumstances import ExecutorInfo

    said = os.environ.get(EXECUTOR)
    if not said:
        return None
    try:
        content = json.loads(said)
        return ExecutorInfo.model_validate(content["executor"]), str(content["command"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        first = str(error).partition("\n")[0]
        raise SpecError(f"{EXECUTOR}: is not what an executor says of a run ({first})") from error
