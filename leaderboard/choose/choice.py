"""Choose the candidate to ship; give its probability of being best and its expected shortfall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leaderboard.choose.limits import (
    Admission,
    Limits,
    Refused,
    admit,
    varies,
    weighted_accuracy,
)
from leaderboard.choose.ranking import rank
from leaderboard.choose.resampling import DRAWS, Draws, draw
from leaderboard.rows.metrics import METRICS, WORKS_FROM
from leaderboard.rows.peers import Floats, Scores, check_peers
from leaderboard.rows.row import Row
from leaderboard.units import format_mib, format_percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another candidate that fits, and what is given up with it."""

    row: Row
    probability: float
    """Probability of being the most accurate candidate that fits."""
    loss: float
    """Accuracy below the chosen one's, 0 to 1, by the point estimates."""
    regret: float
    """Expected shortfall, defined as for the chosen one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer."""

    row: Row | None
    """The most accurate candidate that fits; None where none does."""
    accuracy: float | None
    probability: float | None
    """Probability that it is the most accurate that fits, over other items and other runs."""
    regret: float | None
    """Expected loss of accuracy against whichever is the best that fits, 0 to 1."""
    fits: float | None
    """Probability of its keeping to the limits."""
    paired: bool
    """True where the probability rests on answers to the same items."""
    runs_vary: bool
    """False: no run was repeated, so times and memory are taken as they were measured once."""
    tied: tuple[Row, ...]
    """The others that fit and cannot be told from it, most accurate first."""
    alternatives: tuple[Alternative, ...]
    """The others that fit, most accurate first."""
    admission: Admission


def choose(
    rows: Sequence[Row],
    limits: Limits,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    weights: Mapping[str, float] | None = None,
    answers: Mapping[str, Scores] | None = None,
    drawn: Draws | None = None,
) -> Choice:
    """Choose the most accurate candidate within the limits.

    Args:
        rows: peers of each other.
        limits: what it must keep to.
        rng: seeded by the caller.
        draws: for the probabilities.
        weights: of tasks and groups in the accuracy; 1 where not named.
        answers: item scores by run id, as `draw` takes them.
        drawn: what was drawn before, of at least those rows that have an accuracy; else `rng` is
            asked anew.

    Returns:
        Of equal accuracies the smaller in memory. Each draw (`choose.resampling`) asks anew
        which candidates fit, those just outside the limits included, and which of them is best;
        a tie counts in equal parts. Regret is the mean of what the best then has over the chosen.

    Raises:
        ValueError: the rows are of several machines, suites or budgets.
    """
    check_peers(rows)
    admission = admit(rows, limits, weights)
    scored = [row for row in admission.admitted if weighted_accuracy(row, weights) is not None]
    ordered = sorted(scored, key=lambda row: _order(row, weights))
    # Those that fit come first, so that the chosen one is column 0.
    contenders = [*ordered, *(r.row for r in admission.refused if _contends(r, weights))]
    if drawn is None:
        drawn = draw(contenders, rng, draws=draws, weights=weights, answers=answers)
    else:
        drawn = drawn.of(contenders)
    within = _within(drawn, limits)
    shares, regrets = _best(drawn.accuracy, within)
    first = ordered[0] if ordered else None
    tiers = rank(ordered, weights=weights, answers=answers).tiers
    best = weighted_accuracy(first, weights) if first else None
    return Choice(
        row=first,
        accuracy=best,
        probability=float(shares[0]) if first else None,
        regret=float(regrets[0]) if first else None,
        fits=float(within[:, 0].mean()) if first else None,
        paired=drawn.paired,
        runs_vary=drawn.runs_vary,
        tied=tiers[0].rows[1:] if tiers else (),
        alternatives=tuple(
            Alternative(
                row=row,
                probability=float(shares[i]),
                loss=(best or 0.0) - (weighted_accuracy(row, weights) or 0.0),
                regret=float(regrets[i]),
            )
            for i, row in enumerate(ordered)
            if i > 0
        ),
        admission=admission,
    )


def sentence(choice: Choice) -> str:
    """The answer in plain words; names stand in it as they are written in the records."""
    return " ".join(part for part in answer(choice) if part)


