"""`weighin run --time`: a comparison that ends in a given time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from leaderboard.units import format_duration
from runners.cli.ended import ended

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evals.errors import WeighinError
    from evals.suites import Suite
    from runners.batches.batch import Batch, Outcome
    from runners.batches.looks import Verdict
    from runners.batches.timed_journal import LookTaken
    from runners.batches.timed_stage import Stage
    from runners.cli.progress import ProgressLines
    from runners.jobs.job import Job, Options
    from runners.records.record import Record

MOST_REPEATS = 10
"""Runs of the timed workloads of each candidate, where --repeats sets no other ceiling."""
SHORTEST_S = 10.0
OUTSIDE = "outside the tie"
PAIR, UNSCORED = 2, "no usable score"
BEATEN = "answers less like its family's largest than a smaller one"
"""Why a candidate is asked no more."""
ITEMS_A_S, FEWEST_ITEMS, MOST_ITEMS = 2, 200, 3000
"""Items of a task that there is room for: two a second, within these. Each is prepared beforehand,
so that too much room takes time, too."""
APART = {
    "job": "the plan decides what is asked", "address": "looks need every candidate at one place",
    "against": "name the reference as a candidate, too",
    "users": "the time is spent on one user at a time",
    "no_score": "without scores there is nothing to compare",
}  # fmt: skip
"""Options that do not go with --time, and why."""


def refuse_beside_time(options: Mapping[str, Any]) -> None:
    """Refuse what cannot be had in a given time.

    Raises:
        click.UsageError: which option, and why.
    """
    time_s = options["time_s"]
    if time_s is None:
        return
    if time_s < SHORTEST_S:
        raise click.UsageError(f"--time {time_s:g}s: give at least {SHORTEST_S:.0f}s")
    for name, why in APART.items():
        if options.get(name):
            option = {"address": "on", "no_score": "no-score"}.get(name, name)
            raise click.UsageError(f"--time: does not go with --{option}: {why}")
    if options["score"] == "each":
        raise click.UsageError("--time: does not go with --score each: tasks are answered once")


def roomy(suite: Suite, time_s: float) -> Suite:
    """The suite with room for as many items of each task as a time may allow.

    Its own numbers of items fit an unhurried run of it; here the time is the limit. The first of
    each task's items are the same.
    """
    most = round(max(FEWEST_ITEMS, min(MOST_ITEMS, ITEMS_A_S * time_s)))
    tasks = tuple(
        one.model_copy(
            update={
                "limit": None if one.total else max(one.limit or 0, most),
                "total": one.total and max(one.total, most),
            }
        )
        for one in suite.tasks
    )
    return suite.model_copy(update={"tasks": tasks})


def in_time(batch: Batch, time_s: float) -> Batch:
    """The batch as a comparison with a given time takes it.

    It has one run a candidate, which is repeated where there is time, and room for items, unless
    --limit sets a ceiling.
    """
    suite = batch.suite if batch.limit else roomy(batch.suite, time_s)
    return replace(batch, suite=suite, repeats=1)


def most_repeats() -> int:
    """The ceiling of timed runs a candidate: what --repeats says, where it was given."""
    context = click.get_current_context()
    given = context.get_parameter_source("repeats") is ParameterSource.COMMANDLINE
    return int(context.params["repeats"]) if given else MOST_REPEATS


def run_jobs(
    jobs: Sequence[tuple[Job, WeighinError | None]],
    run_options: Options,
    options: Mapping[str, Any],
    progress: ProgressLines,
    started_s: float,
) -> tuple[list[Outcome], list[str]]:
    """Run jobs, in a given time where there is one.

    Args:
        jobs: one a candidate and repeat, in order.
        run_options: of the batch.
        options: of the command.
        progress: told of each step, and of each end.
        started_s: when the command began, by `time.monotonic`.

    Returns:
        Outcomes in order, those of a given time as the candidates were typed, and sentences to
        print at the end.
    """
    from runners.batches.batch import run_batch

    found: Iterable[Outcome | str] = run_batch(jobs, run_options, progress.step)
    if options["time_s"] is not None:
        given = {"time_s": options["time_s"], "started_s": started_s}
        found = run_timed(jobs, run_options, progress, **given)
    outcomes, said = [], []
    for one in found:
        if isinstance(one, str):
            said.append(one)
            continue
        outcomes.append(one)
        progress.say(ended(one, keep_prompts=options["keep_prompts"]))
    if options["time_s"] is not None:
        typed = [job.candidate.name for job, _ in jobs]
        outcomes.sort(key=lambda o: (o.record.job.repeat, typed.index(o.record.candidate.name)))
    return outcomes, said


def run_timed(
    jobs: Sequence[tuple[Job, WeighinError | None]],
    options: Options,
    progress: ProgressLines,
    *,
    time_s: float,
    started_s: float,
) -> Iterator[Outcome | str]:
    """Compare candidates in a given time.

    Args:
        jobs: one a candidate.
        options: of the batch.
        progress: told of the time and of each step.
        time_s: that was given.
        started_s: when the command began, by `time.monotonic`.

    Yields:
        An outcome a record; last the sentences to print at the end.

    Raises:
        RecordError: the store cannot be written, or another process runs this comparison.
    """
    from evals.suites import MANY
    from runners.batches.batch import Outcome
    from runners.batches.time_left import GivenTime
    from runners.batches.timed import TimedRun
    from runners.batches.timed_journal import TimedJournal
    from runners.batches.timed_stage import Stages
    from runners.cli.timed_words import how_it_ended, sentences
    from runners.records.identity import digest

    plan = digest(["time", time_s, most_repeats(), [job.key for job, _ in jobs]])
    with TimedJournal(options.store, plan, fresh=options.fresh) as kept:
        known = [] if kept.resumed or options.fresh else _known(plan, jobs, options)
        if known:
            kept.finish()
            yield from (Outcome(record=record, ran=False) for record in known)
            yield how_it_ended(known)
            return
        clock = GivenTime(given_s=time_s, used_before_s=kept.used_s, started_s=started_s)
        progress.given(clock)
        if kept.resumed:
            progress.say(f"goes on: {format_duration(kept.used_s)} of the time were used before")
        named = [
            (replace(job, comparison=kept.name, batch=kept.name, repeats=MANY), why)
            for job, why in jobs
        ]
        stages = Stages([job for job, _ in named], options, kept, clock, progress.step)
        repeats = most_repeats()
        run = TimedRun(named, options, kept, clock, judged, stages, repeats=repeats)
        yield from run.outcomes()
        if run.summary is not None:
            yield from sentences(run.summary)
            kept.finish()


def judged(
    stages: Sequence[Stage], past: Sequence[LookTaken], share: float, begun: int
) -> Verdict | None:
    """Judge candidates as the board does, at the level that this look leaves."""
    from leaderboard.choose.family_looks import judge_families
    from leaderboard.choose.looks import judge_answers
    from leaderboard.rows.answers import read_answers
    from leaderboard.rows.row import row
    from leaderboard.stats.group_sequential import Look, spent
    from runners.batches.looks import Verdict

    places = [i for i, one in enumerate(stages) if one.samples and row(one.record).score]
    chosen = [stages[i] for i in places]
    answers = [read_answers(one.record, one.samples) for one in chosen if one.samples is not None]
    if len(answers) < PAIR:
        return None
    found = judge_answers(
        answers,
        past=[Look(information=one.information, spent=one.spent) for one in past],
        chance=spent(share),
        begun=begun,
    )
    if found is None:
        return None
    judgement, flips = found
    stay = [i for i in range(len(answers)) if i not in judgement.outside]
    family = judge_families([answers[i] for i in stay], begun)
    unscored = [i for i in range(len(stages)) if i not in places]
    return Verdict(
        information=judgement.look.information,
        spent=judgement.look.spent,
        critical_z=judgement.critical_z,
        leaving=(
            *((i, UNSCORED) for i in unscored),
            *((places[i], OUTSIDE) for i in judgement.outside),
            *((places[stay[i]], BEATEN) for i in family.beaten),
        ),
        flips=flips,
        detectable=judgement.detectable,
        settled=family.alike,
    )


def _known(
    plan: str, jobs: Sequence[tuple[Job, WeighinError | None]], options: Options
) -> list[Record]:
    """Records of the same comparison that the store has; none: empty."""
    from runners.batches.timed_before import ended_before
    from runners.records.record import Record

    names = {job.candidate.name for job, _ in jobs}
    records = (one for one in options.store.records() if isinstance(one, Record))
    return ended_before(plan, names, records)
