"""Compare the machine's counters before and after a job, to see what else ran meanwhile.

What of it flags a run is `runners/jobs/flags.py`'s business.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import psutil

from evals.errors import MeasureError
from runners.compute.cgroup import control_groups, throttling
from runners.compute.procfs import PROC, optional_text
from runners.measure.processes import process_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

Count = TypeVar("Count", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseReading:
    """Counters of the machine at one moment; None where the machine does not publish one."""

    load_1m: float | None
    """Load average of the last minute, in tasks. None on Windows."""
    load_per_core: float | None = None
    """Load average, divided by the cores of the system."""
    psi_some_avg10: float | None
    """PSI `cpu some`, mean of the last 10 s, 0 to 1. None: a kernel without PSI."""
    psi_some_s: float | None
    """Seconds since boot in which some task waited for a core. None: a kernel without PSI."""
    busy_s: float | None
    """CPU seconds since boot spent on anything, all cores together."""
    steal_s: float | None
    """CPU seconds since boot that the hypervisor gave to others. None outside Linux."""
    throttled_periods: int | None
    """Periods in which the control group was stopped at its quota. None without such a group."""
    throttled_s: float | None
    """Seconds for which it was stopped. None without such a group."""
    cpu_mhz: float | None
    """Clock of the fastest core now: that of a core at work, the others may be asleep. None where
    /proc/cpuinfo does not tell (ARM, macOS, Windows)."""
    swapped_in_pages: int | None
    """Pages read back from swap since boot. None outside Linux."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Disturbance during a job's latency phase, from two readings; None where either lacks the
    counter.
    """

    others_cpus: float | None
    """Average number of cores that processes not our own kept busy."""
    steal_share: float | None
    """Stolen / (busy + stolen) CPU time: of what was wanted, how much the hypervisor kept."""
    psi_some_share: float | None
    """Share of the time in which some task, our own included, waited for a core."""
    throttled_periods: int | None
    swapped_in_pages: int | None
    frequency_change: float | None
    """(after - before) / before."""
    load_per_core: float | None = None
    """Load average of the minute before, by the cores of the system."""


def read_noise(pid: int | None = None) -> NoiseReading:
    """Read the machine's counters.

    Args:
        pid: the process whose control group is asked for throttling; default: this one.
    """
    stat = optional_text(PROC / "stat")
    busy_s, steal_s = parse_stat(stat, _ticks_per_s()) if stat else (_busy_elsewhere(), None)
    pressure = optional_text(PROC / "pressure" / "cpu")
    avg10, waited_s = parse_pressure(pressure) if pressure else (None, None)
    periods, throttled_s = throttling(control_groups("cpu", pid)) or (None, None)
    load_1m = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return NoiseReading(
        load_1m=load_1m,
        load_per_core=None if load_1m is None else load_1m / (os.cpu_count() or 1),
        psi_some_avg10=avg10,
        psi_some_s=waited_s,
        busy_s=busy_s,
        steal_s=steal_s,
        throttled_periods=periods,
        throttled_s=throttled_s,
        cpu_mhz=parse_mhz(optional_text(PROC / "cpuinfo") or ""),
        swapped_in_pages=parse_swap_in(optional_text(PROC / "vmstat") or ""),
    )


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU seconds that process trees have used since they began, user and system.

    Args:
        pids: roots, e.g. this process. Overlapping trees are counted once.

    Children that have exited and were waited for are in their parent's account (on Linux; nowhere
    else), so give the process that started and outlives the worker. Others that exit are lost.

    Raises:
        MeasureError: one of `pids` has exited.
    """
    trees = {pid for root in pids for pid in process_tree(root)}
    return sum(map(_process_cpu_s, trees))


def noise_between(
    before: NoiseReading, after: NoiseReading, *, own_cpu_s: float, elapsed_s: float
) -> Noise:
    """Disturbance between two readings of the machine's counters.

    Args:
        before: the machine's counters when the job began.
        after: the same when it ended.
        own_cpu_s: CPU seconds that our own processes used in between (`cpu_seconds`, twice).
        elapsed_s: seconds between the readings.

    Raises:
        MeasureError: no time has passed.
    """
    if not elapsed_s > 0:
        raise MeasureError(f"noise over {elapsed_s} s: the readings must lie apart in time")
    busy_s = _rise(before.busy_s, after.busy_s)
    steal_s = _rise(before.steal_s, after.steal_s)
    waited_s = _rise(before.psi_some_s, after.psi_some_s)
    wanted_s = None if busy_s is None or steal_s is None else busy_s + steal_s
    return Noise(
        # The kernel counts both sides in ticks, so that a quiet machine can come out below zero.
        others_cpus=None if busy_s is None else max(0.0, busy_s - own_cpu_s) / elapsed_s,
        steal_share=steal_s / wanted_s if steal_s is not None and wanted_s else None,
        psi_some_share=None if waited_s is None else waited_s / elapsed_s,
        throttled_periods=_rise(before.throttled_periods, after.throttled_periods),
        swapped_in_pages=_rise(before.swapped_in_pages, after.swapped_in_pages),
        frequency_change=(after.cpu_mhz - before.cpu_mhz) / before.cpu_mhz
        if before.cpu_mhz and after.cpu_mhz
        else None,
        load_per_core=before.load_per_core,
    )


def parse_stat(text: str, ticks_per_s: int) -> tuple[float, float]:
    """(busy, stolen) CPU seconds of /proc/stat's first line, all cores together.

    proc_stat(5): user nice system idle iowait irq softirq steal guest guest_nice, in ticks; guest
    time is already part of user's.
    """
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, text.split()[1:9])
    return (user + nice + system + irq + softirq) / ticks_per_s, steal / ticks_per_s


def parse_pressure(text: str) -> tuple[float | None, float | None]:
    """(mean share of the last 10 s, seconds since boot) of `some` in /proc/pressure/cpu.

    Source: the kernel's accounting/psi.rst: avg10 in per cent, total in microseconds.
    """
    found = re.search(r"^some avg10=([\d.]+) .*total=(\d+)$", text, re.MULTILINE)
    return (float(found[1]) / 100, int(found[2]) / 1e6) if found else (None, None)


def parse_mhz(cpuinfo: str) -> float | None:
    """The greatest `cpu MHz` of /proc/cpuinfo; None where it has none."""
    return max(
        map(float, re.findall(r"^cpu MHz\s*: ([\d.]+)$", cpuinfo, re.MULTILINE)), default=None
    )


def parse_swap_in(vmstat: str) -> int | None:
    """`pswpin` of /proc/vmstat, pages since boot; None where it has none."""
    found = re.search(r"^pswpin (\d+)$", vmstat, re.MULTILINE)
    return int(found[1]) if found else None


def _rise(before: Count | None, after: Count | None) -> Count | None:
    return None if before is None or after is None else after - before


def _process_cpu_s(pid: int) -> float:
    try:
        used = psutil.Process(pid).cpu_times()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0  # it exited since the tree was listed: its parent's account has it
    return float(used.user + used.system + used.children_user + used.children_system)


def _busy_elsewhere() -> float:
    used = psutil.cpu_times()
    return float(used.user + used.system)


def _ticks_per_s() -> int:
    return os.sysconf("SC_CLK_TCK")
