"""Parts of a record that are no one task's and no one workload's: engine, noise floor, energy,
flags.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from runners.records.values import Bytes, Count, Seconds, Share, Size

METRIC = "metric."
"""Prefix of the columns of samples that hold a metric's value; of a perplexity, the document's
log-likelihood."""
WEIGHT = "weight."
"""Prefix of the columns of samples that hold what a perplexity divides a log-likelihood by."""


class Part(BaseModel):
    """A part of a record: immutable, and keys that this version does not know are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class EngineInfo(Part):
    """Memory and savings of the scoring engine."""

    path: str
    cells: Count
    sequences: Count
    kv_bytes: Bytes | None
    """Bytes of the KV cache; None where the runtime does not say."""
    output_bytes: Bytes
    raw_tokens: Count = 0
    distinct_tokens: Count = 0
    scoring_s: Seconds = 0.0


class NoiseFloorInfo(Part):
    """A fixed probe of the suite's multiple-choice items, scored packed and plainly (one sequence
    at a time, each from an empty cache).
    """

    items: Count
    changed: Count = 0
    """Items whose most likely choice (greatest summed log-probability) differs."""
    share: Share | None
    """changed / items."""
    largest_nats: Size | None
    """Largest difference of one choice's summed log-probability."""
    reason: str = ""
    """Why there is no share."""


class EnergyInfo(Part):
    """Energy that the processor used, from a counter; never an estimate."""

    source: str | None
    """The counter, and what else is in it; None: there is none that can be read."""
    joules: dict[str, Size] = Field(default_factory=dict)
    """By phase; a phase that more than one process worked on has none."""
    reason: str | None = None
    """Why a figure is missing."""


class FlagInfo(Part):
    """Something that a reader of the numbers should know."""

    name: str
    detail: str
    level: Literal["warning", "note"] = "warning"
    """warning: something disturbed, cut or changed what was measured; note: a good run may lack it,
    too (runners/jobs/flags.py)."""
