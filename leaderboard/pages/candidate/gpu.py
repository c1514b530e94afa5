"""Table of the GPUs of a run: devices, layers, memory by phase."""

from __future__ import annotations

from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.units import format_number, mib
from runners.records.gpu import DevicePhaseInfo, GpuInfo


def gpu_words(gpu: GpuInfo) -> str:
    """Devices and layers in one line: `31 of 31 layers on NVIDIA GeForce RTX 4090 (CUDA0)`."""
    names = ", ".join(
        f"{one.description} ({one.name})" if one.description else one.name for one in gpu.devices
    )
    if gpu.layers is None:
        return f"On {names}; {gpu.layers_unknown}."
    of = "" if gpu.layers_in_all is None else f" of {gpu.layers_in_all}"
    return f"{gpu.layers}{of} layers on {names}."


def gpu_grid(gpu: GpuInfo) -> Grid:
    """The memory of each phase in MiB: measured, and by the runtime's own account."""
    words = list(dict.fromkeys(word for one in gpu.phases.values() for word in one.own_bytes))
    heads = (
        Head("phase", number=False),
        Head("peak", "MiB", "the most that the processes were seen to hold on GPUs"),
        *(Head(word, "MiB", "by the runtime's own account") for word in words),
    )
    rows = tuple(_row(name, one, words, gpu.reason) for name, one in gpu.phases.items())
    source = gpu.source or gpu.reason
    driver = f"; driver {gpu.driver}" if gpu.driver else ""
    return Grid(caption=f"GPU memory of one run; {source}{driver}", heads=heads, rows=rows)


def _row(name: str, phase: DevicePhaseInfo, words: list[str], reason: str) -> tuple[Cell, ...]:
    peak = phase.peak_bytes
    return (
        Cell(name),
        missing(reason) if peak is None else Cell(format_number(mib(peak))),
        *(
            Cell(format_number(mib(phase.own_bytes[word])))
            if word in phase.own_bytes
            else missing("the runtime does not tell it of this phase")
            for word in words
        ),
    )
