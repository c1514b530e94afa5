"""Ask a library for its GPUs in a process of its own, which a driver may take memory of or end."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from evals.errors import RuntimeFailure
from runners.worker import wire
from runners.worker.child_environment import child_environment
from runners.worker.last_words import driver_refusal, last_words
from runners.worker.offload import Device

ANSWER_S = 60.0
"""A driver that starts takes seconds; a wedged one never answers."""


@cache
def listed_by(module: str, *, library: str) -> tuple[Device, ...]:
    """The GPUs that a module prints as JSON when it is run as a program.

    Args:
        module: its name.
        library: what it cannot be imported without.

    Returns:
        None of them where the library is not installed.

    Raises:
        RuntimeFailure: it ends or hangs when it is asked, or finds none since a driver refuses.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            env=child_environment(),
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RuntimeFailure(f"{library} cannot be asked for its devices: {error}") from error
    said = done.stderr.decode("utf-8", "replace")
    if f"No module named '{library}'" in said:
        return ()
    try:
        found = tuple(wire.rebuilt(Device, one) for one in json.loads(done.stdout))
    except (ValueError, TypeError, wire.WireError) as error:
        why = last_words(said) or f"exit code {done.returncode}"
        raise RuntimeFailure(f"{library} cannot be asked for its devices: {why}") from error
    if not found and (refused := driver_refusal(said)):
        raise RuntimeFailure(f"{library} finds no GPU: {refused}")
    return found
