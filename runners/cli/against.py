"""`weighin run --against`: the reference whose answers candidates are held against, and the words.

The reference runs first, unless the store has its answers to every item that is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError
from evals.suites import find_suite
from leaderboard.compare.conclusion import conclusion
from leaderboard.compare.fidelity import Fidelity, fidelity
from leaderboard.compare.fidelity_words import changes, notes
from leaderboard.rows.answers import Answers, read_answers
from runners.cli.sides import find_side, looked_up, names_records
from runners.cli.trust import refuse_code
from runners.records.run_ids import candidate_of, slug_of
from runners.records.store import SAMPLES, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runners.batches.batch import Batch
    from runners.candidates.spec import Candidate
    from runners.jobs.prepared import PreparedTask
    from runners.records.record import Record

Asked = frozenset[tuple[str, str, int]]
"""Task, hash and document of every item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Reference that candidates are compared with."""

    name: str
    candidate: Candidate | None
    """The candidate; None where the reference was named by its records."""
    stored: Answers | None
    """Its stored answers; None: it is to be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held against what."""

    reference: Reference
    batch: Batch | None
    """The batch whose answers are held; None: they are those of the batch that was asked for."""
    tasks: Sequence[PreparedTask]
    """Tasks of which answers are held."""

    def own(self, records: Iterable[Record]) -> list[Record]:
        """Records of the batch that was asked for."""
        return [r for r in records if self.batch is None or r.suite.name != self.batch.suite.name]

    def held(self, records: Iterable[Record]) -> list[Record]:
        """Records whose answers are held."""
        return [r for r in records if self.batch is None or r.suite.name == self.batch.suite.name]

    def words(self, held: Sequence[Held]) -> list[str]:
        """Sentences on the change of each candidate's answers."""
        lines = words(self.reference, held)
        if held and self.batch is not None:
            lines.append(
                f"by the answers to suite {self.batch.suite.name}: those in words have no "
                "log-likelihoods that could be compared"
            )
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One candidate beside the reference."""

    name: str
    fidelity: Fidelity


def find_reference(
    text: str, tasks: Sequence[PreparedTask], store: Store, *, fresh: bool, trust_code: bool
) -> Reference:
    """The reference that a text names: records, or a candidate and its stored answers if any.

    Args:
        text: what `weighin run` takes as a candidate, a run id, or a candidate of the store.
        tasks: what will be asked.
        store: where answers are looked for.
        fresh: a candidate is run although the store has its answers.
        trust_code: whether it may bring Python of its own.

    Raises:
        RecordError: there is no such reference, or its records lack items that will be asked.
        click.UsageError: nothing is asked of which there are log-likelihoods.
    """
    asked = _asked(tasks)
    if not asked:
        raise click.UsageError(
            f"--against {text}: this suite is answered in words, which cannot be held against "
            "another candidate's; add --suite damage"
        )
    candidate = None if names_records(text, store) else looked_up(text)
    if candidate is not None:
        refuse_code(candidate, trusted=trust_code)
        known = None if fresh else _stored(candidate, store, asked)
        return Reference(name=candidate.name, candidate=candidate, stored=known)
    side = find_side(text, store)
    if side.samples is None:
        raise RecordError(f"--against {text}: {side.scored.run_id} has no answers")
    answers = read_answers(side.scored, side.samples)
    if lacking := asked - {(key.task, key.item, key.doc_id) for key in answers.rows}:
        raise RecordError(
            f"--against {text}: {answers.record.run_id} lacks {len(lacking)} of the {len(asked)} "
            "items that are asked; give the same suite and --limit, or a candidate to run"
        )
    return Reference(name=answers.record.candidate.name, candidate=None, stored=answers)


def held_batch(batch: Batch) -> Batch | None:
    """The batch whose answers are held against the reference, where they are not the batch's own.

    The candidates are asked the suite that theirs names for this, once and without a budget.
    """
    if batch.suite.against is None:
        return None
    suite = find_suite(batch.suite.against)
    return replace(batch, suite=suite, repeats=1, budget=None, users=None, questions=None)


def with_reference(batch: Batch, reference: Reference) -> Batch:
    """The batch with the reference in front, where it is to be run and is not among them."""
    names = [candidate.name for candidate in batch.candidates]
    if reference.candidate is None or reference.stored is not None or reference.name in names:
        return batch
    return replace(batch, candidates=(reference.candidate, *batch.candidates))


def with_candidate(batch: Batch, text: str, store: Store) -> Batch:
    """Add the reference to a dry run, which loads no items, where the text names a candidate."""
    candidate = None if names_records(text, store) else looked_up(text)
    name = text if candidate is None else candidate.name
    return with_reference(batch, Reference(name=name, candidate=candidate, stored=None))


def hold(reference: Reference, records: Iterable[Record], store: Store) -> list[Held]:
    """Measure the fidelity of every candidate that ran; none where the reference has no answers.

    Raises:
        RecordError: samples are damaged, or the tokenizers differ.
    """
    scored = {r.candidate.name: r for r in reversed([*records]) if r.accuracy}
    run = scored.pop(reference.name, None)
    right = reference.stored or (_answers(run, store) if run else None)
    if right is None:
        return []
    found = []
    for name, record in reversed(scored.items()):
        answers = _answers(record, store)
        if answers is None:
            continue
        one = fidelity(right, answers)
        if one.reason.startswith("other tokenizers"):
            raise RecordError(
                f"{name} cannot be held against {reference.name}: {one.reason}; give a reference "
                "of the same tokenizer"
            )
        found.append(Held(name=name, fidelity=one))
    return found


def words(reference: Reference, held: Sequence[Held]) -> list[str]:
    """Sentences on the change of each candidate's answers, and notes on the figures."""
    if not held:
        return [f"nothing can be held against {reference.name}: no run with answers to its items"]
    lines: list[str] = []
    for one in held:
        lines.append(conclusion(one.fidelity, one.name, reference.name))
        lines += [f"  {line}" for line in changes(one.fidelity)]
    about = [line for one in held for line in notes(one.fidelity)]
    if reference.stored is not None:
        about.insert(0, f"{reference.name}: its answers of {reference.stored.record.run_id}")
    return [*lines, *dict.fromkeys(about)]


