"""Metrics of GPUs: their memory and the layers that were on one."""

from __future__ import annotations

from leaderboard.rows.conditions import is_elsewhere
from leaderboard.rows.metric import Limit, Metric, fact, largest_run
from leaderboard.units import MIB, PLAIN
from runners.records.gpu import device_own, device_peak
from runners.records.record import Record

VRAM, OWN, LAYERS = "vram", "gpu_buffers", "gpu_layers"


def vram(record: Record, _workload: str = "") -> float | None:
    """The largest peak of device memory of the phases that a deployment has."""
    return device_peak(record.gpu) if _served(record) else None


def own(record: Record, _workload: str = "") -> float | None:
    """The runtime's own account of device memory in those phases."""
    return device_own(record.gpu) if _served(record) else None


def layers(record: Record, _workload: str = "") -> float | None:
    """Layers on a device; None where none was asked for, or they are not counted."""
    return record.gpu.layers if record.gpu else None


def gpu_unknown(record: Record) -> bool:
    """True where a record without `gpu` may yet have had a part of the model on one.

    Records that are older than `software.tells_gpu` are known by their settings: a server that
    Weighin keeps off the GPU has `gpu_layers`, and MLX's device was `gpu` before it was watched.
    """
    if record.gpu is not None:
        return False
    if record.software.tells_gpu is False or record.imported is not None or is_elsewhere(record):
        return True
    settings = record.candidate.settings
    served = record.server is not None and "gpu_layers" not in settings
    return served or settings.get("device") == "gpu"


def _served(record: Record) -> bool:
    """True where it came so far as to be asked: loading alone is not comparable."""
    phases = record.gpu.phases if record.gpu else {}
    return "latency" in phases or "generation" in phases


GPU_METRICS = (
    Metric(
        key=VRAM,
        name="vram_bytes",
        title="GPU memory",
        short="GPU memory",
        hint="The most that the process was seen to hold on GPUs from loading on, for one user, by "
        "the driver's counter; the largest run's.",
        unit=MIB,
        better="lower",
        over="runs",
        run=vram,
        combine=largest_run,
        if_known=True,
        axis=True,
        limit=Limit(address="vram_mib", label="GPU memory, MiB", what="GPU memory", part="have"),
    ),
    Metric(
        key=OWN,
        name="gpu_buffers_bytes",
        title="GPU buffers",
        short="GPU buffers",
        hint="The runtime's own account of its GPU memory: llama.cpp's buffers, or what torch "
        "reserved. The driver's own part is not in it.",
        unit=MIB,
        better="lower",
        over="runs",
        run=own,
        combine=largest_run,
        if_known=True,
        axis=True,
    ),
    Metric(
        key=LAYERS,
        name="gpu_layers",
        title="layers on the GPU",
        short="GPU layers",
        hint="Layers on a GPU by llama.cpp's log, the output's counted as one.",
        unit=PLAIN,
        better="higher",
        over="file",
        run=layers,
        combine=fact,
        if_known=True,
    ),
)
"""Shown where some candidate had a part of its model on a GPU (`leaderboard.rows.shown`)."""
