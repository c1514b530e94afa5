"""Checks of what disturbs a measurement: cores, quota, other processes, swap, the clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from runners.compute.cgroup import control_groups, cpu_quota
from runners.compute.machine import usable_cpus
from runners.compute.tuning import PROCESSORS, governors
from runners.doctor.check import Check, ShowBytes
from runners.jobs.flags import noise_flags
from runners.measure.noise import Noise, cpu_seconds, noise_between, read_noise

CpuSeconds = Mapping[tuple[str, int], float]
"""CPU seconds by (name, pid)."""
SAMPLE_S = 1.0
MOST_NAMED = 3
SWAP_SHARE = 0.01
"""Share of RAM; less than that in swap was put there long ago and is left alone."""
BUSY_SHARE = 0.05
"""Share of a core; a process that takes less is not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Load of the machine during a short sample."""

    load_1m: float | None
    noise: Noise
    busiest: tuple[tuple[str, float], ...]
    """(name and pid, cores) of processes not our own, the busiest first."""
    seconds: float = SAMPLE_S
    """Seconds of the sample."""


def cpu_check(*, logical: int, usable: int, quota: float | None) -> Check:
    """The cores that a worker will use.

    Args:
        logical: cores that the system has.
        usable: what affinity and quota leave, which is the number of threads.
        quota: CPUs that the control group may use; None: no limit.
    """
    found = f"{usable} of {logical} cores, so {usable} threads"
    if quota is None:
        return Check(name="CPU", status="ok", found=found)
    found += f"; quota {quota:g} CPUs"
    if quota >= usable:
        return Check(name="CPU", status="ok", found=found)
    return Check(
        name="CPU",
        status="limited",
        found=found,
        advice="the quota is no whole number of cores, so that threads are stopped in every "
        "period (flag `throttled`): raise it to a whole number, or set settings.threads",
        now="the quota is no whole number of cores",
    )


def cpus() -> Check:
    """The check of this process's cores."""
    quota = cpu_quota(control_groups("cpu"))
    return cpu_check(logical=os.cpu_count() or 1, usable=usable_cpus(), quota=quota)


def sample_load(seconds: float = SAMPLE_S) -> Load:
    """Watch the machine for a moment; this process only sleeps."""
    end = watch()
    time.sleep(seconds)
    return end()


def watch() -> Callable[[], Load]:
    """Watch the machine from now on; what is returned ends that and says what others used."""
    own = [os.getpid()]
    before, times, own_s = read_noise(), _cpu_by_process(), cpu_seconds(own)
    started = time.perf_counter()

    def end() -> Load:
        elapsed_s = time.perf_counter() - started
        after, own_used_s = read_noise(), cpu_seconds(own) - own_s
        noise = noise_between(before, after, own_cpu_s=own_used_s, elapsed_s=elapsed_s)
        used = busiest(times, _cpu_by_process(), elapsed_s)
        return Load(
            load_1m=after.load_1m,
            noise=noise,
            busiest=tuple(used[:MOST_NAMED]),
            seconds=elapsed_s,
        )

    return end


def disturbance(load: Load) -> str:
    """A warning before a run, or nothing: the machine is quiet, or was watched too briefly."""
    check = load_check(load)
    if load.seconds < SAMPLE_S or not check.now:
        return ""
    return (
        f"warning: {check.now}, so this run's times will be too slow and flagged contended: end "
        "other work or measure later (--fresh measures again)"
    )


def load_check(load: Load) -> Check:
    """Check that the machine is quiet now, by the thresholds that flag a run."""
    parts = [] if load.load_1m is None else [f"load {load.load_1m:.2f}"]
    if load.noise.others_cpus is not None:
        parts.append(f"other processes use {load.noise.others_cpus:.2f} cores")
    parts += [f"{name} {cores:.2f}" for name, cores in load.busiest]
    found = ", ".join(parts) or "unknown"
    raised = noise_flags(load.noise)
    if not raised:
        return Check(name="load now", status="ok", found=found)
    why = "; ".join(f"{flag.name}: {flag.detail}" for flag in raised)
    return Check(
        name="load now",
        status="limited",
        found=found,
        advice=f"a run would be flagged now ({why}): end other work, or measure later",
        now=_others(load) or "the machine is busy",
    )


def _others(load: Load) -> str:
    cores = load.noise.others_cpus
    return "" if cores is None else f"other processes use {cores:.1f} cores"


def swap_check(*, total: int, used: int, ram: int, show: ShowBytes) -> Check:
    """Swap, all in bytes: memory that a candidate is timed with should not be there."""
    if not total:
        return Check(name="swap", status="ok", found="none")
    found = f"{show(used)} of {show(total)} used"
    if used <= SWAP_SHARE * ram:
        return Check(name="swap", status="ok", found=found)
    return Check(
        name="swap",
        status="limited",
        found=found,
        advice="memory is or was short: end other programs; as root, swapoff -a && swapon -a "
        "brings back what is in swap",
        now="memory is short",
    )


def swap(show: ShowBytes) -> Check:
    """The check of this machine's swap."""
    memory = psutil.swap_memory()
    ram = psutil.virtual_memory().total
    return swap_check(total=memory.total, used=memory.used, ram=ram, show=show)


def governor_check(root: Path = PROCESSORS) -> Check:
    """Check how the clock frequency is governed, where the system tells."""
    found = ", ".join(governors(root))
    if not found:
        return Check(
            name="frequency governor",
            status="limited",
            found="not told",
            advice="nothing to do in a virtual machine; a change of clock during a run is flagged "
            "where /proc/cpuinfo shows it",
        )
    if found == "performance":
        return Check(name="frequency governor", status="ok", found=found)
    return Check(
        name="frequency governor",
        status="limited",
        found=found,
        advice="the clock may follow the load; as root: cpupower frequency-set -g performance",
        now=f"the clock's governor is {found}",
    )


def _cpu_by_process() -> dict[tuple[str, int], float]:
    found = {}
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None and process.pid != os.getpid():
            found[process.info["name"] or "?", process.pid] = float(times.user + times.system)
    return found


def busiest(before: CpuSeconds, after: CpuSeconds, elapsed_s: float) -> list[tuple[str, float]]:
    """(name and pid, cores) of processes that were there all the time, the busiest first."""
    used = [
        (f"{name} ({pid})", (seconds - before[name, pid]) / elapsed_s)
        for (name, pid), seconds in after.items()
        if (name, pid) in before
    ]
    busy = [(name, cores) for name, cores in used if cores >= BUSY_SHARE]
    return sorted(busy, key=lambda one: one[1], reverse=True)
