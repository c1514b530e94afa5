"""`weighin verify`: measure a sample of a run's items again, and say whether it agrees."""

from __future__ import annotations

import json
import random
import secrets
import tempfile
from collections import defaultdict
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError, SpecError
from runners.cli.completion_names import complete_runs
from runners.cli.options import (
    accept_option,
    allow_code_option,
    json_option,
    offline_option,
    open_store,
    store_option,
    trust_code_option,
    typed,
)
from runners.cli.progress import ProgressLines
from runners.cli.trust import refuse_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboard.compare.again import Again
    from leaderboard.rows.answers import Answers, ItemKey
    from runners.batches.batch import Batch
    from runners.candidates.spec import Candidate
    from runners.jobs.prepared import PreparedTask
    from runners.records.record import Record
    from runners.records.store import Store

EXIT = {"agrees": 0, "differs": 1, "cannot tell": 2}


@click.command("verify")
@click.argument("run", metavar="RUN", shell_complete=complete_runs)
@click.option("--items", type=click.IntRange(min=1), default=100, metavar="N",
              help="Items that are asked again, of all tasks together (default: 100).")  # fmt: skip
@click.option("--seed", type=int, metavar="N",
              help="Draws the items (default: drawn now, so that no one can prepare for "
              "them).")  # fmt: skip
@click.option("--as", "name", metavar="CANDIDATE",
              help="What to run (default: the run's candidate by its name).")  # fmt: skip
@click.option("--include", type=click.Path(exists=True, file_okay=False, path_type=Path),
              metavar="DIR", help="The folder with the run's own task files.")  # fmt: skip
@click.option("--trust-tasks", is_flag=True, help="Run what that folder's files name.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(1, 7 * 24 * 3600), default=600.0,
              metavar="S", help="End a worker that says nothing for S seconds (default: "
              "600).")  # fmt: skip
@allow_code_option
@store_option
@accept_option
@trust_code_option
@offline_option
@json_option
def command(run: str, **options: Any) -> int:
    """Measure a sample of a run's items again on this machine: agrees, differs or cannot tell.

    For a record that somebody else made (weighin pull). Scores and log-likelihoods are held against
    the record's, item by item; times are not, since they are of another machine. Exit 0: it agrees,
    1: it differs, 2: cannot tell.
    """
    from evals.tasks.quiet import go_offline
    from leaderboard.compare.again import judge_again
    from leaderboard.rows.answers import read_answers

    if options["offline"]:
        go_offline()
    store = open_store(options["store_path"])
    record = _scored(store.find(run), store)
    there = read_answers(record, store.answers(record))
    seed = secrets.randbelow(2**31) if options["seed"] is None else options["seed"]
    keys = _drawn(there, options["items"], seed)
    progress = ProgressLines()
    progress.say(f"preparing {len(keys)} items of {record.run_id} (--seed {seed})")
    with tempfile.TemporaryDirectory() as folder:
        here = _measured(record, keys, there, Path(folder), options, progress)
        found = judge_again(there, here, keys)
    progress.end()
    _print(record, found, seed, as_json=options["as_json"])
    return EXIT[found.verdict]


def _scored(named: Record, store: Store) -> Record:
    """The run itself, or the repeat of it that answered the tasks."""
    from leaderboard.rows.repeats import runs_of

    if named.imported is not None:
        raise RecordError(
            f"{named.run_id}: was measured by {named.imported.source or 'another harness'}, "
            "whose prompts cannot be made again here"
        )
    if named.status == "completed" and named.accuracy:
        return named
    whole = [one for one in store.records() if not isinstance(one, RecordError)]
    alike = reversed(runs_of(named, whole))
    found = next((one for one in alike if one.status == "completed" and one.accuracy), None)
    if found is None:
        raise RecordError(f"{named.run_id}: has no scores to verify ({named.status})")
    return found


def _drawn(there: Answers, items: int, seed: int) -> list[ItemKey]:
    """Items of the record, drawn evenly over all that have a score."""
    keys = sorted(key for part in there.scores.values() for key in part)
    if not keys:
        raise RecordError(f"{there.record.run_id}: no task of it has scores item by item")
    return sorted(random.Random(seed).sample(keys, min(items, len(keys))))  # noqa: S311


