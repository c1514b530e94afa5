"""The answer in words, the same on the board, in `weighin run`, `weighin ship` and its exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from evals.abilities import ability_order, ability_title
from leaderboard.choose.choice import Choice, Standing
from leaderboard.choose.guessing import Guessing, guessing
from leaderboard.choose.limits import Limits
from leaderboard.choose.nearest import nothing_fits
from leaderboard.choose.preferences import SMALL
from leaderboard.choose.ranking import weighted_interval
from leaderboard.rows.abilities import Abilities, ability_score, weighing
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import short_names
from leaderboard.rows.peers import items_counted
from leaderboard.rows.row import Row
from leaderboard.rows.view import Prefer
from leaderboard.stats.intervals import Interval
from leaderboard.units import format_percent, points

WORDS: Mapping[Prefer, str] = {
    "smallest": "smallest", "fastest": "fastest", "accurate": "most accurate",
}  # fmt: skip
NEAR_GUESSING = 0.05
"""Distance from guessing within which even the best candidate is hardly measured."""
DISTURBED = "contended"
FEW = 0.10
"""Half the interval of the accuracy from which on so few items are warned of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer; names stand in it as they are written in the records."""

    claim: str
    """A sentence."""
    evidence: str
    """Evidence for it and its certainty; empty where nothing is to be shipped."""
    nexts: tuple[str, ...]
    """A line each: what other preferences would ship at which price; or what to do."""
    warnings: tuple[str, ...]
    """A sentence each."""

    @property
    def sentence(self) -> str:
        """The claim, what speaks for it, and what warns."""
        return " ".join(part for part in (self.claim, self.evidence, *self.warnings) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What counts in the accuracy."""

    tasks: Mapping[str, float] | None = None
    """Weights of tasks and groups, 1 where not named; None: all alike."""
    abilities: Mapping[str, float] = field(default_factory=dict)
    """Weights of abilities, as a reader gave them; empty: none were given."""
    members: Abilities = field(default_factory=dict)
    """Tasks and groups by ability."""
    within: Mapping[str, float] = field(default_factory=dict)
    """Weights of tasks within their ability, 1 where not named."""


def answer(choice: Choice, limits: Limits, weighed: Weighed | None = None) -> Answer:
    """Put a choice into words.

    Args:
        choice: what was chosen.
        limits: under which.
        weighed: what counts in the accuracy; None: all tasks alike.
    """
    weighed = weighed or Weighed()
    row, standing = choice.row, choice.standing
    if row is None or standing is None:
        claim = "There is no candidate to choose from."
        nexts: tuple[str, ...] = ()
        if choice.admission.refused or choice.admission.admitted:
            claim, nexts = nothing_fits(choice.admission.refused, limits)
        return Answer(claim=claim, evidence="", nexts=nexts, warnings=())
    known = guessing(row, weighed.tasks)
    limited = limits.vary
    purpose = f" for {weighing(weighed.abilities)}" if weighed.abilities else ""
    parts = _evidence(choice, standing, known, limited=limited, purposeful=bool(weighed.abilities))
    evidence = [*parts, *_by_ability(choice, weighed)]
    return Answer(
        claim=f"Ship {_name(row)}{purpose}: {_reason(choice, row)}.",
        evidence=" ".join(evidence),
        nexts=tuple(_nexts(choice, row)),
        warnings=tuple(_warnings(choice, standing, known, weighed)),
    )


def _by_ability(choice: Choice, weighed: Weighed) -> Iterator[str]:
    """What the weighted accuracy is made of, and what it has over the other in each ability."""
    row, other = choice.row, choice.other
    if row is None or len(weighed.abilities) < 2:
        return
    found = []
    for ability in sorted(weighed.abilities, key=ability_order):
        names = weighed.members[ability]
        value = ability_score(row, names, weighed.within).value
        beside = ability_score(other, names, weighed.within).value if other else None
        if value is not None:
            apart = "" if beside is None else f" ({points(value - beside):+.1f})"
            found.append(f"{ability_title(ability)} {format_percent(value)}{apart}")
    against = "" if other is None else f", and points against {_short(choice, other)}"
    yield f"By ability{against}: {', '.join(found)}."


def _reason(choice: Choice, row: Row) -> str:
    total = len(choice.admission.admitted) + len(choice.admission.refused)
    if choice.other is None or choice.against is None:
        return "the only candidate measured" if total == 1 else f"the only one of {total} that fits"
    fit = len(choice.standings)
    of = f"the {fit} that fit" if choice.admission.refused else f"{fit}"
    d, interval = choice.against.difference, choice.against.interval
    other = _short(choice, choice.other)
    if len(choice.alike) == 1:
        return (
            f"the most accurate of {of}, {points(d):.1f} points above {other} ({_span(interval)})"
        )
    if row is choice.tied[0]:
        others = len(choice.alike) - 1
        also = "" if choice.prefer == "accurate" else f" and the {WORDS[choice.prefer]} of the best"
        return (
            f"the most accurate of {of}{also}; no accuracy difference found from "
            f"{others} other{'s' if others > 1 else ''}"
        )
    saved = ", ".join(_saved(row, choice.other)) or f"the {WORDS[choice.prefer]}"
    return (
        f"no accuracy difference found against {other} ({points(d):+.1f} points, "
        f"{_span(interval)}), {saved}{_damage(choice, row)}"
    )


