"""The machine that a job ran on, and a fingerprint that keeps unlike machines apart."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import re
import subprocess
from dataclasses import dataclass

import psutil

from runners.measure.cgroup import control_groups, cpu_quota, memory_limit
from runners.measure.linux import PROC, optional_text

_TOOL_TIMEOUT_S = 5.0
"""nvidia-smi and sysctl answer in well under a second; a wedged driver never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What of the machine bears on a measurement."""

    cpu_model: str
    usable_cpus: int
    """Cores this process may use: the affinity, cut by a CPU quota."""
    logical_cpus: int
    """Cores the system has."""
    ram_bytes: int
    """Of the system; a container's limit is not in it."""
    gpu: tuple[str, ...]
    """Names as nvidia-smi gives them; empty without it."""
    os_family: str
    os_release: str
    """The kernel's version: recorded, not fingerprinted."""
    python: str

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the SHA-256 of what makes timings comparable.

        CPU model, usable cores, RAM in whole GiB, GPUs and OS family. Neither the kernel's patch
        level nor the few MiB by which a kernel changes the RAM it reports make a new machine.
        """
        parts = [
            self.cpu_model,
            str(self.usable_cpus),
            str(round(self.ram_bytes / 2**30)),
            *sorted(self.gpu),
            self.os_family,
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def machine() -> Machine:
    """Look at this machine (runs nvidia-smi where there is one)."""
    return Machine(
        cpu_model=_cpu_model(),
        usable_cpus=usable_cpus(),
        logical_cpus=os.cpu_count() or 1,
        ram_bytes=psutil.virtual_memory().total,
        gpu=_gpus(),
        os_family=platform.system(),
        os_release=platform.release(),
        python=platform.python_version(),
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


def parse_cpu_model(cpuinfo: str) -> str | None:
    """The processor's name in /proc/cpuinfo.

    Returns:
        `model name` on x86; on ARM, which has none, implementer and part; None where neither is.
    """
    fields = dict(re.findall(r"^([\w ]+?)\s*:[ \t]*(\S.*)$", cpuinfo, re.MULTILINE))
    if "model name" in fields:
        return " ".join(fields["model name"].split())
    if "CPU implementer" in fields and "CPU part" in fields:
        return f"ARM implementer {fields['CPU implementer']} part {fields['CPU part']}"
    return None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    named = parse_cpu_model(optional_text(PROC / "cpuinfo") or "")
    if named is None and platform.system() == "Darwin":
        named = _output(["sysctl", "-n", "machdep.cpu.brand_string"]).strip()
    return named or platform.processor() or platform.machine()


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
