"""Make the record's `gpu`: devices, layers, device memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.jobs.measured import PhaseMarks
from runners.records.gpu import DeviceInfo, DevicePhaseInfo, GpuInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.jobs.job import Job
    from runners.jobs.measured import Measured
    from runners.measure.device_memory import DevicePhase
    from runners.records.record import Phase


def gpu_info(job: Job, measured: Measured) -> GpuInfo | None:
    """The devices of a run; None where no part of the model was on one."""
    offloaded = measured.model.offloaded if measured.model else None
    if offloaded is None:
        return None
    by_phase = {one.phase: one.device for one in measured.all(PhaseMarks) if one.device}
    headline = _headline(by_phase)
    return GpuInfo(
        devices=[
            DeviceInfo(
                name=one.name,
                description=one.description,
                backend=one.backend,
                total_bytes=one.total_bytes,
            )
            for one in offloaded.devices
        ],
        layers_asked=job.settings.get("gpu_layers"),
        layers=offloaded.layers,
        layers_in_all=offloaded.layers_in_all,
        layers_unknown=offloaded.unknown,
        driver=headline.driver if headline else "",
        unified=bool(offloaded.devices) and all(one.unified for one in offloaded.devices),
        source=(headline.source or None) if headline else None,
        reason=headline.reason if headline else "no phase ended",
        phases={
            str(phase): DevicePhaseInfo(peak_bytes=one.peak_bytes, own_bytes=one.own_bytes)
            for phase, one in by_phase.items()
        },
    )


def _headline(by_phase: Mapping[Phase, DevicePhase]) -> DevicePhase | None:
    """The phase whose counter is named: the latency phase, else the last."""
    return by_phase.get("latency") or next(reversed([*by_phase.values()]), None)