def as_json(reference: Reference, held: Sequence[Held]) -> dict[str, Any]:
    """Comparisons as JSON: ratio, its interval, verdict and words by candidate."""
    return {
        "reference": reference.name,
        "reference_run": reference.stored.record.run_id if reference.stored else None,
        "candidates": [
            {
                "candidate": one.name,
                "perplexity_ratio": one.fidelity.ratio,
                "interval": [i.low, i.high] if (i := one.fidelity.interval) else None,
                "verdict": one.fidelity.verdict(),
                "same_weights": one.fidelity.same_weights,
                "changed_share": one.fidelity.changed_share,
                "divergence_nats": one.fidelity.divergence,
                "words": conclusion(one.fidelity, one.name, reference.name),
            }
            for one in held
        ],
    }


def refuse_itself(reference: Reference, batch: Batch) -> None:
    """See that something else than the reference is run.

    Raises:
        click.UsageError: nothing else is.
    """
    if all(candidate.name == reference.name for candidate in batch.candidates):
        raise click.UsageError(
            f"--against {reference.name}: that is the candidate itself; name another candidate"
        )


def _asked(tasks: Sequence[PreparedTask]) -> Asked:
    return frozenset(
        (task.loaded.name, item.identity, item.doc_id)
        for task in tasks
        if not task.generates
        for item in task.items
    )


def _stored(candidate: Candidate, store: Store, asked: Asked) -> Answers | None:
    """The newest stored answers of a candidate as it is now to all that is asked."""
    from runners.candidates.as_it_is import as_it_is

    ids = [i for i in store.run_ids() if candidate_of(i) == slug_of(candidate.name)]
    now = as_it_is(candidate) if ids else None
    for run_id in reversed(ids):
        record = store.read(run_id, raw=False)
        if now is None or record.status != "completed" or now.why_not(record):
            continue
        answers = _answers(record, store)
        if answers is None:
            continue
        if asked <= {(key.task, key.item, key.doc_id) for key in answers.rows}:
            return answers
    return None


def _answers(record: Record, store: Store) -> Answers | None:
    if not record.accuracy or not (Path(store.root) / record.run_id / SAMPLES).is_file():
        return None
    return read_answers(record, store.answers(record))
