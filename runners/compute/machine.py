"""The machine that a job ran on, and a fingerprint that keeps unlike machines apart."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import subprocess
from dataclasses import dataclass, replace

import psutil

from runners.compute.cgroup import control_groups, cpu_quota, memory_limit
from runners.compute.processor import Processor, parse_cpuinfo, parse_sysctl
from runners.compute.procfs import PROC, optional_text
from runners.compute.tuning import governors, transparent_hugepage

_TOOL_TIMEOUT_S = 5.0
"""nvidia-smi and sysctl answer in well under a second; a wedged driver never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Properties of the machine that affect a measurement."""

    cpu_model: str
    """A name for people, which clouds give to several generations."""
    usable_cpus: int
    """Cores this process may use: the affinity, cut by a CPU quota."""
    logical_cpus: int
    """Cores the system has."""
    ram_bytes: int
    """RAM of the system; a container's limit is not in it."""
    gpu: tuple[str, ...]
    """Names as nvidia-smi gives them; empty without it."""
    os_family: str
    os_release: str
    """The kernel's version: recorded, not fingerprinted."""
    python: str
    cpu_id: str = ""
    """Generation: vendor, family, model and stepping; on ARM implementer, part, variant and
    revision. Empty: not known, as in early records, so the machine is known by its name only."""
    cpu_features: tuple[str, ...] = ()
    """Instruction sets with kernels of their own, e.g. `avx512_vnni`, `i8mm`."""
    transparent_hugepage: str | None = None
    """`always`, `madvise` or `never`, by which peak memory moves: recorded, not fingerprinted."""
    governors: tuple[str, ...] = ()
    """cpufreq governors in use; empty where the system shows none. Not fingerprinted either."""

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the SHA-256 of what makes timings comparable.

        CPU name, generation and instruction sets, usable cores, RAM in whole GiB, GPUs and OS
        family. Neither the kernel's patch level nor the few MiB by which a kernel changes the RAM
        it reports make a new machine.
        """
        parts = [
            self.cpu_model,
            self.cpu_id,
            " ".join(self.cpu_features),
            str(self.usable_cpus),
            str(round(self.ram_bytes / 2**30)),
            *sorted(self.gpu),
            self.os_family,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def machine() -> Machine:
    """Look at this machine (runs nvidia-smi where there is one)."""
    here = processor()
    return Machine(
        cpu_model=here.name,
        cpu_id=here.identity,
        cpu_features=here.features,
        usable_cpus=usable_cpus(),
        logical_cpus=os.cpu_count() or 1,
        ram_bytes=psutil.virtual_memory().total,
        gpu=_gpus(),
        os_family=platform.system(),
        os_release=platform.release(),
        python=platform.python_version(),
        transparent_hugepage=transparent_hugepage(),
        governors=governors(),
    )


def usable_cpus() -> int:
    """Cores that this process may use: min(affinity, ceil(CPU quota of its control groups))."""
    return cap_cpus(_affinity(), cpu_quota(control_groups("cpu")))


def usable_memory(ram_bytes: int) -> int:
    """Bytes that this process may use: the RAM, cut by the limits of its control groups."""
    limit = memory_limit(control_groups("memory"))
    return ram_bytes if limit is None else min(ram_bytes, limit)


def cap_cpus(affinity: int, quota: float | None) -> int:
    """Cut a number of cores by a quota in CPUs, rounded up: half a core still needs a thread."""
    return affinity if quota is None else max(1, min(affinity, math.ceil(quota)))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> Processor:
    """This machine's processor."""
    found = parse_cpuinfo(optional_text(PROC / "cpuinfo") or "")
    if not found.name and platform.system() == "Darwin":
        found = parse_sysctl(_output(["sysctl", "machdep.cpu", "hw"]))
    # On Windows `platform.processor()` is family, model, stepping and vendor.
    said = platform.processor() if platform.system() == "Windows" else ""
    name = found.name or platform.processor() or platform.machine()
    return replace(found, name=name, identity=found.identity or said)


def _gpus() -> tuple[str, ...]:
    listed = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    return tuple(line.strip() for line in listed.splitlines() if line.strip())


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TOOL_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # no such tool, no driver behind it, or no answer in time
    return done.stdout
