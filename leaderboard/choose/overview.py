"""The overview in numbers: who fits, in which order, on which front, and which one to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.choose.answer import Answer, Weighed, answer
from leaderboard.choose.choice import Choice, choose, preferring
from leaderboard.choose.front import Placement, Speed, place
from leaderboard.choose.limits import Reason
from leaderboard.choose.preferences import Judge
from leaderboard.choose.ranking import compare_pairs, weighted_interval
from leaderboard.choose.resampling import Peers
from leaderboard.choose.view_limits import fidelity_margin, limits
from leaderboard.rows.abilities import abilities, counted
from leaderboard.rows.peers import items_counted
from leaderboard.rows.row import Row
from leaderboard.rows.view import UNLIMITED, View
from leaderboard.stats.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One candidate with what is said of it."""

    row: Row
    accuracy: float | None
    """Accuracy with the tasks weighted as the view says."""
    interval: Interval | None
    """95 % interval of the accuracy, over items."""
    items: int
    """Number of items that the accuracy rests on."""
    rank: int | None
    """Among those that fit; None for the others, and without an accuracy."""
    tied: int
    """Candidates that share the rank, itself included."""
    best: float | None
    """Probability of being the most accurate that fits; None where it ties with the leader."""
    shortfall: float | None
    """Expected loss of accuracy against whichever is the most accurate that fits, 0 to 1."""
    on_front: bool
    front: float | None
    """Probability of being on the front of those that fit."""
    reasons: tuple[Reason, ...]
    """Why it does not fit; empty where it does."""
    ship: bool = False
    """True for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Content of the Overview."""

    choice: Choice
    answer: Answer
    basis: str
    """Items and runs that the probability rests on."""
    lines: tuple[Line, ...]
    """Lines by rank, then those that do not fit by accuracy."""

    @property
    def claim(self) -> str:
        """The answer, a sentence."""
        return self.answer.claim

    @property
    def certainty(self) -> str:
        """Evidence for the answer, its certainty, and warnings."""
        return " ".join(part for part in (self.answer.evidence, *self.answer.warnings) if part)


def judged_view(view: View) -> View:
    """A view reduced to what the judgement depends on: a search, say, changes none of it."""
    return View(x=view.x, **{name: getattr(view, name) for name in UNLIMITED})


def look(peers: Peers, view: View, judge: Judge | None = None) -> Overview:
    """Judge rows as a view asks.

    Args:
        peers: the rows, gathered with the view's weights.
        view: its limits and preference.
        judge: fidelity of a row to its reference.
    """
    within = limits(view, peers.rows)
    choice = choose(
        peers,
        within,
        prefer=view.prefer,
        judge=judge,
        fidelity_margin=fidelity_margin(view),
    )
    fitting = peers.of(choice.admission.admitted)
    speed: Speed = "ttft" if view.x == "ttft" else "decode"
    lines = _fitting(peers, choice, place(fitting, speed=speed))
    outside = [_line(peers, one.row, reasons=one.reasons) for one in choice.admission.refused]
    outside.sort(key=lambda line: -1.0 if line.accuracy is None else line.accuracy, reverse=True)
    return Overview(
        choice=choice,
        answer=answer(choice, within, weighed(peers, view)),
        basis=basis(choice, peers.weights),
        lines=(*lines, *outside),
    )


def with_preference(found: Overview, peers: Peers, view: View) -> Overview:
    """The overview of a view that differs in its preference alone, without judging anew.

    Args:
        found: what `look` gave for such a view.
        peers: the same rows.
        view: the limits of that view, and the preference.
    """
    choice = preferring(found.choice, view.prefer, compare_pairs(peers))
    return Overview(
        choice=choice,
        answer=answer(choice, limits(view, peers.rows), weighed(peers, view)),
        basis=basis(choice, peers.weights),
        lines=tuple(replace(line, ship=line.row is choice.row) for line in found.lines),
    )


def _fitting(peers: Peers, choice: Choice, placements: Sequence[Placement]) -> list[Line]:
    ranking = choice.ranking
    placed = {id(one.row): one for one in placements}
    ranked = [(row, tier.rank, len(tier.rows)) for tier in ranking.tiers for row in tier.rows]
    return [
        _line(
            peers,
            row,
            place=place,
            tied=tied,
            choice=choice,
            placement=placed[id(row)],
        )
        for row, place, tied in [*ranked, *((row, None, 1) for row in ranking.unranked)]
    ]


def _line(
    peers: Peers,
    row: Row,
    *,
    place: int | None = None,
    tied: int = 1,
    choice: Choice | None = None,
    placement: Placement | None = None,
    reasons: tuple[Reason, ...] = (),
) -> Line:
    standings = choice.standings if choice else ()
    standing = next((one for one in standings if one.row is row), None)
    open_race = choice is not None and len(choice.tied) > 1
    return Line(
        row=row,
        accuracy=peers.accuracy(row),
        interval=weighted_interval(row, peers.weights),
        items=items_counted(row, peers.weights),
        rank=place,
        tied=tied,
        best=None if standing is None or open_race else standing.probability,
        shortfall=standing.shortfall if standing else None,
        on_front=placement is not None and placement.on_front,
        front=placement.probability if placement else None,
        reasons=reasons,
        ship=choice is not None and choice.row is row,
    )


def weighed(peers: Peers, view: View) -> Weighed:
    """What counts in the accuracy of rows that were gathered with a view's weights."""
    found = abilities(peers.rows)
    return Weighed(
        tasks=peers.weights,
        abilities=counted(view, found),
        members=found,
        within=dict(view.weights),
    )


def basis(choice: Choice, weights: Mapping[str, float] | None = None) -> str:
    """Basis of the answer's figures, in a sentence."""
    if choice.row is None:
        return ""
    items = items_counted(choice.row, weights)
    how = (
        f"Paired bootstrap over {items:,} items"
        if choice.paired
        else f"Each score drawn by itself from its counts, {items:,} items"
    )
    runs = (
        "latency and memory resampled over runs"
        if choice.runs_vary
        else "latency and memory as measured once: no run was repeated"
    )
    outside = ", ".join(f"{s.name} ({s.metric})" for s in choice.row.scores if s.left_out)
    left = f" Not in the accuracy: {outside}." if outside else ""
    return f"{how}; {runs}.{left}"