def _evidence(
    choice: Choice,
    standing: Standing,
    known: Guessing | None,
    *,
    limited: bool,
    purposeful: bool,
) -> Iterator[str]:
    row = standing.row
    over = (
        "" if known is None else f" ({points(standing.accuracy - known.level):+.1f} over guessing)"
    )
    of = "weighted accuracy " if purposeful else ""
    figures = [f"{of}{format_percent(standing.accuracy)}{over}".capitalize()]
    for key, before in (("memory", ""), ("decode", ""), ("ttft", "first token ")):
        value = row.value(key)
        if value is not None:
            figures.append(before + METRICS[key].unit.text(value))
    yield f"{', '.join(figures)}."
    if len(choice.standings) > 1:
        shortfall = f"expected shortfall {_loss(standing.shortfall)}"
        sure = choice.certainty
        if sure is None:
            yield f"{shortfall.capitalize()} against whichever is the most accurate."
        else:
            yield f"{_sure(sure)} likely to be the most accurate; {shortfall}."
    if limited:
        yield f"Meets your limits in {_sure(standing.fits)} of runs."


def _nexts(choice: Choice, row: Row) -> Iterator[str]:
    """The price of the next choices: of other preferences, and below the tie."""
    others = {id(one): one for one in choice.preferred.values() if one is not row}
    for one in others.values():
        words = [WORDS[prefer] for prefer, found in choice.preferred.items() if found is one]
        what = " and ".join(words).capitalize()
        yield f"{what}: {_short(choice, one)}, {_beside(choice, one, row)}."
    tied = {id(one) for one in choice.tied}
    below = next((one for one in choice.standings if id(one.row) not in tied), None)
    if below is not None and choice.standing is not None:
        yield f"Less accurate: {_short(choice, below.row)}, {_beside(choice, below.row, row)}."


def _beside(choice: Choice, one: Row, row: Row) -> str:
    accuracy = {id(s.row): s.accuracy for s in choice.standings}
    d = accuracy[id(one)] - accuracy[id(row)]
    facts = ", ".join([f"{points(d):+.1f} points", *_changes(one, row)])
    return f"{facts}{_damage(choice, one)}"


def _changes(one: Row, row: Row) -> Iterator[str]:
    """Differences of a candidate from another in speed and memory, per cent."""
    for a, b, more, less in (
        (one.value("memory"), row.value("memory"), "more memory", "less memory"),
        (one.value("decode"), row.value("decode"), "faster", "slower"),
    ):
        if a and b and abs(a / b - 1) >= SMALL:
            yield f"{abs(a / b - 1):.0%} {more if a > b else less}"


def _saved(row: Row, other: Row) -> list[str]:
    """Savings of the one to ship against the most accurate."""
    return [text for text in _changes(row, other) if text.endswith(("less memory", "faster"))]


def _damage(choice: Choice, row: Row) -> str:
    """Increase of the perplexity of a quantisation's answers, where it is significant."""
    price = choice.prices.get(row.record.run_id)
    ratio = price.fidelity.ratio if price else None
    interval = price.fidelity.interval if price else None
    if not (price and ratio and interval) or interval.low <= 1 or ratio - 1 < SMALL:
        return ""
    of = _short(choice, price.reference)
    return f"; its answers are {ratio - 1:.0%} more perplexing than those of {of}"


def _warnings(
    choice: Choice, standing: Standing, known: Guessing | None, weighed: Weighed
) -> Iterator[str]:
    row = standing.row
    items, interval = items_counted(row, weighed.tasks), weighted_interval(row, weighed.tasks)
    best = choice.standings[0].accuracy
    if known and best - known.level < NEAR_GUESSING:
        all_of = "It is" if len(choice.standings) == 1 else f"All {len(choice.standings)} are"
        yield (
            f"{all_of} within {points(NEAR_GUESSING):.0f} points of guessing "
            f"({format_percent(known.level)}): try a larger model."
        )
    elif known and 2 * known.at_chance >= known.tasks:
        yield f"Not significantly above guessing in {known.at_chance} of {known.tasks} tasks."
    seen = choice.against.detectable if choice.against else None
    if len(choice.tied) > 1 and seen is not None:
        yield (
            f"Minimum detectable difference (80% power): {points(seen):.1f} points on {items:,} "
            "items."
        )
    elif interval and interval.half > FEW:
        half = points(interval.half)
        yield f"Few items: {items:,} tell its accuracy to ± {half:.0f} points."
    disturbed = [flag for flag in row.flags if flag.startswith(DISTURBED)]
    others = [flag for flag in row.flags if not flag.startswith(DISTURBED)]
    if disturbed:
        yield (
            f"Its timings were disturbed by other processes ({disturbed[0]}): measure it again on "
            "an idle machine (--fresh)."
        )
    if others:
        yield f"Flagged: {'; '.join(_flag(flag) for flag in others)}."


def _flag(flag: str) -> str:
    """`below guessing: boolq` as it stands in a sentence: `below guessing (boolq)`."""
    name, colon, rest = flag.partition(": ")
    return f"{name} ({rest})" if colon else flag


def _name(row: Row) -> str:
    return row.record.candidate.name


def _span(interval: Interval) -> str:
    return f"{points(interval.low):+.1f} to {points(interval.high):+.1f}"


def _short(choice: Choice, row: Row) -> str:
    """A name without what all candidates' have in common."""
    admission = choice.admission
    rows = [*admission.admitted, *(one.row for one in admission.refused)]
    short = short_names([_name(one) for one in rows])
    return next(name for one, name in zip(rows, short, strict=True) if one is row)


def _loss(share: float) -> str:
    return "below 0.1 points" if share < 0.0005 else f"{points(share):.1f} points"


def _sure(probability: float) -> str:
    """A share of draws is never certainty."""
    if probability < 0.01:
        return "< 1%"
    return "> 99%" if probability > 0.99 else f"{probability:.0%}"
