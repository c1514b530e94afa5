"""What those parts of a record hold that it keeps as plain mappings: types and ranges.

Keys that are not named here are kept as they are.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from runners.records.values import Bytes, Count, Rate, Score, Seconds, Size, Whole


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class _Enforced(_Shape):
    memory: str | None = None
    cpus: str | None = None


class _Budget(_Shape):
    name: str = ""
    description: str = ""
    source: str = ""
    memory_bytes: Bytes | None = None
    cpus: Rate | None = None
    deadline_ttft_s: Seconds | None = None
    min_decode_tokens_per_s: Rate | None = None
    enforced: _Enforced | None = None


class _Verdict(_Shape):
    verdict: str
    reason: str = ""
    phase: str | None = None
    oom_kills: Count | None = None
    refaulted_bytes: Bytes | None = None
    decode_tokens_per_s: Rate | None = None
    unlimited_decode_tokens_per_s: Rate | None = None
    unlimited_run: str | None = None
    page_cache: str = ""


class _Machine(_Shape):
    cpu_model: str | None = None
    usable_cpus: Count | None = None
    logical_cpus: Count | None = None
    ram_bytes: Bytes | None = None
    gpu: list[str] = Field(default_factory=list)
    os_family: str | None = None
    os_release: str | None = None
    python: str | None = None
    fingerprint: str | None = None
    cpu_id: str | None = None
    cpu_features: list[str] = Field(default_factory=list)


class _Software(_Shape):
    weighin: str | None = None
    lm_eval: str | None = None
    python: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    runtime_build: str | None = None
    runtime_digest: str | None = None
    left_out: str | None = None


class _Noise(_Shape):
    others_cpus: Size | None = None
    steal_share: Size | None = None
    psi_some_share: Size | None = None
    throttled_periods: Whole | None = None
    swapped_in_pages: Whole | None = None
    frequency_change: Score | None = None
    load_per_core: Size | None = None


class _Imported(_Shape):
    files: list[str] = Field(default_factory=list)


SHAPES: dict[str, type[BaseModel]] = {
    "budget": _Budget,
    "verdict": _Verdict,
    "machine": _Machine,
    "software": _Software,
    "noise": _Noise,
    "imported": _Imported,
}
"""By key of the record."""
