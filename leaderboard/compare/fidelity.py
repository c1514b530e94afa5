"""Fidelity: how much more perplexing a reference's answers became, of the same tokenizer.

Accuracy asks which choice is the most likely, and sees a damage only where that changes. The
log-likelihoods of all choices see it in every item: `nats a token` is their loss over the texts'
tokens, and e to its power the perplexity ratio. It says how far a candidate is from the reference,
not which is better: a fine-tune is far from its base, and is not damaged.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leaderboard.compare.divergence import Divergence, divergence_from
from leaderboard.compare.texts import (
    NO_CHOICES,
    Choices,
    Unit,
    names,
    packed_choices,
    pair_choices,
    sizes,
)
from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.stats.intervals import Interval
from leaderboard.stats.likelihoods import times
from leaderboard.stats.noninferiority import GateVerdict, judge_loss
from leaderboard.stats.sign_flips import RateLoss, rate_loss
from runners.records.record import Record

FIDELITY_MARGIN = 0.02
"""Largest acceptable increase of perplexity unless another is chosen: 2 %."""
ONLY_LABELS = "all choices are labels (letters, yes or no), of which a loss says nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Statistics between two layouts of the cache: the larger of the two sides' probes."""

    changed: float | None
    """Share of choices."""
    loss: float | None = None
    """Nats a token of texts, either way; None, as the next, where the samples keep no probe."""
    divergence: float | None = None
    """Nats, over an item's choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLoss:
    """One task or group of texts."""

    name: str
    loss: float
    """Nats a token."""
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Distance of one run's log-likelihoods from the reference's."""

    loss: RateLoss | None
    """Nats a token that are given up over the choices' texts; positive is worse."""
    reason: str
    """Why there is none."""
    unit: Unit
    """byte: tokens are not known, as in imported results, and four bytes count as one."""
    tokens: float
    """Tokens of the texts, all choices together."""
    tasks: tuple[TextLoss, ...]
    """Tasks and groups whose choices are texts."""
    labels: tuple[str, ...]
    """Tasks and groups that are left out, since their choices are labels."""
    divergence: float | None
    """Mean Kullback-Leibler divergence of the other's distribution over an item's choices from the
    reference's, nats; over items of texts with two choices or more."""
    changed: int
    """Items whose most likely choice is another one, of all tasks."""
    choices: int
    """Items with two choices or more, of all tasks."""
    floor: Floor
    vocabulary: Divergence | None
    """Distance of the next-token distributions on a fixed text, where the run has it from this
    reference."""
    same_weights: bool
    """True where both were made from the same weights, so that a loss is damage by quantisation."""

    @property
    def ratio(self) -> float | None:
        """Perplexity ratio of the answers' texts, other over reference."""
        return None if self.loss is None else times(self.loss.loss)

    @property
    def interval(self) -> Interval | None:
        """95 % interval of the perplexity ratio."""
        found = self.loss.interval if self.loss else None
        return None if found is None else Interval(low=times(found.low), high=times(found.high))

    @property
    def changed_share(self) -> float | None:
        """Share of items whose most likely choice is another one."""
        return self.changed / self.choices if self.choices else None

    def verdict(self, margin: float = FIDELITY_MARGIN) -> GateVerdict | None:
        """Verdict on the perplexity ratio staying below 1 + margin; None without a loss.

        Too few items for an interval cannot tell.
        """
        if self.loss is None:
            return None
        if self.loss.interval is None:
            return "cannot tell"
        return judge_loss(self.loss.loss, self.loss.interval, math.log1p(margin))


