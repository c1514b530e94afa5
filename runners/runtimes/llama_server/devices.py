"""The devices that a llama-server lists, read from what its `--list-devices` prints."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from runners.worker.offload import Device
from runners.worker.runtime import WorkerError

FLAG = "--list-devices"
ANSWER_S = 60.0
_LINE = re.compile(r"^ +([A-Za-z][\w.:-]*): (.*) \((\d+) MiB, \d+ MiB free\)$", re.MULTILINE)
_NOT_GPUS = ("BLAS", "RPC", "ACCEL")
"""Beginnings of names that the list has, too, and that hold no layers on a GPU."""


def listed_devices(said: str) -> list[Device]:
    """The GPUs of a list such as `  CUDA0: NVIDIA RTX A2000 (11909 MiB, 11000 MiB free)`."""
    return [
        Device(
            name=name,
            description=description.strip(),
            backend=name.rstrip("0123456789"),
            total_bytes=int(mib) * 2**20 or None,
        )
        for name, description, mib in _LINE.findall(said)
        if not name.startswith(_NOT_GPUS)
    ]


def ask_devices(command: Sequence[str]) -> list[Device]:
    """The GPUs that a llama-server can compute on.

    Args:
        command: that starts it, without arguments.

    Raises:
        WorkerError: it cannot be asked.
    """
    try:
        done = subprocess.run(
            [*command, FLAG], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WorkerError(f"{command[0]} cannot be asked for its devices: {error}") from error
    if done.returncode:
        raise WorkerError(f"{command[0]} cannot list its devices: it has no {FLAG}, or fails")
    return listed_devices(done.stdout)
