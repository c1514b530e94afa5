"""Parts of a record that are no one task's and no one workload's: engine, noise floor, energy,
flags.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from runners.records.values import Bytes, Count, Score, Seconds, Share, Size

METRIC = "metric."
"""Prefix of the columns of samples that hold a metric's value; of a perplexity, the document's
log-likelihood."""
WEIGHT = "weight."
"""Prefix of the columns of samples that hold what a perplexity divides a log-likelihood by."""


class Part(BaseModel):
    """A part of a record: immutable, and keys that this version does not know are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class LoadInfo(Part):
    """Cold start, in its three parts; the page cache's state is said where it is known."""

    ready_s: Seconds
    """Seconds from spawning the process to its interpreter and runtime being imported; 0 for a
    server, which starts within `load_s`."""
    load_s: Seconds
    first_token_s: Seconds | None = None
    """Seconds from the first request to its first token, the context's making included."""
    cold_start_s: Seconds | None = None
    """The sum of the three."""
    page_cache: str = "unknown"
    """State of the weights in the page cache before loading; also set when loading failed: `cold`,
    `warm`, `37% warm`, `no weights`."""


class EngineInfo(Part):
    """Memory and savings of the scoring engine."""

    path: str
    cells: Count
    sequences: Count
    kv_bytes: Bytes | None
    """Bytes of the KV cache; None where the runtime does not say."""
    output_bytes: Bytes
    apart_nats: Size | None = None
    """Largest difference, in a server's self-check, between a token's log-probability generated and
    scored; None where nothing was checked."""
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


class DivergenceInfo(Part):
    """Distance of the next-token distributions from a reference's, over the whole vocabulary, at
    the scored positions of a fixed text.
    """

    reference: str
    """Name of the candidate that it was held against."""
    reference_digest: str
    kl_nats: Score | None = None
    """Mean KL divergence of the reference's distribution from this one's."""
    kl_stderr: Size | None = None
    """Standard error of that mean, positions taken as independent."""
    same_top: Share | None = None
    """Positions at which both prefer the same token."""
    positions: Count = 0
    vocabulary: Count | None = None
    logits_bytes: Bytes | None = None
    """Size of the reference's logits, 16 bits each."""
    seconds: Seconds | None = None
    reason: str = ""
    """Why it was not measured."""


class EnergyInfo(Part):
    """Energy that the processor used, from a counter; never an estimate."""

    source: str | None
    """The counter, and what else is in it; None: there is none that can be read."""
    joules: dict[str, Size] = Field(default_factory=dict)
    """Joules by phase; a phase that more than one process worked on has none."""
    reason: str | None = None
    """Why a figure is missing."""


class FlagInfo(Part):
    """Something that a reader of the numbers should know."""

    name: str
    detail: str
    level: Literal["warning", "note"] = "warning"
    """warning: something disturbed, cut or changed what was measured; note: a good run may lack it,
    too (runners/jobs/flags.py)."""