def answer(choice: Choice) -> tuple[str, str]:
    """The answer and what speaks for it, each a sentence; the second is empty where none does."""
    total = len(choice.admission.admitted) + len(choice.admission.refused)
    if choice.row is None:
        return _nothing(choice.admission.refused, total), ""
    parts = [format_percent(choice.accuracy)]
    for key in ("memory", "decode"):
        known = choice.row.value(key)
        if known is not None:
            parts.append(METRICS[key].unit.text(known))
    claim = f"Ship {choice.row.record.candidate.name} ({', '.join(parts)})."
    if not choice.alternatives:
        return claim, f"It is the only one of {total} that fits."
    fitting = 1 + len(choice.alternatives)
    return claim, (
        f"Of the {fitting} that fit it is the most accurate with {_sure(choice.probability)} "
        f"probability; on average it lies {_points(choice.regret)} below whichever is the best."
        + _ties(choice)
    )


def lightest(choice: Choice) -> Row | None:
    """The smallest in peak memory of the chosen one and those not significantly less accurate."""
    tied = [choice.row, *choice.tied] if choice.row else []
    known = [row for row in tied if row.value("memory") is not None]
    return min(known, key=lambda row: row.value("memory") or 0, default=None)


def _ties(choice: Choice) -> str:
    if not choice.tied:
        return ""
    count = len(choice.tied)
    text = f" {count} other{'s' if count > 1 else ''} cannot be told from it"
    small = lightest(choice)
    if small is None or small is choice.row:
        return text + "."
    name, peak = small.record.candidate.name, format_mib(small.value("memory"))
    return text + f"; the smallest is {name} ({peak})."


def _nothing(refused: Sequence[Refused], total: int) -> str:
    if not total:
        return "There is no candidate to choose from."
    if not refused:
        return "No candidate that fits has an accuracy."
    nearest = min(refused, key=lambda one: len(one.reasons))
    name = nearest.row.record.candidate.name
    reasons = "; ".join(reason.text for reason in nearest.reasons)
    return f"No candidate fits. The nearest of {total} is {name}: {reasons}."


def _sure(probability: float | None) -> str:
    """A share of draws is never certainty."""
    if probability is None or probability < 0.01:
        return "less than 1%"
    return "more than 99%" if probability > 0.99 else f"{probability:.0%}"


def _points(share: float | None) -> str:
    if share is None or share < 0.0005:
        return "less than 0.1 points"
    return f"{100 * share:.1f} points"


def _order(row: Row, weights: Mapping[str, float] | None) -> tuple[float, float, str]:
    peak = row.value("memory")
    most = float("inf") if peak is None else peak
    return -(weighted_accuracy(row, weights) or 0.0), most, row.record.candidate.name


def _contends(refused: Refused, weights: Mapping[str, float] | None) -> bool:
    """True where other runs or other items might have admitted the candidate."""
    narrow = all(varies(reason.limit) and not reason.unknown for reason in refused.reasons)
    return narrow and weighted_accuracy(refused.row, weights) is not None


def _within(drawn: Draws, limits: Limits) -> npt.NDArray[np.bool_]:
    """Mark the rows that keep to the measured limits, draw by draw; shape (draws, rows)."""
    within = np.ones(drawn.accuracy.shape, dtype=bool)
    for key, limit in limits.bounds.items():
        if varies(key):
            found = drawn.number(key)
            if key == "memory":  # what was found by trying does not vary
                tried = [row.value(WORKS_FROM) for row in drawn.rows]
                known = np.array([np.nan if one is None else one for one in tried], dtype=float)
                found = np.where(np.isnan(known), found, known)
            within &= found >= limit if METRICS[key].better == "higher" else found <= limit
    return within


def _best(accuracy: Floats, within: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """By row, the share of draws in which it is the best that fits, and its regret."""
    if not accuracy.shape[1]:
        return np.empty(0), np.empty(0)
    fitting = np.where(within, accuracy, -np.inf)
    best = fitting.max(axis=1, keepdims=True)
    winners = within & (fitting == best)
    shares = winners / np.maximum(1, winners.sum(axis=1, keepdims=True))
    return shares.mean(axis=0), np.maximum(0.0, best - accuracy).mean(axis=0)
