"""What of a stranger's record cannot be true, or cannot be derived again from what it says.

A record that is read is whole: types and ranges hold, and its samples have its scores. That does
not make it true; these checks find what a careless forger or a broken tool leaves behind. What
they cannot see, only measuring again can (`weighin verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runners.compute.machine import Machine
from runners.records.identity import candidate_digest
from runners.records.run_ids import STAMP, STAMP_LENGTH

if TYPE_CHECKING:
    import pyarrow

    from runners.records.record import Record

FASTEST_READ_BYTES_PER_S = 20e12
"""Memory of no machine that runs models of 32 billion parameters gives more."""
CLOCKS_DIFFER = timedelta(days=1)
SLACK = 1.05
"""Clocks of two processes, and rounding."""


def doubts(record: Record, samples: pyarrow.Table | None) -> tuple[str, ...]:
    """What is doubtful of a record, each in words; empty where nothing is.

    Args:
        record: as it was read.
        samples: its rows; None without any.
    """
    return tuple(said for check in CHECKS for said in check(record, samples))


def _candidate(record: Record, _: pyarrow.Table | None) -> Iterator[str]:
    about = record.candidate
    if record.imported is not None:
        yield f"measured by another harness ({record.imported.source or 'unnamed'})"
        return
    if about.digest and about.chosen is not None:
        again = candidate_digest(about.weights_sha256, about.runtime, about.chosen)
        if again != about.digest:
            yield "the candidate's digest does not follow from its weights and settings"
    if not about.weights_sha256 and about.weights_bytes:
        yield "the weights have no sha256"


def _machine(record: Record, _: pyarrow.Table | None) -> Iterator[str]:
    about = record.machine
    if about.fingerprint is None or about.cpu_id is None:
        return  # an early record, or one that was imported
    names = {field.name for field in fields(Machine)}
    said = {key: value for key, value in about.said().items() if key in names}
    lists = {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
    try:
        again = Machine(**{**said, **lists}).fingerprint
    except TypeError:
        again = ""
    if again != about.fingerprint:
        yield "the machine's fingerprint does not follow from what is said of it"


def _moment(record: Record, _: pyarrow.Table | None) -> Iterator[str]:
    created = datetime.fromisoformat(record.created_at)
    created = created if created.tzinfo else created.replace(tzinfo=UTC)
    if created > datetime.now(UTC) + CLOCKS_DIFFER:
        yield f"it was made in the future ({record.created_at})"
    begun = datetime.strptime(record.run_id[:STAMP_LENGTH], STAMP).replace(tzinfo=UTC)
    if abs(begun - created) > CLOCKS_DIFFER:
        yield f"its id says {begun:%Y-%m-%d} and the record {created:%Y-%m-%d}"


def _times(record: Record, _: pyarrow.Table | None) -> Iterator[str]:
    seconds = record.job.seconds
    if seconds is not None:
        timed = sum(
            one.ttft_s.p50 * one.ttft_s.n for one in record.latency.values() if one.ttft_s.n
        )
        if timed > seconds * SLACK:
            yield f"its timed requests take {timed:.0f} s, and the whole job {seconds:.0f}"
    weights = record.candidate.weights_bytes
    for name, one in record.latency.items():
        rate = one.decode_tokens_per_s.p50 if one.decode_tokens_per_s else 0.0
        if weights and rate * weights > FASTEST_READ_BYTES_PER_S:
            yield (
                f"{name}: {rate:,.0f} tokens/s would read {weights:,} bytes of weights faster than "
                "any machine's memory (a model whose experts take turns may)"
            )


def _memory(record: Record, _: pyarrow.Table | None) -> Iterator[str]:
    phases = record.memory.phases if record.memory else {}
    for name, phase in phases.items():
        peak, anon = phase.peak_bytes, phase.anon_bytes
        if peak is not None and anon is not None and anon > peak * SLACK:
            yield f"{name}: more anonymous memory than peak memory"
        if peak is not None and peak < 1 << 20:
            yield f"{name}: a peak of {peak:,} bytes, below that of any process of Python"
        ram = record.machine.ram_bytes
        if peak is not None and ram and peak > ram * SLACK:
            yield f"{name}: a peak above the machine's memory"


def _scores(record: Record, samples: pyarrow.Table | None) -> Iterator[str]:
    if record.status == "completed" and record.job.scores and record.accuracy and samples is None:
        yield "it has scores and no samples, so that nothing of them can be derived again"
    if samples is None or "logprobs" not in samples.column_names:
        return
    import pyarrow.compute as pc

    flat = samples["logprobs"].combine_chunks().flatten()
    highest = pc.max(flat).as_py() if len(flat) else None
    if highest is not None and highest > 0:
        yield f"a log-likelihood of {highest:.3f}, above 0"


CHECKS: tuple[Callable[[Record, pyarrow.Table | None], Iterator[str]], ...] = (
    _candidate, _machine, _moment, _times, _memory, _scores,
)  # fmt: skip
"""Every check; docs/sharing.md lists them."""
