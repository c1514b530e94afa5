"""What llama.cpp's log says of the layers and buffers that it put on devices. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runners.worker.offload import Device, Offloaded

_LAYERS = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_BUFFER = re.compile(r"(\S+) +(model|KV|RS|compute|output) buffer size *= *([0-9.]+) MiB")
_USING = re.compile(r"using device (\S+) \(")
WORDS = {
    "model": "weights", "KV": "cache", "RS": "cache", "compute": "compute", "output": "compute",
}  # fmt: skip
"""llama.cpp's word for a buffer -> the record's."""


def used_devices(lines: Iterable[str], devices: Sequence[Device]) -> list[Device]:
    """The devices that llama.cpp says it uses; all of these where it says none.

    Args:
        lines: of its log while it loaded a model.
        devices: those that it could choose from.
    """
    names = {match[1] for line in lines if (match := _USING.search(line))}
    return [one for one in devices if one.name in names] or list(devices)


def offloaded(lines: Iterable[str], devices: Sequence[Device]) -> Offloaded:
    """The layers that are on devices, by llama.cpp's lines while it loaded a model.

    Args:
        lines: of its log, in order.
        devices: those that it was given.

    The line that counts layers counts what was asked for. What is there is told by the buffers of
    weights: where all that are logged lie elsewhere, no layer is on a device.
    """
    said, on_device, weights = None, False, False
    for line in lines:
        said = _LAYERS.search(line) or said
        weights |= "model buffer size" in line
        on_device |= any(word == "model" for word, _ in _buffers(line, devices))
    layers = int(said[1]) if said and on_device else 0 if weights and not on_device else None
    unknown = "llama.cpp's log does not tell them" if layers is None else ""
    return Offloaded(
        devices=list(devices),
        layers=layers,
        layers_in_all=int(said[2]) if said else None,
        unknown=unknown,
    )


def own_bytes(lines: Iterable[str], devices: Sequence[Device]) -> dict[str, int]:
    """Bytes of the buffers on devices by what they hold: `weights`, `cache`, `compute`.

    Args:
        lines: of llama.cpp's log, of one model or one context.
        devices: those that it was given.
    """
    found: dict[str, int] = {}
    for line in lines:
        for word, size in _buffers(line, devices):
            found[WORDS[word]] = found.get(WORDS[word], 0) + size
    return found


def _buffers(line: str, devices: Sequence[Device]) -> list[tuple[str, int]]:
    """A buffer's kind and bytes, where it lies on a device: `CUDA0`, `MTL0_Private`, not `CPU`."""
    match = _BUFFER.search(line)
    if match is None:
        return []
    there = any(match[1] == one.name or match[1].startswith(f"{one.name}_") for one in devices)
    return [(match[2], int(float(match[3]) * 2**20))] if there else []
