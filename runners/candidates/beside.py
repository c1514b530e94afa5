"""Run a module of ours that makes weights, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from runners.worker.child_environment import child_environment


def run_beside(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module to its end, whatever that is; only its stderr is kept.

    A folder of the module's package name in the working directory is not imported.
    """
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=child_environment(),
        check=False,
    )
