"""The overview in numbers: who fits, in which order, on which front, and which one to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.choose.choice import Choice, answer, choose
from leaderboard.choose.front import Placement, Speed, place
from leaderboard.choose.limits import Reason, varies, weighted_accuracy
from leaderboard.choose.ranking import Tier, rank, weighted_interval
from leaderboard.choose.resampling import Draws, draw
from leaderboard.choose.view_limits import limits
from leaderboard.rows.peers import Scores
from leaderboard.rows.row import Row
from leaderboard.rows.view import View, task_weights
from leaderboard.stats.intervals import Interval

SEED = 20260101
"""Seed of the draws: one view gives the same figures wherever and whenever it is opened."""
MOST_PAIRED = 16
"""Candidates up to which their samples are read to compare them item by item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One candidate with what is said of it."""

    row: Row
    accuracy: float | None
    """With the tasks weighted as the view says."""
    interval: Interval | None
    """95 % interval of the accuracy, over items."""
    rank: int | None
    """Among those that fit; None for the others, and without an accuracy."""
    tied: int
    """Candidates that share the rank, itself included."""
    best: float | None
    """Probability of being the most accurate that fits."""
    on_front: bool
    front: float | None
    """Probability of being on the front of those that fit."""
    reasons: tuple[Reason, ...]
    """Why it does not fit; empty where it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Content of the Overview."""

    choice: Choice
    claim: str
    """The answer, a sentence."""
    certainty: str
    """Probability of the recommendation, and the candidates without a significant difference."""
    basis: str
    """Items and runs that the probability rests on."""
    lines: tuple[Line, ...]
    """By rank, then those that do not fit by accuracy."""


def draw_all(
    rows: Sequence[Row],
    weights: Mapping[str, float] | None,
    answers: Mapping[str, Scores] | None = None,
) -> Draws:
    """Every row that has an accuracy, drawn once, whatever limits are tried afterwards."""
    scored = [row for row in rows if weighted_accuracy(row, weights) is not None]
    return draw(scored, np.random.default_rng(SEED), weights=weights, answers=answers)


def look(
    rows: Sequence[Row], view: View, drawn: Draws, answers: Mapping[str, Scores] | None = None
) -> Overview:
    """Judge rows as a view asks.

    Args:
        rows: peers of each other.
        view: its limits and weights.
        drawn: `draw_all` of the same rows and weights.
        answers: item scores by run id, where they were read.

    Raises:
        ValueError: the rows are of several machines, suites or budgets.
    """
    weights = task_weights(view)
    rng = np.random.default_rng(SEED)
    within = limits(view)
    choice = choose(rows, within, rng, weights=weights, answers=answers, drawn=drawn)
    admitted = choice.admission.admitted
    speed: Speed = "ttft" if view.x == "ttft" else "decode"
    placements = place(admitted, rng, speed=speed, weights=weights, answers=answers, drawn=drawn)
    ranking = rank(admitted, weights=weights, answers=answers)
    lines = _fitting(choice, ranking.tiers, ranking.unranked, placements, weights)
    outside = [_line(one.row, weights, reasons=one.reasons) for one in choice.admission.refused]
    outside.sort(key=lambda line: -1.0 if line.accuracy is None else line.accuracy, reverse=True)
    claim, certainty = answer(choice)
    return Overview(
        choice=choice,
        claim=claim,
        certainty=certainty,
        basis=_basis(choice, limited=any(map(varies, within.bounds))),
        lines=(*lines, *outside),
    )


def _fitting(
    choice: Choice,
    tiers: Sequence[Tier],
    unranked: Sequence[Row],
    placements: Sequence[Placement],
    weights: Mapping[str, float] | None,
) -> list[Line]:
    placed = {id(one.row): one for one in placements}
    chances = {id(one.row): one.probability for one in choice.alternatives}
    if choice.row is not None and choice.probability is not None:
        chances[id(choice.row)] = choice.probability
    ranked = [(row, tier.rank, len(tier.rows)) for tier in tiers for row in tier.rows]
    return [
        _line(
            row,
            weights,
            place=place,
            tied=tied,
            best=chances.get(id(row)),
            placement=placed[id(row)],
        )
        for row, place, tied in [*ranked, *((row, None, 1) for row in unranked)]
    ]


def _line(
    row: Row,
    weights: Mapping[str, float] | None,
    *,
    place: int | None = None,
    tied: int = 1,
    best: float | None = None,
    placement: Placement | None = None,
    reasons: tuple[Reason, ...] = (),
) -> Line:
    return Line(
        row=row,
        accuracy=weighted_accuracy(row, weights),
        interval=weighted_interval(row, weights),
        rank=place,
        tied=tied,
        best=best,
        on_front=placement is not None and placement.on_front,
        front=placement.probability if placement else None,
        reasons=reasons,
    )


def _basis(choice: Choice, *, limited: bool) -> str:
    if choice.row is None:
        return ""
    items = choice.row.score.n if choice.row.score else 0
    how = (
        "all candidates compared on the same items"
        if choice.paired
        else "each candidate's score drawn by itself, from its counts"
    )
    runs = (
        "times and memory drawn from their spread between runs"
        if choice.runs_vary
        else "times and memory as measured once: no run was repeated"
    )
    fits = ""
    if limited and choice.fits is not None:
        fits = f" It keeps to your limits in {choice.fits:.0%} of draws."
    outside = ", ".join(f"{s.name} ({s.metric})" for s in choice.row.scores if s.left_out)
    left = f" Not in the accuracy: {outside}." if outside else ""
    return f"Certainty over {items:,} items: {how}; {runs}.{fits}{left}"
