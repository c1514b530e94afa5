"""`weighin check --rerun`: both sides measured now, interleaved, and judged by what they show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError, SpecError
from runners.cli.asking import asked_otherwise
from runners.cli.options import choose_questions, choose_suite
from runners.cli.sides import find_side, means_records
from runners.cli.trust import refuse_code
from runners.jobs.budget_record import recorded_budget
from runners.records.store import Store

if TYPE_CHECKING:
    from evals.questions.reading import QuestionFile
    from evals.suites import Suite
    from leaderboard.compare.comparison import Side
    from runners.batches.batch import Batch, Outcome
    from runners.candidates.spec import Candidate
    from runners.cli.progress import ProgressLines
    from runners.compute.budget import Budget
    from runners.jobs.job import Options
    from runners.records.record import Record

BASELINE = " (baseline)"
"""Ends the name of a candidate that is run against another version, or a twin, of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Candidates, suite and recorded runs of a repeated comparison."""

    baseline: Candidate
    candidate: Candidate
    suite: Suite
    recorded: Record | None
    """The run that the baseline was given as; it is of what is run now, or nothing is judged."""
    candidate_recorded: Record | None = None
    """The run that the candidate was given as, likewise."""
    questions: QuestionFile | None = None
    """A person's own, where the suite is made of them."""

    @property
    def budget(self) -> Budget | None:
        """The budget that the recorded baseline ran inside, for both sides; None without one.

        Raises:
            SpecError: the record's is none.
        """
        if self.recorded is None or self.recorded.budget is None:
            return None
        return recorded_budget(self.recorded.budget, self.recorded.run_id)


def plan(candidate: str, against: str, store: Store, chosen: dict[str, Any]) -> Plan:
    """Find the candidates that two texts name, and the suite on which both are run.

    Args:
        candidate: as for `weighin run`, or a run of the store.
        against: the same, or a folder of records.
        store: of the runs.
        chosen: the command's options about the suite; without any it is the recorded baseline's.

    Raises:
        SpecError: a side cannot be run here.
    """
    new, measured = _runnable(candidate, store)
    old, recorded = _runnable(against, store)
    for side in (new, old):
        refuse_code(side, trusted=chosen["trust_code"], typed=(candidate, against))
    if new.name == old.name:
        old = old.model_copy(update={"name": f"{old.name}{BASELINE}"})
    questions = choose_questions(chosen)
    if recorded is None or questions or chosen["suite_name"] or chosen["tasks"]:
        suite = choose_suite(chosen, questions)
    else:
        suite = asked_otherwise(suite_of(recorded), chosen)
        questions = questions_of(recorded)
    return Plan(
        baseline=old,
        candidate=new,
        suite=suite,
        recorded=recorded,
        candidate_recorded=measured,
        questions=questions,
    )


def measure(
    planned: Plan, pairs: int, options: Options, chosen: dict[str, Any], progress: ProgressLines
) -> tuple[Side, Side]:
    """Run both sides, `pairs` times each, in random order within each pair.

    The first pair answers the tasks; a candidate that fails ends the matter at once.

    Returns:
        Baseline and candidate.

    Raises:
        RecordError: the baseline failed, or its weights are not those that were recorded.
        click.Abort: interrupted.
    """
    from runners.batches.batch import plan_jobs, prepare_tasks, resolver, run_batch
    from runners.doctor.quietness import disturbance, watch

    options.store.create()
    batch = _batch(planned, pairs, options.store.root.name, chosen)
    progress.say("preparing: loading tasks and building their requests")
    watched = watch()
    tasks = prepare_tasks(batch, progress=progress.transfer)
    jobs = plan_jobs(batch, tasks, resolver(batch, progress=progress.transfer))
    warning = disturbance(watched())
    if warning:
        progress.say(warning)
    progress.plan([job for job, _ in jobs])
    runs: dict[str, list[Record]] = {planned.baseline.name: [], planned.candidate.name: []}
    for outcome in run_batch(jobs, options, progress.step):
        runs[outcome.record.candidate.name].append(outcome.record)
        _check(outcome, planned)
        failed = any(run.status == "failed" for run in runs[planned.candidate.name])
        if failed and all(runs.values()):
            break
    progress.end()
    baseline, candidate = (
        _side(options.store, runs[side.name]) for side in (planned.baseline, planned.candidate)
    )
    return baseline, candidate