def fidelity(
    reference: Answers,
    other: Answers,
    *,
    clusters: Mapping[ItemKey, Hashable] | None = None,
    only: Collection[str] | None = None,
    confidence: float = 0.95,
) -> Fidelity:
    """Measure the distance of one run's log-likelihoods from the reference's, over the same
    choices.

    Args:
        reference: the run that is held for right.
        other: the run that is judged.
        clusters: what an item shares with others; None: its passage, where the samples say which.
        only: tasks and groups that count; None: all.
        confidence: two-sided, of the interval.

    Returns:
        Without a loss, and with the reason, where tokenizers differ or no text was scored by both.
        The interval is by exact sign flips below 300 independent items (J. A. Hartigan, JASA 64
        (1969) 1303-1317), else Student's t of a ratio: `leaderboard.stats.sign_flips`.
    """
    if clusters is None:
        clusters = {**reference.passages(), **other.passages()}
    found = pair_choices(reference, other, clusters=clusters, only=only)
    texts = found.texts
    reason = found.reason or ("" if texts else ONLY_LABELS if found.items else NO_CHOICES)
    loss = None
    if not reason:
        loss = rate_loss(
            [item.lost for item in texts],
            sizes(texts, found.unit),
            clusters=[item.cluster for item in texts],
            confidence=confidence,
        )
    several = [item for item in found.items if item.count > 1]
    return Fidelity(
        loss=loss,
        reason=reason,
        unit=found.unit,
        tokens=math.fsum(sizes(texts, found.unit)),
        tasks=() if reason else _by_task(texts, found.unit),
        labels=names([item for item in found.items if item.task in found.labels]),
        divergence=None if reason else _divergence(texts),
        changed=sum(item.chosen[0] != item.chosen[1] for item in several),
        choices=len(several),
        floor=_floor((reference, other), found.labels),
        vocabulary=divergence_from(reference.record, other.record),
        same_weights=same_weights(reference.record, other.record),
    )


def same_weights(reference: Record, other: Record) -> bool:
    """True where both hold the same weights, or were quantised or converted from the same.

    What `made_from` declares counts. Two files of one name, or of one address, may hold two stages
    of a training.
    """
    a, b = reference.candidate, other.candidate
    if a.digest == b.digest or (a.weights_sha256 and a.weights_sha256 == b.weights_sha256):
        return True
    if a.made_from == b.name or b.made_from == a.name:
        return True  # the candidate's file says so
    if (a.source and b.source and a.source != b.source) or not (a.made_from or b.made_from):
        return False
    return bool(_origins(reference) & _origins(other))


def _origins(record: Record) -> set[str]:
    """A candidate's name, and that of what it was made from (`NAME (TYPE), converted by …`)."""
    about = record.candidate
    made = (about.made_from or "").partition(" (")[0].partition(",")[0]
    return {about.name, made} - {""}


def _by_task(items: Sequence[Choices], unit: Unit) -> tuple[TextLoss, ...]:
    found = []
    for name in names(items):
        ours = [item for item in items if item.part == name]
        total = math.fsum(sizes(ours, unit))
        loss = math.fsum(item.lost for item in ours) / total if total else 0.0
        found.append(TextLoss(name=name, loss=loss, items=len(ours)))
    return tuple(found)


def _divergence(items: Sequence[Choices]) -> float | None:
    found = [
        choice_divergence(item.reference[: item.count], item.other[: item.count])
        for item in items
        if item.count > 1
    ]
    return math.fsum(found) / len(found) if found else None


def choice_divergence(reference: Sequence[float], other: Sequence[float]) -> float:
    """KL divergence of two distributions over the same choices, from their log-likelihoods; nats.

    Log-likelihoods are normalised to sum to 1 over the choices: sum p (ln p - ln q).
    """
    a, b = (np.asarray(one, dtype=np.float64) for one in (reference, other))
    p, q = a - np.logaddexp.reduce(a), b - np.logaddexp.reduce(b)
    return max(0.0, float((np.exp(p) * (p - q)).sum()))


def _floor(sides: Sequence[Answers], labels: Collection[str]) -> Floor:
    known = [one.record.noise_floor for one in sides]
    shares = [floor.share for floor in known if floor is not None and floor.share is not None]
    probes = [
        [item for item in packed_choices(one, labels) if item.task not in labels] for one in sides
    ]
    found = [probe for probe in probes if sum(item.size for item in probe)]
    return Floor(
        changed=max(shares, default=None),
        loss=max((_packing_loss(probe) for probe in found), default=None),
        divergence=max((_divergence(probe) or 0.0 for probe in found), default=None),
    )


def _packing_loss(probe: Sequence[Choices]) -> float:
    lost = math.fsum(item.lost for item in probe)
    return abs(lost) / math.fsum(item.size for item in probe)
