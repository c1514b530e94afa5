"""Say where a candidate computes on the processor although its build could use a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate


def gpu_hints(candidates: Sequence[Candidate]) -> list[str]:
    """A line a runtime whose build can offload, where a candidate of it asks for no layer."""
    from runners.runtimes.devices import unused_devices

    found = {}
    for one in candidates:
        if one.runtime not in found and (devices := unused_devices(one.runtime_spec, one.settings)):
            found[one.runtime] = ", ".join(device.title for device in devices)
    return [
        f"{runtime} computes on the processor alone; this build can offload to {names}: "
        "--gpu-layers all (settings: {gpu_layers: all})"
        for runtime, names in found.items()
    ]
