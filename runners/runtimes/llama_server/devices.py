"""The devices that a llama-server lists, read from what its `--list-devices` prints."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from runners.worker.last_words import driver_refusal, last_words
from runners.worker.offload import Device
from runners.worker.runtime import WorkerError

NAME = "llama-server"
FLAG = "--list-devices"
ANSWER_S = 60.0
_LINE = re.compile(r"^ +([A-Za-z][\w.:-]*): (.*) \((\d+) MiB, \d+ MiB free\)$", re.MULTILINE)
_SHARES = re.compile(r"^ggml_vulkan: (\d+) = .*\| uma: 1\b", re.MULTILINE)
"""Numbers of Vulkan's devices that share the host's memory; of other interfaces nothing says so."""
_NOT_GPUS = ("BLAS", "RPC", "ACCEL")
"""Beginnings of names that the list has, too, and that hold no layers on a GPU."""


def listed_devices(said: str, beside: str = "") -> list[Device]:
    """The GPUs of a list such as `  CUDA0: NVIDIA RTX A2000 (11909 MiB, 11000 MiB free)`.

    Args:
        said: the list.
        beside: what else the build says of its devices, on stderr.
    """
    shares = {f"Vulkan{number}" for number in _SHARES.findall(f"{said}\n{beside}")}
    return [
        Device(
            name=name,
            description=description.strip(),
            backend=name.rstrip("0123456789"),
            integrated=name in shares,
            total_bytes=int(mib) * 2**20 or None,
        )
        for name, description, mib in _LINE.findall(said)
        if not name.startswith(_NOT_GPUS)
    ]


def ask_devices(command: Sequence[str]) -> tuple[list[Device], str]:
    """The GPUs that a llama-server can compute on, and why a driver gives it none.

    Args:
        command: that starts it outside any limit, without arguments.

    Raises:
        WorkerError: it cannot be asked.
    """
    try:
        done = subprocess.run(
            [*command, FLAG], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WorkerError(f"{NAME} cannot be asked for its devices: {error}") from error
    if done.returncode:
        why = last_words(done.stderr)
        raise WorkerError(f"{NAME} cannot list its devices: {why or f'it has no {FLAG}, or fails'}")
    found = listed_devices(done.stdout, done.stderr)
    return found, "" if found else driver_refusal(done.stderr)
