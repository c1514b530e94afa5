"""Which one do I ship? The answer in numbers, how sure it is, and what it may cost to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from leaderboard.choose.limits import Admission, Limits, Refused, admit, varies
from leaderboard.choose.preferences import Judge, faithful, pick, reference_of
from leaderboard.choose.ranking import Apart, Ranking, compare_pairs, rank
from leaderboard.choose.resampling import SEED, Draws, Peers
from leaderboard.compare.fidelity import Fidelity
from leaderboard.rows.metrics import METRICS, WORKS_FROM
from leaderboard.rows.row import Row
from leaderboard.rows.view import PREFERENCES, Prefer
from leaderboard.stats.item_resampling import Floats
from leaderboard.stats.shrinkage import shrink_draws
from leaderboard.stats.simultaneous import critical_z


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One candidate that fits, against the others that do."""

    row: Row
    accuracy: float
    expected: float
    """Accuracy with the luck of the best taken back: the mean of its shrunk draws."""
    probability: float
    """Chance of being the most accurate that fits; no certainty in a tie (docs/statistics.md)."""
    shortfall: float
    """Expected loss of accuracy against whichever is the most accurate that fits, 0 to 1."""
    fits: float
    """Probability that one more run of it keeps to the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Distance of a candidate's answers from those of its family's largest."""

    reference: Row
    fidelity: Fidelity


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer."""

    row: Row | None
    """The one to ship: the preferred of those that tie with the most accurate; None: none fits."""
    prefer: Prefer
    standings: tuple[Standing, ...]
    """Numbers of all that fit and have an accuracy, most accurate first."""
    tied: tuple[Row, ...]
    """The most accurate that fits, and those of its rank."""
    alike: tuple[Row, ...]
    """The most accurate, and those of its rank that Compare would not tell from it, either."""
    preferred: Mapping[Prefer, Row]
    """Candidate that each preference would ship."""
    against: Apart | None
    """The one to ship against the most accurate; if it is that itself, against the next."""
    other: Row | None
    """The candidate in `against`."""
    prices: Mapping[str, Price]
    """Prices of those that tie, by run id."""
    paired: bool
    """True where all rests on answers to the same items."""
    runs_vary: bool
    """False: no run was repeated, so times and memory are taken as they were measured once."""
    admission: Admission
    ranking: Ranking
    """Ranks of those that fit."""

    @property
    def standing(self) -> Standing | None:
        """The numbers of the one to ship."""
        return next((one for one in self.standings if one.row is self.row), None)

    @property
    def certainty(self) -> float | None:
        """Probability that the one to ship is the most accurate; None where several tie.

        How often the leader of a tie is the best depends on how far the candidates truly lie
        apart, which a tie does not tell.
        """
        return self.standings[0].probability if len(self.tied) == 1 else None


def choose(
    peers: Peers,
    limits: Limits,
    *,
    prefer: Prefer = "smallest",
    judge: Judge | None = None,
    fidelity_margin: float | None = None,
) -> Choice:
    """Choose the candidate to ship within the limits.

    Args:
        peers: rows that are judged together.
        limits: what it must keep to.
        prefer: which of those that tie with the most accurate. Where many candidates tie, one of
            them may differ from it all the same when the two alone are compared: it is not shipped.
        judge: how far a row's answers are from its reference's; None: prices are not known.
        fidelity_margin: of the perplexity ratio, 0.02 for 2 %: what breaks it is not shipped; None:
            its price is named.

    Returns:
        Each draw (`choose.resampling`) asks anew which candidates fit, those just outside the
        limits included, and which of them is best.
    """
    admission = admit(peers.rows, limits, peers.weights)
    ranking = rank(peers.of(admission.admitted))
    tied = ranking.tiers[0].rows if ranking.tiers else ()
    compare = compare_pairs(peers)
    alike = tuple(row for row in tied if row is tied[0] or not _told(compare(tied[0], row)))
    prices = _prices(alike, peers.rows, judge)
    left = faithful(alike, {key: one.fidelity for key, one in prices.items()}, fidelity_margin)
    ordered = [one for tier in ranking.tiers for one in tier.rows]
    standings, drawn = _standings(peers, ordered, admission.refused, limits)
    judged = Choice(
        row=None,
        prefer=prefer,
        standings=standings,
        tied=tied,
        preferred={one: pick(left, one) for one in PREFERENCES} if left else {},
        alike=alike,
        against=None,
        other=None,
        prices=prices,
        paired=drawn.paired,
        runs_vary=drawn.runs_vary,
        admission=admission,
        ranking=ranking,
    )
    return preferring(judged, prefer, compare)


def preferring(
    choice: Choice, prefer: Prefer, compare: Callable[[Row, Row], Apart | None]
) -> Choice:
    """The choice by another preference: nothing is ranked or drawn anew.

    Args:
        choice: by any preference.
        prefer: the other one.
        compare: `compare_pairs` of the same peers.
    """
    row = choice.preferred.get(prefer)
    other = _beside(row, [standing.row for standing in choice.standings])
    against = compare(other, row) if other and row else None
    return replace(choice, prefer=prefer, row=row, other=other, against=against)


def _told(found: Apart | None) -> bool:
    return found is not None and found.told


def _beside(row: Row | None, ordered: Sequence[Row]) -> Row | None:
    """The most accurate; of that itself, the next."""
    others = [one for one in ordered if one is not row]
    return others[0] if row and others else None


def _prices(tied: Sequence[Row], rows: Sequence[Row], judge: Judge | None) -> dict[str, Price]:
    if judge is None:
        return {}
    families: dict[str, list[Row]] = {}
    for row in rows:
        families.setdefault(row.record.candidate.family, []).append(row)
    found = {}
    for row in tied:
        reference = reference_of(row, families[row.record.candidate.family])
        fidelity = judge(reference, row) if reference else None
        if reference and fidelity:
            found[row.record.run_id] = Price(reference=reference, fidelity=fidelity)
    return found


def _standings(
    peers: Peers, ordered: Sequence[Row], refused: Sequence[Refused], limits: Limits
) -> tuple[tuple[Standing, ...], Draws]:
    # Those that fit come first, so that the columns of the others can be cut off.
    contenders = [*ordered, *(one.row for one in refused if _contends(one, peers))]
    gathered = peers.of(contenders)
    drawn = gathered.draws
    shrunk = shrink_draws(
        drawn.accuracy,
        drawn.estimate,
        np.random.default_rng(SEED),
        critical_z(drawn.accuracy[:, : len(ordered)]),
    )
    within = _within(gathered, shrunk, limits)
    shares, shortfalls = _best(shrunk, within)
    found = [
        Standing(
            row=row,
            accuracy=peers.accuracy(row) or 0.0,
            expected=float(shrunk[:, i].mean()),
            probability=float(shares[i]),
            shortfall=float(shortfalls[i]),
            fits=float(within[:, i].mean()),
        )
        for i, row in enumerate(ordered)
    ]
    return tuple(found), drawn


def _contends(refused: Refused, peers: Peers) -> bool:
    """True where another run or other items might have admitted the candidate."""
    narrow = all(varies(reason.limit) and not reason.unknown for reason in refused.reasons)
    return narrow and peers.accuracy(refused.row) is not None


def _within(peers: Peers, accuracy: Floats, limits: Limits) -> npt.NDArray[np.bool_]:
    """Mark the rows that keep to the measured limits in one more run; shape (draws, rows)."""
    within = np.ones(accuracy.shape, dtype=bool)
    for key, limit in limits.bounds.items():
        if varies(key):
            found = accuracy if METRICS[key].over == "items" else peers.draws.run_numbers[key]
            if key == "memory":  # what was found by trying does not vary
                tried = [row.value(WORKS_FROM) for row in peers.rows]
                known = np.array([np.nan if one is None else one for one in tried], dtype=float)
                found = np.where(np.isnan(known), found, known)
            within &= found >= limit if METRICS[key].better == "higher" else found <= limit
    for one in limits.abilities:
        parts = peers.draws.parts
        within &= sum(share * parts[name] for name, share in one.shares.items()) >= one.least
    return within


def _best(accuracy: Floats, within: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Each row's share of draws in which it is the best that fits, and its shortfall."""
    if not accuracy.shape[1]:
        return np.empty(0), np.empty(0)
    fitting = np.where(within, accuracy, -np.inf)
    best = fitting.max(axis=1, keepdims=True)
    winners = within & (fitting == best)
    shares = winners / np.maximum(1, winners.sum(axis=1, keepdims=True))
    return shares.mean(axis=0), np.maximum(0.0, best - accuracy).mean(axis=0)
