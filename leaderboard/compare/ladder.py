"""The quantisations of one family, each against the largest: what is lost, and what is saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evals.errors import RecordError
from leaderboard.compare.comparison import Comparison, Side, compare
from leaderboard.compare.fidelity import FIDELITY_MARGIN, Fidelity
from leaderboard.compare.run_metrics import AxisComparison
from leaderboard.rows.metric import longest_workload
from leaderboard.stats.intervals import two_sided_z
from leaderboard.stats.noninferiority import GateVerdict, judge_loss
from leaderboard.stats.paired_means import PairedDifference
from runners.records.record import Record

MARGIN = 0.02
"""Largest acceptable loss of accuracy, unless another is chosen: 2 points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """One quantisation against the largest."""

    record: Record
    """The candidate's scored run."""
    runs: int
    """Process runs that times and memory rest on."""
    fidelity: Fidelity | None
    """Increase of the perplexity of the reference's answers."""
    fidelity_verdict: GateVerdict | None
    """Verdict on that increase against its margin; None where it is not known."""
    accuracy: PairedDifference | None
    """The quantisation's minus the reference's, over the items that both answered."""
    reason: str
    """Why there is none of the two."""
    verdict: GateVerdict | None
    """Verdict on the loss of accuracy against its margin; None without a difference."""
    noise_floor: float | None
    """Share of items whose choice changes with the cache's layout: the greater of the two."""
    disk_saved_bytes: int | None
    """Negative where the quantisation is larger; so are the next two."""
    memory_saved_bytes: float | None
    """Peak memory saved, by the means of its runs and the reference's."""
    ttft_saved_s: float | None
    """Time to first token saved, on the workload with the longest prompt."""
    memory: AxisComparison | None
    """Ratios to the reference with their intervals: peak memory, time to first token, decoding."""
    ttft: AxisComparison | None
    decode: AxisComparison | None

    @property
    def accuracy_floor(self) -> float | None:
        """Half-width of what packing alone makes of the accuracy's difference, as a share.

        A changed choice gains or loses an item, or neither, and as likely either, so a share f of
        changed choices moves the mean of n items by at most 1.96 sqrt(f / n), 95 times in 100.
        """
        if self.noise_floor is None or self.accuracy is None:
            return None
        return two_sided_z(0.95) * math.sqrt(self.noise_floor / self.accuracy.n)

    @property
    def passes(self) -> bool:
        """True where its fidelity passes and no loss of accuracy is shown; by accuracy alone where
        the fidelity is not known.
        """
        if self.fidelity_verdict is None:
            return self.verdict == "pass"
        return self.fidelity_verdict == "pass" and self.verdict != "regressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """All quantisations of a family under one set of conditions."""

    family: str
    reference: Record
    """The largest: most bits per weight."""
    reference_runs: int
    workload: str | None
    """The workload whose times are compared."""
    margin: float
    """Largest acceptable loss of accuracy."""
    fidelity_margin: float
    quantisations: tuple[Quantisation, ...]
    """Quantisations from the largest down, without the reference."""

    @property
    def lowest(self) -> Quantisation | None:
        """The smallest quantisation that passes."""
        return next(
            (quantisation for quantisation in reversed(self.quantisations) if quantisation.passes),
            None,
        )


def bits(record: Record) -> float | None:
    """Bits per weight as they are in the file; None for what has no weights file."""
    quantisation = record.candidate.quantisation
    return quantisation.bits_per_weight if quantisation else None


def families(records: Sequence[Record]) -> tuple[str, ...]:
    """Families of which at least two quantisations were measured, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for record in records:
        if bits(record) is not None:
            found.setdefault(record.candidate.family, set()).add(record.candidate.digest)
    return tuple(sorted(family for family, digests in found.items() if len(digests) > 1))


def ladder(
    sides: Sequence[Side], *, margin: float = MARGIN, fidelity_margin: float = FIDELITY_MARGIN
) -> Ladder:
    """Each quantisation of a family against its largest.

    Args:
        sides: the quantisations, each with its runs on one machine and suite; at least two.
        margin: the largest acceptable loss of accuracy, 0 to 1.
        fidelity_margin: how much more perplexing the answers may be, as a share, above 0.

    Returns:
        A quantisation that cannot be compared (other items, no samples) stays, with the reason.

    Raises:
        ValueError: fewer than two quantisations, or one without a weights file.
    """
    known = [(bits(side.scored), side) for side in sides]
    ordered = [(b, side) for b, side in known if b is not None]
    if len(ordered) < 2 or len(ordered) < len(known):
        raise ValueError(f"{len(ordered)} quantisations with known bits per weight of {len(known)}")
    ordered.sort(key=lambda pair: (-pair[0], pair[1].scored.candidate.name))
    reference = ordered[0][1]
    workload = longest_workload(reference.scored)
    return Ladder(
        family=reference.scored.candidate.family,
        reference=reference.scored,
        reference_runs=len(reference.runs),
        workload=workload,
        margin=margin,
        fidelity_margin=fidelity_margin,
        quantisations=tuple(
            _quantisation(reference, side, workload, (margin, fidelity_margin))
            for _, side in ordered[1:]
        ),
    )


def _quantisation(
    reference: Side, side: Side, workload: str | None, margins: tuple[float, float]
) -> Quantisation:
    try:
        found: Comparison | None = compare([reference, side])[0]
        reason = found.overall_reason if found else ""
    except RecordError as error:
        found, reason = None, str(error)
    overall, kept = (found.overall, found.fidelity) if found else (None, None)
    named = {(axis.axis, axis.workload): axis for axis in found.axes} if found else {}
    memory, ttft = named.get(("peak_bytes", None)), named.get(("ttft_s", workload))
    return Quantisation(
        record=side.scored,
        runs=len(side.runs),
        fidelity=kept,
        fidelity_verdict=kept.verdict(margins[1]) if kept else None,
        accuracy=overall,
        reason=reason,
        verdict=_verdict(overall, margins[0]) if overall else None,
        noise_floor=_floor(reference.scored, side.scored),
        disk_saved_bytes=_disk(reference.scored, side.scored),
        memory_saved_bytes=_saved(memory),
        ttft_saved_s=_saved(ttft),
        memory=memory,
        ttft=ttft,
        decode=named.get(("decode_tokens_per_s", workload)),
    )


def _verdict(found: PairedDifference, margin: float) -> GateVerdict:
    loss = type(found.interval)(low=-found.interval.high, high=-found.interval.low)
    return judge_loss(-found.difference, loss, margin)


def _floor(*records: Record) -> float | None:
    floors = (record.noise_floor.share for record in records if record.noise_floor is not None)
    return max((share for share in floors if share is not None), default=None)


def _disk(reference: Record, other: Record) -> int | None:
    a, b = reference.candidate.weights_bytes, other.candidate.weights_bytes
    return None if a is None or b is None else a - b


def _saved(axis: AxisComparison | None) -> float | None:
    """None, too, where the two may not be compared: they are then of unlike machines."""
    if axis is None or axis.ratio is None or axis.reference is None or axis.other is None:
        return None
    return axis.reference - axis.other
