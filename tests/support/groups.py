"""Tests that need control groups, and what of theirs stayed behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runners.compute.limits import Allowance, limited


def why_not(allowance: Allowance) -> str:
    if sys.platform != "linux":
        return "control groups are Linux's"
    with limited(allowance) as limit:
        return limit.held.memory_why or limit.held.cpus_why


WHY_NOT = why_not(Allowance(memory_bytes=2**26))
needs_groups = pytest.mark.skipif(bool(WHY_NOT), reason=f"memory cannot be limited: {WHY_NOT}")


def ours() -> list[Path]:
    """Groups that a test of this process left behind."""
    return [
        path
        for mount in Path("/sys/fs/cgroup").glob("*")
        for path in mount.rglob(f"weighin-{os.getpid()}-*")
    ]
