"""`weighin fit`: the smallest memory limit in which a candidate works."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evals.errors import WeighinError
from runners.cli.asking import candidate_options, with_template
from runners.cli.completion_names import complete_candidates
from runners.cli.help import GroupedCommand, examples
from runners.cli.options import (
    accept_option,
    choose_candidates,
    choose_questions,
    choose_suite,
    json_option,
    offline_option,
    open_store,
    runtime_option,
    size_option,
    store_option,
    suite_options,
    trust_code_option,
    typed,
)
from runners.cli.progress import ProgressLines

if TYPE_CHECKING:
    from runners.batches.fit import Fit, Probe
    from runners.jobs.job import Job, Options
    from runners.jobs.measured import Step

DEFAULT_ITEMS = 2
FoundT = TypeVar("FoundT")


@click.command("fit", cls=GroupedCommand, epilog=examples(
    ("weighin fit model.gguf", "the smallest memory in which it works"),
    ("weighin fit model.gguf --cpus 1", "with one core"),
    ("weighin fit model.gguf --gpu --vram 6GiB", "the most layers that do on the GPU"),
))  # fmt: skip
@click.argument("candidate", metavar="CANDIDATE", shell_complete=complete_candidates)
@suite_options
@candidate_options
@click.option("--gpu", is_flag=True,
              help="Instead, find the most layers with which it works on the GPU.")  # fmt: skip
@click.option("--vram", metavar="SIZE", callback=size_option,
              help="With --gpu: in so much memory of the GPU, e.g. 6GiB (default: as much as there "
              "is).")  # fmt: skip
@click.option("--cpus", type=click.FloatRange(0, 1024, min_open=True), metavar="N",
              help="Hold every probe to N CPUs, too.")  # fmt: skip
@click.option("--timeout", "timeout_s", type=click.FloatRange(1, 7 * 24 * 3600), default=300.0,
              metavar="S", help="End a probe that takes longer than S seconds: it does not work "
              "there (default: 300).")  # fmt: skip
@click.option("--resume/--fresh", default=True,
              help="Take probes from the store (default), or run all of them anew.")  # fmt: skip
@runtime_option
@store_option
@accept_option
@trust_code_option
@offline_option
@json_option
def command(candidate: str, **options: Any) -> int:
    """Find the smallest memory limit, to 16 MiB, in which CANDIDATE works.

    It works where its latency phase completes without thrashing, and a probe of the tasks (by
    default two items of each) gives the same answers as without a limit. Each probe is a run of its
    own, kept in the store with its budget. The limit found and the one below it are tried twice.

    It is a limit of memory, not of speed. Control groups must work here (weighin doctor).

    With --gpu it finds the most layers that load on the GPU, answer the probe and keep to --vram.
    """
    from evals.tasks.quiet import go_offline
    from runners.batches.batch import Batch, plan_jobs, prepare_tasks, resolver
    from runners.batches.fit import fit
    from runners.batches.fit_layers import fit_layers, require_gpu
    from runners.cli.fit_layers import print_layers
    from runners.compute.budget_use import ad_hoc
    from runners.jobs.job import Options

    if options["vram"] is not None and not options["gpu"]:
        raise click.UsageError("--vram: needs --gpu")
    if options["gpu"] and options["gpu_layers"] is not None:
        raise click.UsageError("--gpu: finds the layers, which --gpu-layers gives")
    if options["offline"]:
        go_offline()
    progress = ProgressLines()
    questions = choose_questions(options)
    batch = Batch(
        candidates=with_template(
            choose_candidates(
                (candidate,), trust_code=options["trust_code"], runtime=options["runtime"]
            ),
            options,
        ),
        suite=choose_suite(options, questions),
        questions=questions,
        limit=options["limit"] or DEFAULT_ITEMS,
        data=options["data"],
        include=options["include"],
        trust_tasks=options["trust_tasks"],
        allow_code=options["allow_code"],
        offline=options["offline"],
        accepted=frozenset(options["accepted"]),
        budget=ad_hoc(cpus=options["cpus"]) if options["cpus"] else None,
    )
    if options["gpu"]:
        require_gpu(batch.candidates[0])  # before anything is fetched
    store = open_store(options["store_path"])
    store.create()
    tasks = prepare_tasks(batch, progress=progress.transfer)
    ((job, unresolved),) = plan_jobs(batch, tasks, resolver(batch, progress=progress.transfer))
    if unresolved is not None:
        raise unresolved
    run_options = Options(
        store=store,
        command=typed(),
        timeout_s=options["timeout_s"],
        job_timeout_s=options["timeout_s"],
        fresh=not options["resume"],
    )
    if options["gpu"]:
        limit = options["vram"]
        layers = _told(job, run_options, progress, partial(fit_layers, limit_bytes=limit))
        progress.end()
        print_layers(layers, as_json=options["as_json"])
        return 0
    found = _told(job, run_options, progress, fit)
    progress.end()
    _print(found, as_json=options["as_json"])
    return 0


def _told(
    job: Job, options: Options, progress: ProgressLines, search: Callable[..., FoundT]
) -> FoundT:
    """Search, and tell beside the records where that stands."""
    from runners.batches.telling import Telling

    telling = Telling([job], options)

    def notify(step: Step) -> None:
        telling.step(job, step)
        progress.step(job, step)

    try:
        found = search(job, options, notify)
    except WeighinError:  # nothing is left to go on with
        telling.finished = True
        raise
    else:
        telling.finished = True
        return found
    finally:
        telling.close()


def _print(found: Fit, *, as_json: bool) -> None:
    from leaderboard.units import MISSING, format_number, mib, ms
    from runners.batches.fit import sentence
    from runners.cli.layout import Column, Grid, console, plain, say, state
    from runners.records.latency import headline, median_of

    if as_json:
        print(json.dumps(_report(found)))
        return
    table = Grid(
        f"memory limits of {found.reference.candidate.name}", "limit MiB", "works",
        Column(heading="why", wrap=True), "TTFT ms", "decode tokens/s",
        Column(heading="charged MiB", drop=1), Column(heading="run", left=True),
    )  # fmt: skip
    for probe in sorted(found.probes, key=lambda p: (p.limit_bytes, p.record.job.repeat)):
        record = probe.record
        named = headline(record.latency)
        first = record.latency[named] if named else None
        decode = median_of(first.decode_tokens_per_s) if first else None
        charged = _charged(probe)
        table.add_row(
            format_number(mib(probe.limit_bytes)),
            state("yes" if probe.works else "no"),
            plain(probe.why),
            format_number(ms(first.ttft_s.p50)) if first else MISSING,
            format_number(decode) if decode is not None else MISSING,
            MISSING if charged is None else format_number(mib(charged)),
            plain(record.run_id.rpartition("-")[2]),
        )
    out = console()
    out.print(table)
    say(out, sentence(found))


def _charged(probe: Probe) -> int | None:
    """The most that was charged to the worker's group in the latency phase."""
    memory = probe.record.memory
    phase = memory.phases.get("latency") if memory else None
    return phase.group_peak_bytes if phase else None


def _report(found: Fit) -> dict[str, Any]:
    return {
        "candidate": found.reference.candidate.name,
        "smallest_bytes": found.smallest_bytes,
        "confirmed": found.confirmed,
        "reference_run": found.reference.run_id,
        "probes": [
            {
                "limit_bytes": probe.limit_bytes,
                "works": probe.works,
                "why": probe.why,
                "charged_bytes": _charged(probe),
                "run": probe.record.run_id,
            }
            for probe in found.probes
        ],
    }
