"""Two to four candidates on every axis, each against the first: paired wherever it can be."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evals.errors import RecordError
from leaderboard.compare.asked_alike import Mismatch, mismatches
from leaderboard.compare.fidelity import Fidelity, fidelity
from leaderboard.compare.run_metrics import AxisComparison, compare_axes
from leaderboard.compare.tasks import TaskComparison, compare_tasks
from leaderboard.rows.answers import Answers, ItemKey, read_answers
from leaderboard.rows.conditions import why_unlike
from leaderboard.rows.counting import agreed
from leaderboard.rows.looks import pair_level
from leaderboard.stats.group_sequential import LEVEL
from leaderboard.stats.paired_means import PairedDifference, mean_difference
from runners.records.record import Record

if TYPE_CHECKING:
    import pyarrow

MOST_SIDES = 4
NO_MEAN = "no task of the suite enters a mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One candidate of a comparison."""

    runs: tuple[Record, ...]
    """The candidate's runs on one suite and machine, oldest first, at least one."""
    samples: pyarrow.Table | None = None
    """Item scores of `scored`, one row an item."""

    @property
    def scored(self) -> Record:
        """The run whose answers count: the newest that has some, as on the board."""
        return next((run for run in reversed(self.runs) if run.accuracy), self.runs[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDifference:
    """An item that the two scored differently."""

    part: str
    """Task or group."""
    key: ItemKey
    target: str | None
    """The right answer, as JSON."""
    reference_score: float
    other_score: float
    reference_logprobs: tuple[float, ...] | None
    """Log-probability of each choice, nats; None for generation."""
    other_logprobs: tuple[float, ...] | None
    reference_answer: str | None
    """The generated text; None for likelihoods."""
    other_answer: str | None
    prompt: str | None
    """The prompt, where a run kept it; else None."""
    reference_raw: str | None
    """The whole generation with its thought, where the answer is a part of it; else None."""
    other_raw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One candidate against the reference. Differences are its own minus the reference's."""

    reference: Record
    other: Record
    mismatches: tuple[Mismatch, ...]
    """Differences between what the two were asked; empty unless different prompts were allowed."""
    tasks: tuple[TaskComparison, ...]
    overall: PairedDifference | None
    """Mean over tasks and groups, each counting once or by its weight."""
    overall_reason: str
    """Why there is none."""
    axes: tuple[AxisComparison, ...]
    items: tuple[ItemDifference, ...]
    fidelity: Fidelity | None = None
    """Distance of the log-likelihoods; None where the samples of one are not at hand."""
    unlike: str = ""
    """Differences between the conditions of the two; accuracy is compared all the same."""
    accuracy_level: float = LEVEL
    """Level of accuracy's tests, and of what lies outside its intervals. It is below 5 % where the
    two were judged several times while they ran (`weighin run --time`)."""


def compare(
    sides: Sequence[Side],
    *,
    insist: bool = False,
    clusters: Mapping[ItemKey, Hashable] | None = None,
    weights: Mapping[str, float] | None = None,
    texts: Collection[str] | None = None,
    confidence: float = 0.95,
) -> tuple[Comparison, ...]:
    """Compare each side with the first.

    Args:
        sides: two to four; the first is the reference.
        insist: compare the items that both have although what was asked differs.
        clusters: what an item shares with others; None: its passage, where the samples say which.
            An item without one belongs with the repetitions of itself, of which data sets have
            some.
        weights: of tasks and groups in the mean over all; 1 where not named.
        texts: tasks and groups that count for fidelity; None: all.
        confidence: two-sided, of every interval; of accuracy's more where a comparison with a given
            time judged both sides at its looks.

    Returns:
        One comparison a side after the first.

    Raises:
        RecordError: what was asked differs and `insist` is not set; runs of a side do not belong
            together; or samples are damaged.
        ValueError: not two to four sides, or one has no run.
    """
    if not 2 <= len(sides) <= MOST_SIDES or not all(side.runs for side in sides):
        raise ValueError(f"{len(sides)} sides: compare two to {MOST_SIDES}, each with a run")
    sides = _agreed(sides)
    read = [
        None if side.samples is None else read_answers(side.scored, side.samples) for side in sides
    ]
    return tuple(
        _pair((sides[0], side), (read[0], answers), insist, clusters, weights, texts, confidence)
        for side, answers in zip(sides[1:], read[1:], strict=True)
    )


def _agreed(sides: Sequence[Side]) -> list[Side]:
    """The sides with one scale a task, also where one's records are older than scales."""
    runs = iter(agreed([run for side in sides for run in side.runs]))
    return [replace(side, runs=tuple(next(runs) for _ in side.runs)) for side in sides]


def _pair(
    sides: tuple[Side, Side],
    read: tuple[Answers | None, Answers | None],
    insist: bool,
    clusters: Mapping[ItemKey, Hashable] | None,
    weights: Mapping[str, float] | None,
    texts: Collection[str] | None,
    confidence: float,
) -> Comparison:
    a, b = sides[0].scored, sides[1].scored
    both = (read[0], read[1]) if read[0] and read[1] else None
    found = mismatches(a, b, both)
    if found and not insist:
        more = f" (and {len(found) - 1} more differences)" if len(found) > 1 else ""
        raise RecordError(
            f"{a.run_id} and {b.run_id} were not asked the same: {found[0].text}{more}"
        )
    if clusters is None:
        clusters = {**both[0].passages(), **both[1].passages()} if both else {}
    level = pair_level(a, b)
    sure = confidence if level == LEVEL else max(confidence, 1 - level)
    tasks = compare_tasks(a, b, both, clusters, sure)
    overall, reason = _overall(tasks, weights, sure)
    return Comparison(
        reference=a,
        other=b,
        mismatches=found,
        tasks=tasks,
        overall=overall,
        overall_reason=reason,
        axes=compare_axes(sides[0].runs, sides[1].runs, confidence=confidence),
        items=_differing(*both) if both else (),
        fidelity=fidelity(*both, clusters=clusters, only=texts, confidence=confidence)
        if both
        else None,
        unlike=why_unlike(a, b),
        accuracy_level=level,
    )


def _overall(
    tasks: Sequence[TaskComparison], weights: Mapping[str, float] | None, confidence: float
) -> tuple[PairedDifference | None, str]:
    """Difference of the mean over tasks, as the board forms it; none where a task that counts is
    missing.
    """
    counting = [task for task in tasks if task.counts]
    for task in counting:
        if task.paired is None:
            return None, f"{task.name}: {task.reason}"
    named = [(task.name, task.paired) for task in counting if task.paired]
    if not named:
        return None, NO_MEAN if tasks else "neither side has a score"
    given = None if weights is None else [weights.get(name, 1.0) for name, _ in named]
    return mean_difference([p for _, p in named], weights=given, confidence=confidence), ""


def _differing(reference: Answers, other: Answers) -> tuple[ItemDifference, ...]:
    return tuple(
        ItemDifference(
            part=part,
            key=key,
            target=reference.cell(key, "target"),
            reference_score=score,
            other_score=other.scores[part][key],
            reference_logprobs=_logprobs(reference, key),
            other_logprobs=_logprobs(other, key),
            reference_answer=reference.cell(key, "answer"),
            other_answer=other.cell(key, "answer"),
            prompt=reference.cell(key, "prompt") or other.cell(key, "prompt"),
            reference_raw=reference.cell(key, "raw"),
            other_raw=other.cell(key, "raw"),
        )
        for part, scores in reference.scores.items()
        for key, score in scores.items()
        if score != other.scores.get(part, {}).get(key, score)
    )


def _logprobs(answers: Answers, key: ItemKey) -> tuple[float, ...] | None:
    found = answers.cell(key, "logprobs")
    return None if found is None else tuple(found)