def _runnable(text: str, store: Store) -> tuple[Candidate, Record | None]:
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.chosen import asked_as

    if not means_records(text):
        try:
            return find_candidate(text), None
        except SpecError as error:
            unknown = error
        try:
            lead = find_side(text, store).runs[-1]
        except RecordError:
            raise unknown from None
    else:
        lead = find_side(text, store).runs[-1]
    try:
        return asked_as(find_candidate(lead.candidate.name), lead.candidate.chosen), lead
    except SpecError as error:
        raise SpecError(
            f"{text}: {lead.candidate.name} cannot be run again here ({error}); give --against the "
            "candidate itself, e.g. its YAML file"
        ) from error


def suite_of(record: Record) -> Suite:
    """The suite that a run was asked, as its record has it.

    Raises:
        SpecError: it is none.
    """
    from evals.spec_file import check_spec
    from evals.suites import REQUESTS, Suite

    asked = record.suite
    workloads = [_workload(name, asked.requests.get(name)) for name in asked.workloads]
    content = asked.model_dump(include={"name", "version", "seed", "tasks"})
    if asked.latency_repeats != REQUESTS:
        content["latency_repeats"] = asked.latency_repeats
    content |= {**asked.options, "workloads": workloads}
    return check_spec(content, Suite, where=record.run_id)


def questions_of(record: Record) -> QuestionFile | None:
    """The file of a person's own questions that a run answered, as it was then.

    Raises:
        SpecError: it is gone, or another than it was.
    """
    from evals.questions.reading import read_again

    asked = next((one for one in record.data if one.is_own), None)
    if asked is None:
        return None
    return read_again(Path(asked.uri), asked.sha256, f"run {record.run_id}")


def _workload(name: str, requests: int | None) -> dict[str, Any]:
    prompt, _, new = name.partition("+")
    return {"prompt_tokens": prompt, "new_tokens": new, "requests": requests}


def _batch(planned: Plan, pairs: int, order: str, chosen: dict[str, Any]) -> Batch:
    from runners.batches.batch import Batch

    return Batch(
        candidates=(planned.baseline, planned.candidate),
        suite=planned.suite,
        questions=planned.questions,
        budget=planned.budget,
        repeats=pairs,
        limit=chosen["limit"],
        data=chosen["data"],
        include=chosen["include"],
        trust_tasks=chosen["trust_tasks"],
        allow_code=chosen["allow_code"],
        offline=chosen["offline"],
        accepted=frozenset(chosen["accepted"]),
        order=order,
    )


def _check(outcome: Outcome, planned: Plan) -> None:
    record = outcome.record
    if record.status == "interrupted":
        raise click.Abort
    is_baseline = record.candidate.name == planned.baseline.name
    if is_baseline and record.status == "failed":
        why = record.error.message if record.error else "no reason given"
        raise RecordError(f"the baseline failed, so nothing can be judged: {why}")
    known = planned.recorded if is_baseline else planned.candidate_recorded
    if known is not None and known.candidate.digest != record.candidate.digest:
        which = "baseline" if is_baseline else "candidate"
        raise RecordError(
            f"the {which} {known.run_id} is not what {record.candidate.name} is now: it was run "
            f"with {_identity(known)}, now it has {_identity(record)}"
        )


def _identity(record: Record) -> str:
    about = record.candidate
    chosen = f" and the settings {about.chosen}" if about.chosen else ""
    return f"weights of sha256 {about.weights_sha256} on runtime {about.runtime}{chosen}"


def _side(store: Store, runs: list[Record]) -> Side:
    from leaderboard.compare.comparison import Side

    side = Side(runs=tuple(runs))
    if side.scored.accuracy and side.scored.status == "completed":
        return Side(runs=side.runs, samples=store.answers(side.scored))
    return side