def _measured(
    record: Record, keys: Sequence[ItemKey], there: Answers, folder: Path,
    options: dict[str, Any], progress: ProgressLines,
) -> Answers:  # fmt: skip
    """The same items, answered here by the same weights.

    Raises:
        RecordError: the candidate is not the record's, or it failed.
    """
    from leaderboard.rows.answers import read_answers
    from runners.batches.batch import plan_jobs, resolver, run_batch
    from runners.jobs.job import Options
    from runners.records.store import Store

    batch = _batch(record, options)
    tasks = _tasks(batch, keys, there)
    ((job, unresolved),) = plan_jobs(batch, tasks, resolver(batch, progress=progress.transfer))
    if unresolved is not None:
        raise unresolved
    if job.candidate_digest != record.candidate.digest:
        raise RecordError(
            f"{record.run_id}: {batch.candidates[0].name} is not its candidate: weights of sha256 "
            f"{job.weights.sha256}, and the record's {record.candidate.weights_sha256}; name the "
            "right one by --as"
        )
    store = Store(folder)
    store.create()
    run_options = Options(
        store=store,
        command=typed(),
        timeout_s=options["timeout_s"],
    )
    progress.plan([job])
    (outcome,) = run_batch([(job, None)], run_options, progress.step)
    if outcome.record.status == "interrupted":
        raise click.Abort
    if outcome.record.error is not None:
        raise RecordError(f"{batch.candidates[0].name}: failed: {outcome.record.error.message}")
    return read_answers(outcome.record, store.answers(outcome.record))


def _batch(record: Record, options: dict[str, Any]) -> Batch:
    from runners.batches.batch import Batch
    from runners.cli.rerun import questions_of, suite_of

    candidate = _candidate(record, options["name"])
    refuse_code(candidate, trusted=options["trust_code"])
    suite = suite_of(record).model_copy(update={"workloads": (), "probe_items": 0})
    return Batch(
        candidates=(candidate,),
        suite=suite,
        questions=questions_of(record),
        times=False,
        limit=1,
        include=options["include"],
        trust_tasks=options["trust_tasks"],
        allow_code=options["allow_code"],
        offline=options["offline"],
        accepted=frozenset(options["accepted"]),
        data="hub" if any(one.source == "hub" for one in record.data) else "packaged",
    )


def _candidate(record: Record, name: str | None) -> Candidate:
    from runners.candidates.catalogue import find_candidate
    from runners.candidates.chosen import asked_as

    text = name or record.candidate.name
    try:
        return asked_as(find_candidate(text), record.candidate.chosen)
    except SpecError as error:
        source = record.candidate.source or "a file"
        raise SpecError(
            f"{record.run_id}: {text} cannot be run here ({error}); --as names the candidate, "
            f"whose weights came from {source}"
        ) from error


def _tasks(batch: Batch, keys: Sequence[ItemKey], there: Answers) -> list[PreparedTask]:
    """The drawn items, made anew. Few-shot examples are drawn along a task's whole selection, so
    all of its items are made, and the drawn ones kept.
    """
    from evals.tasks.items import build_requests
    from evals.tasks.load import load_suite
    from runners.jobs.prepared import PreparedTask

    drawn: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for key in keys:
        drawn[key.task].add((key.item, key.doc_id))
    documents: dict[str, set[int]] = defaultdict(set)
    for key in there.rows:
        documents[key.task].add(key.doc_id)
    loaded = load_suite(
        batch.suite, data=batch.data, include=batch.include, trust_tasks=batch.trust_tasks,
        allow_code=batch.allow_code, offline=batch.offline, limit=batch.limit,
        questions=batch.questions,
    )  # fmt: skip
    tasks = []
    for one in loaded:
        asked = tuple(sorted(d for d in documents[one.name] if d < one.total))
        if one.name not in drawn or not asked:
            continue
        items = build_requests(replace(one, selection=asked))
        kept = tuple(i for i in items if (i.identity, i.doc_id) in drawn[one.name])
        if kept:
            tasks.append(PreparedTask(loaded=replace(one, selection=asked), items=kept))
    if not tasks:
        raise RecordError(
            f"{there.record.run_id}: none of its items can be made here: another version of its "
            "tasks or data"
        )
    return tasks


def _print(record: Record, found: Again, seed: int, *, as_json: bool) -> None:
    from runners.cli.layout import console, say, state

    if as_json:
        print(json.dumps({"run": record.run_id, "seed": seed, **asdict(found)}))
        return
    out = console()
    out.print(state(found.verdict, f"{found.verdict}: {record.candidate.name}, {record.run_id}"))
    say(out, found.reason)
    if found.nats is not None:
        say(out, f"log-likelihoods of the choices: {found.nats:.3f} nats apart in the median")
    if found.verdict == "agrees" and found.noticed is not None:
        say(out, f"{found.items} items would have shown it if {found.noticed:.0%} of the answers "
                 "or more were invented (95 % power); --items asks more")  # fmt: skip
    say(out, "times and memory are of another machine, and were not held against anything")
