"""Hold a worker to a memory limit and a number of CPUs.

In order: control groups v2, else v1, whichever has the controller; else cores alone (affinity), and
memory is not enforced. `RLIMIT_AS` is no memory limit: it counts address space, mapped weights too.

Each worker has a group of its own, made before the worker starts and removed when it has ended.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runners.compute.cgroup import ControlGroup
from runners.compute.groups import Controller, Made, limit_cpus, limit_memory, make_group

_JOIN = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1" || exit 125; shift; n=$((n-1)); done; '
    'exec "$@"'
)
"""Joins groups, then becomes the worker: nothing of the worker runs outside of them. A function
between fork and exec would do so too, but is not safe in a parent that has threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Memory and CPUs that a worker may use; None: as much as there is."""

    memory_bytes: int | None = None
    cpus: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Mechanisms that hold a worker to its allowance."""

    memory: str | None = None
    """`cgroup v1` or `cgroup v2`; None: by nothing."""
    memory_why: str = ""
    """Why by nothing; empty where no limit was asked for."""
    cpus: str | None = None
    """`cgroup v1`, `cgroup v2`, `affinity`, or `the machine has no more`; None: by nothing."""
    cpus_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Limits in force for one worker, while `limited` lasts."""

    held: Held
    memory: ControlGroup | None = None
    """The group whose counters say how the worker fared."""
    groups: tuple[Path, ...] = ()
    cores: frozenset[int] = frozenset()
    """The cores that it may use, where no group could limit its CPUs; empty: all."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command that starts the worker inside its groups."""
        joined = [str(group / "cgroup.procs") for group in self.groups]
        if not joined:
            return list(argv)
        return ["/bin/sh", "-c", _JOIN, "weighin", str(len(joined)), *joined, *argv]

    @contextmanager
    def affinity(self) -> Iterator[None]:
        """A process started in here by this thread may use `cores` alone, from its first moment."""
        if not self.cores or not hasattr(os, "sched_setaffinity"):
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


@contextmanager
def limited(allowance: Allowance) -> Iterator[Limit]:
    """Make what holds a worker to its allowance, and remove it afterwards.

    Whatever is still in the groups then is killed.
    """
    with ExitStack() as undo:
        wanted: list[Controller] = []
        if allowance.memory_bytes is not None:
            wanted.append("memory")
        # A quota for all cores limits nothing, and its bookkeeping may stop a thread for a moment.
        plenty = allowance.cpus is not None and allowance.cpus >= _cores()
        if allowance.cpus is not None and not plenty:
            wanted.append("cpu")
        made = Made()
        for controller in wanted:
            make_group(controller, made, undo)
        limit_memory(made, allowance.memory_bytes)
        limit_cpus(made, allowance.cpus)
        yield _in_force(allowance, made, plenty=plenty)


def _in_force(allowance: Allowance, made: Made, *, plenty: bool) -> Limit:
    memory, cpu = made.groups.get("memory"), made.groups.get("cpu")
    cores: frozenset[int] = frozenset()
    by_cpus, cpus_why = f"cgroup v{cpu.version}" if cpu else None, made.why.get("cpu", "")
    if plenty:
        by_cpus = "the machine has no more"
    elif cpu is None and allowance.cpus is not None and hasattr(os, "sched_setaffinity"):
        whole = math.ceil(allowance.cpus)
        cores, by_cpus = frozenset(sorted(os.sched_getaffinity(0))[:whole]), "affinity"
    return Limit(
        held=Held(
            memory=f"cgroup v{memory.version}" if memory else None,
            memory_why=made.why.get("memory", ""),
            cpus=by_cpus,
            cpus_why=cpus_why,
        ),
        memory=memory,
        groups=tuple(dict.fromkeys(group.path for group in made.groups.values())),
        cores=cores,
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
