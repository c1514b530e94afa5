"""Checks of what can be measured: peak memory, energy, pressure, hardware counters."""

from __future__ import annotations

import re
from pathlib import Path

from evals.errors import MeasureError, RuntimeFailure
from runners.compute.procfs import optional_text
from runners.doctor.check import Check
from runners.jobs.worker_process import WorkerProcess
from runners.measure.energy import POWERCAP, EnergyMeter
from runners.measure.linux import SOURCE
from runners.measure.memory import PhaseMemory, read_peak, reset_peak

START_TIMEOUT_S = 60.0
USER_COUNTERS = 2
"""The highest kernel.perf_event_paranoid that lets a user count a process of their own."""


def peak_check() -> Check:
    """Check how peak memory is read here, on a child: a worker of runtime `fake`."""
    try:
        with WorkerProcess("fake", threads=1, timeout_s=START_TIMEOUT_S) as worker:
            was_reset = reset_peak(worker.pid)
            return judge_peak(read_peak(worker.pid, was_reset=was_reset), was_reset=was_reset)
    except (MeasureError, RuntimeFailure, OSError) as error:
        return Check(
            name="peak memory",
            status="missing",
            found="no worker can be started and measured",
            advice=str(error),
        )


def judge_peak(read: PhaseMemory, *, was_reset: bool) -> Check:
    """Judge what the source of a peak means for the numbers.

    Args:
        read: of a child.
        was_reset: the child's mark could be reset, so that each phase has its own.
    """
    if read.source.startswith(SOURCE) and was_reset:
        return Check(name="peak memory", status="ok", found=f"{read.source}, reset between phases")
    if read.source.startswith(SOURCE):
        return Check(
            name="peak memory",
            status="limited",
            found=read.source,
            advice="/proc/PID/clear_refs cannot be written, so that each phase's peak is the "
            "highest so far; a container may forbid it: run outside of it, or with less seccomp",
        )
    return Check(
        name="peak memory",
        status="limited",
        found=read.source,
        advice="this system keeps no mark that can be reset: compare peaks measured on Linux",
    )


def energy_check(root: Path = POWERCAP) -> Check:
    """Check that the processor's energy counter (RAPL) can be read."""
    meter = EnergyMeter(root)
    if meter.source:
        return Check(name="energy", status="ok", found=meter.source)
    return Check(
        name="energy",
        status="limited",
        found=meter.reason or "no counter",
        advice="nothing to do where there is none; where it may not be read, as root: chmod a+r "
        f"{root}/intel-rapl*/energy_uj (until the next start; it tells others what runs here)",
    )


def pressure_check(root: Path = Path("/proc/pressure")) -> Check:
    """Check that the kernel counts time spent waiting for a core (PSI)."""
    if re.search(r"^some avg10=", optional_text(root / "cpu") or "", re.MULTILINE):
        return Check(name="pressure (PSI)", status="ok", found=str(root / "cpu"))
    return Check(
        name="pressure (PSI)",
        status="limited",
        found="not counted",
        advice="contention shows by other processes' CPU time only; Linux 4.20 and later have it "
        "(boot with psi=1 where it is off)",
    )


def perf_check(
    paranoid: Path = Path("/proc/sys/kernel/perf_event_paranoid"),
    pmu: Path = Path("/sys/bus/event_source/devices"),
) -> Check:
    """Check for hardware counters; no number of Weighin needs them."""
    level = (optional_text(paranoid) or "").strip()
    hardware = any((pmu / name).exists() for name in ("cpu", "cpu_core", "armv8_pmuv3_0"))
    if not level or not hardware:
        return Check(
            name="perf",
            status="limited",
            found="no hardware counters",
            advice="nothing to do: no number of Weighin needs them",
        )
    if int(level) <= USER_COUNTERS:
        found = f"hardware counters, perf_event_paranoid {level}"
        return Check(name="perf", status="ok", found=found)
    return Check(
        name="perf",
        status="limited",
        found=f"perf_event_paranoid {level}",
        advice="no number of Weighin needs them; to profile a worker, as root: sysctl "
        f"kernel.perf_event_paranoid={USER_COUNTERS}",
    )
