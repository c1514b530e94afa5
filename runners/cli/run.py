"""`weighin run`: measure candidates on a suite."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli import EXIT_FAILED, EXIT_INTERRUPTED
from runners.cli.batch_options import batch_options, chosen_batch
from runners.cli.gpu_hint import gpu_hints
from runners.cli.help import GroupedCommand, examples
from runners.cli.options import (
    accept_option,
    json_option,
    offline_option,
    open_store,
    store_option,
    time_option,
    timeout_option,
    typed,
)
from runners.cli.planned import planned_batch, read_job, refuse_loose
from runners.cli.progress import ProgressLines
from runners.cli.timed import in_time, refuse_beside_time, run_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.batches.batch import Batch
    from runners.batches.blocks import BatchPlan
    from runners.cli.against import Holding
    from runners.jobs.job import Options
    from runners.jobs.prepared import PreparedTask
    from runners.records.record import Record
    from runners.records.store import Store


@click.command("run", cls=GroupedCommand, epilog=examples(
    ("weighin run", "the embedded model on the suite quick"),
    ("weighin run model.gguf --suite core", "a file of yours, 2,570 items"),
    ("weighin run a.gguf b.gguf --memory 1GiB", "two candidates under 1 GiB"),
    ("weighin run a.gguf b.gguf c.gguf --time 30min", "which to ship, in that time"),
    ("weighin run org/name#Q4_K_M --repeats 5", "from the Hub; intervals from 5 processes"),
    ("weighin run q4.gguf --against f16.gguf --suite damage", "what a quantisation changed"),
    ("weighin run http://localhost:8000/v1 --questions mine.csv", "your questions to a server"),
))  # fmt: skip
@batch_options
@click.option("--against", metavar="REFERENCE",
              help="Say what became of the answers beside this candidate's, e.g. the model before "
              "it was quantised: it runs first, unless the store has its answers to the same "
              "items. Also a run id, or a candidate of the store. Best with --suite "
              "damage.")  # fmt: skip
@click.option("--time", "time_s", metavar="TIME", callback=time_option,
              help="End in this time, e.g. 30min: look after look at growing samples of the suite, "
              "until one candidate is left or the time is over. --limit and --repeats are ceilings "
              "then.")  # fmt: skip
@store_option
@click.option("--resume/--fresh", default=True,
              help="Go on where an interrupted run stopped and skip finished jobs (default), or "
              "measure everything anew.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would run and be downloaded; run nothing.")
@click.option("--strict", is_flag=True, help="Exit 3 if a run has a warning or a verdict "
              "other than fits, too.")  # fmt: skip
@click.option("--timeout", "timeout_s", type=float, default=600.0, metavar="S",
              callback=timeout_option,
              help="End a worker that says nothing for S seconds (default: 600).")  # fmt: skip
@click.option("--keep-prompts", is_flag=True, help="Keep the prompts in the samples.")
@click.option("--job", type=click.Path(path_type=Path), metavar="FILE",
              help="Run what a plan (weighin plan) asks of this machine, instead of "
              "candidates.")  # fmt: skip
@click.option("--block", type=click.IntRange(min=0), metavar="N",
              help="With --job: the block of a plan that has several, counted from 0.")  # fmt: skip
@click.option("--on", "address", metavar="ADDRESS",
              help="Run on the machines of a Ray cluster: local, auto or ray://HOST:PORT; "
              "docs/scale.md.")  # fmt: skip
@click.option("--split", type=click.Choice(["none", "repeats", "families", "scores"]),
              help="With --on: what blocks share out, as weighin plan does.")  # fmt: skip
@click.option("--blocks", type=click.IntRange(min=1, max=10_000), metavar="N",
              help="With --on: blocks to share it out to.")  # fmt: skip
@accept_option
@offline_option
@json_option
def command(candidates: tuple[str, ...], **options: Any) -> int:
    """Measure candidates on a suite: accuracy, latency and peak memory.

    A CANDIDATE is a name of the catalogue (weighin list candidates), a YAML file, a path to a
    .gguf file or to a folder of safetensors, a Hub id (org/name, org/name#file.gguf), the address
    of a server (http://host:8000/v1), or a Gradio app: its file (app.py), or the address of one
    that runs (https://owner-name.hf.space, gradio:owner/name). Without one, the embedded default
    runs.
    """
    from evals.tasks.quiet import go_offline
    from runners.batches.batch import plan_jobs, resolver
    from runners.batches.blocks import as_planned
    from runners.cli.run_report import report
    from runners.doctor.quietness import disturbance, watch

    if options["offline"]:
        go_offline()  # the hub's client reads this when it is imported
    started_s = time.monotonic()
    refuse_loose(options)
    refuse_beside_time(options)
    plan = read_job(options)
    batch = _batch(candidates, options) if plan is None else planned_batch(plan, options)
    run_options = _options(options)
    progress = ProgressLines()
    if options["dry_run"]:
        return _described(batch, run_options.store, options)
    run_options.store.create()
    if options["address"] is not None:
        return _elsewhere(plan, batch, options, run_options, progress)
    progress.say("preparing: loading tasks and building their requests")
    watched = watch()
    left_out: dict[str, str] = {}
    tasks = _prepared(batch, left_out, progress)
    batch, holding = _holding(batch, tasks, left_out, options, run_options, progress)
    resolve = resolver(batch, progress=progress.transfer)
    if plan is not None:
        resolve = as_planned(resolve, plan.local_sha256)
    jobs = plan_jobs(batch, tasks, resolve)
    if holding is not None and holding.batch is not None:
        jobs = [*jobs, *plan_jobs(holding.batch, holding.tasks, resolve)]
    for line in gpu_hints(batch.candidates):
        progress.say(line)
    warning = disturbance(watched())
    if warning:
        progress.say(warning)
    progress.plan([job for job, _ in jobs])
    outcomes, said = run_jobs(jobs, run_options, options, progress, started_s)
    progress.end()
    report(outcomes, run_options, holding, said=said, as_json=options["as_json"])
    code = _exit_code([o.record for o in outcomes], len(jobs), strict=options["strict"])
    return code or _say_left_out(left_out, progress)


def _described(batch: Batch, store: Store, options: dict[str, Any]) -> int:
    """Print what would run."""
    from runners.cli.against import held_batch, with_candidate
    from runners.cli.dry_run import describe

    held, against = None, options["against"]
    if against is not None:
        held = held_batch(batch)
        if held is None:
            batch = with_candidate(batch, against, store)
        else:
            held = with_candidate(held, against, store)
    return describe(batch, store, held, as_json=options["as_json"], time_s=options["time_s"])


def _holding(
    batch: Batch, tasks: Sequence[PreparedTask], left_out: dict[str, str],
    options: dict[str, Any], run_options: Options, progress: ProgressLines,
) -> tuple[Batch, Holding | None]:  # fmt: skip
    """What --against asks for: the batch, the reference in it, and what answers are held of."""
    from runners.cli.against import (
        Holding,
        find_reference,
        held_batch,
        refuse_itself,
        with_reference,
    )

    if options["against"] is None:
        return batch, None
    held = held_batch(batch)
    asked = tasks if held is None else _prepared(held, left_out, progress)
    reference = find_reference(
        options["against"],
        asked,
        run_options.store,
        fresh=run_options.fresh,
        trust_code=options["trust_code"],
    )
    refuse_itself(reference, batch)
    if held is None:
        batch = with_reference(batch, reference)
    else:
        held = with_reference(held, reference)
    return batch, Holding(reference=reference, batch=held, tasks=asked)


def _prepared(
    batch: Batch, left_out: dict[str, str], progress: ProgressLines
) -> list[PreparedTask]:
    """The suite's tasks; those that cannot be had here are said now, and kept with the reason."""
    from runners.batches.batch import prepare_tasks

    lacking: dict[str, str] = {}
    tasks = prepare_tasks(batch, progress=progress.transfer, left_out=lacking)
    for why in lacking.values():
        progress.say(f"left out: {why}")
    left_out.update(lacking)
    return tasks


def _say_left_out(left_out: dict[str, str], progress: ProgressLines) -> int:
    """Say once more at the end what was not asked; the exit code that it makes."""
    if not left_out:
        return 0
    progress.say(f"not asked: {', '.join(left_out)}; the reasons stand at the top")
    return EXIT_FAILED


def _batch(candidates: tuple[str, ...], options: dict[str, Any]) -> Batch:
    batch = chosen_batch(candidates, options)
    if options["time_s"] is not None:
        batch = in_time(batch, options["time_s"])
    return replace(
        batch,
        offline=options["offline"],
        accepted=frozenset(options["accepted"]),
    )


def _elsewhere(
    plan: BatchPlan | None, batch: Batch, options: dict[str, Any], run_options: Options,
    progress: ProgressLines,
) -> int:  # fmt: skip
    """Run on the machines of a cluster, and end as a run here does."""
    from runners.batches.batch import Outcome
    from runners.cli.elsewhere import plan_for, run_elsewhere, say_missing
    from runners.cli.run_report import report

    if options["against"] is not None:
        raise click.UsageError("--against: does not go with --on; name the reference, too")
    plan = plan or plan_for(batch, options["split"], options["blocks"])
    records, missing = run_elsewhere(plan, options, run_options, progress)
    progress.end()
    records.sort(key=lambda record: record.run_id)
    outcomes = [Outcome(record=record, ran=True) for record in records]
    report(outcomes, run_options, None, as_json=options["as_json"])
    code = say_missing(missing, progress)
    return code or _exit_code(records, len(records), strict=options["strict"])


def _options(options: dict[str, Any]) -> Options:
    from runners.cli.elsewhere import executor_here
    from runners.jobs.job import Options

    executor, command = executor_here() or (None, typed())
    return Options(
        store=open_store(options["store_path"]),
        command=command,
        timeout_s=options["timeout_s"],
        keep_prompts=options["keep_prompts"],
        fresh=not options["resume"],
        executor=executor,
    )


def _exit_code(records: Sequence[Record], jobs: int, *, strict: bool) -> int:
    if any(record.status == "interrupted" for record in records):
        return EXIT_INTERRUPTED
    failed = len(records) < jobs or not all(record.is_answer for record in records)
    return EXIT_FAILED if failed or (strict and any(map(_objectionable, records))) else 0


def _objectionable(record: Record) -> bool:
    """True where --strict refuses the record."""
    verdict = record.verdict.verdict if record.verdict else "fits"
    warned = any(flag.level == "warning" for flag in record.flags)
    return warned or verdict != "fits"
