"""A small run of tools/fail_every_call.py: every fault of every command is for `make faults`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(sys.platform != "linux", reason="faults are injected by forks and /proc")
def test_no_fault_of_baseline_set_loses_anything() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "fail_every_call.py"), "--only", "baseline set",
         "--every", "5"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 wrong\n")
