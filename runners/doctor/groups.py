"""Checks of control groups: whether a memory limit can be enforced here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from runners.compute.limits import Allowance, Held, limited
from runners.compute.procfs import optional_text
from runners.doctor.check import Check
from runners.sandbox.trial import tried

CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))
CONTAINER_GROUPS = ("docker", "kubepods", "containerd", "lxc", "libpod")
NOT_ENFORCED = "a budget's memory is not enforced here, and verdicts about it say so: "
ADVICE = (
    "run as root, or where systemd delegates: systemd-run --user --scope -p Delegate=yes weighin …"
    " (a shell's own group holds other processes, too); a container needs writable control groups"
)
TRIED_BYTES = 64 * 2**20


def limit_check() -> Check:
    """Check that a memory limit can be set: make a group as for a worker, and remove it."""
    with limited(Allowance(memory_bytes=TRIED_BYTES)) as limit:
        held = limit.held
    return judge_limit(held)


def judge_limit(held: Held) -> Check:
    """Judge what held a trial to its memory."""
    if held.memory is None:
        advice = NOT_ENFORCED + ADVICE
        return Check(name="memory limit", status="limited", found=held.memory_why, advice=advice)
    return Check(name="memory limit", status="ok", found=f"{held.memory}: it can be enforced")


def container_check(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Check:
    """Check for signs that this is a container."""
    signs = [str(path) for path in CONTAINER_FILES if (root / path.relative_to("/")).exists()]
    groups = optional_text(root / "proc" / "1" / "cgroup") or ""
    signs += [f"/proc/1/cgroup names {word}" for word in CONTAINER_GROUPS if word in groups]
    signs += [
        f"${name}" for name in ("container", "KUBERNETES_SERVICE_HOST") if name in environment
    ]
    if not signs:
        return Check(name="container", status="ok", found="no sign of one")
    return Check(name="container", status="ok", found=f"yes ({', '.join(signs)})")


def code_check() -> Check:
    """Try to run a program in the sandbox; only suites that run what a model writes need it."""
    reason = tried().reason
    if not reason:
        return Check(
            name="sandbox for code",
            status="ok",
            found=f"a trial in bubblewrap held (Python {tried().python})",
        )
    return Check(
        name="sandbox for code",
        status="limited",
        found=reason,
        advice="only suites that run code which a model writes need it (--allow-code)",
    )
