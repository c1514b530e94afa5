"""Divergence of a run's next-token distributions from a reference's, as its record holds it."""

from __future__ import annotations

from dataclasses import dataclass

from runners.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """KL divergence over the whole vocabulary, on the fixed text of every run.

    Comparable between runs of one reference only, told apart by `reference_digest`: another
    reference, or another tokenizer, makes other numbers.
    """

    reference: str
    """Name of the candidate that the run was held against."""
    reference_digest: str
    kl_nats: float
    """Mean over positions; may be a hair below 0 where nothing differs (16-bit logits)."""
    kl_stderr: float | None
    """Standard error of the mean, positions taken as independent."""
    same_top: float
    """Share of positions at which both prefer the same next token."""
    positions: int


def divergence(record: Record) -> Divergence | None:
    """Read a run's divergence: for Compare, the Ladder and whoever shows one.

    Returns:
        None where the run was held against nothing: it is the reference itself, nothing else of its
        family was in the batch, an early version measured it, or `why_no_divergence` says more.
    """
    found = record.divergence
    if found is None or found.kl_nats is None or found.same_top is None:
        return None
    return Divergence(
        reference=found.reference,
        reference_digest=found.reference_digest,
        kl_nats=found.kl_nats,
        kl_stderr=found.kl_stderr,
        same_top=found.same_top,
        positions=found.positions,
    )


def divergence_from(reference: Record, other: Record) -> Divergence | None:
    """Read the divergence that a run has from this very candidate; None from any other."""
    found = divergence(other)
    if found is None or found.reference_digest != reference.candidate.digest:
        return None
    return found


def why_no_divergence(record: Record) -> str:
    """The reason that a record gives; empty where it has a divergence or gives none."""
    return record.divergence.reason if record.divergence else ""
