"""A small plan of two blocks, for whatever runs blocks."""

from __future__ import annotations

from pathlib import Path

from evals.suites import Suite
from runners.batches.batch import Batch
from runners.batches.blocks import BatchPlan, plan_of
from runners.candidates.spec import Candidate

SUITE = Suite.model_validate({
    "name": "tiny",
    "tasks": [{"task": "tiny_choice"}],
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    "latency_repeats": 1,
})  # fmt: skip


def plan(tiny: Path, *candidates: Candidate) -> BatchPlan:
    batch = Batch(candidates=candidates, suite=SUITE, repeats=2, score="each", include=tiny)
    return plan_of(batch, "repeats", 2)
