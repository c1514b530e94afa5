"""Records that differ from another in some parts, or by one impossible value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from runners.records.circumstances import (
    BudgetInfo,
    ImportedInfo,
    MachineInfo,
    NoiseInfo,
    SoftwareInfo,
    VerdictInfo,
)
from runners.records.record import Record

KINDS = {
    "machine": MachineInfo,
    "software": SoftwareInfo,
    "budget": BudgetInfo,
    "verdict": VerdictInfo,
    "noise": NoiseInfo,
    "imported": ImportedInfo,
}

IMPOSSIBLE = [
    ("job.repeat", 2**63),
    ("job.position", -1),
    ("job.seconds", -0.5),
    ("created_at", "yesterday"),
    ("candidate.weights_bytes", -1),
    ("candidate.parameters", 10**300),
    ("accuracy.*.n", -1),
    ("accuracy.*.chance", 1.5),
    ("accuracy.*.chance", math.nan),
    ("accuracy.*.stderr", 1e308),
    ("accuracy.*.stderr", -0.1),
    ("accuracy.*.value", math.inf),
    ("latency.*.decode_tokens_per_s.p50", 1e-308),
    ("latency.*.ttft_s.p50", 1e12 + 1e4),
    ("latency.*.repeats.0.token_s.0", -1),
    ("load.load_s", math.inf),
    ("memory.phases.latency.peak_bytes", 10**300),
    ("memory.phases.latency.anon_bytes", -1),
    ("memory.series.0.1", -1),
    ("noise_floor", {"items": 1, "share": 2.0, "largest_nats": 0.0}),
    ("machine.usable_cpus", "two"),
    ("machine.ram_bytes", True),
    ("accuracy.*.n", True),
    ("accuracy.*.value", "0.5"),
    ("machine.gpu", {"a": 1}),
    ("software.runtime_version", [1]),
    ("noise.steal_share", math.nan),
    ("budget", {"name": [1], "memory_bytes": "x"}),
    ("verdict", {"verdict": 3}),
    ("imported", {"files": 7}),
    (
        "users",
        {
            "workloads": ["8+4"],
            "seconds": 1.0,
            "deadline_ttft_s": 1.0,
            "deadline_tpot_s": 0.1,
            "levels": [{"users": 0}],
        },
    ),
]


def changed(record: Record, **changes: Any) -> Record:
    """A copy with other parts, of which those of `KINDS` may be given as plain mappings."""
    typed = {
        key: KINDS[key].model_validate(value)
        if isinstance(value, Mapping) and key in KINDS
        else value
        for key, value in changes.items()
    }
    return record.model_copy(update=typed)


def replaced(content: Any, path: list[str], value: Any) -> Any:
    """A copy with one value of nested JSON replaced; `*` is the first key there is."""
    if not path:
        return value
    if isinstance(content, list):
        at = int(path[0])
        return [replaced(v, path[1:], value) if i == at else v for i, v in enumerate(content)]
    key = next(iter(content)) if path[0] == "*" else path[0]
    return {**content, key: replaced(content.get(key), path[1:], value)}
