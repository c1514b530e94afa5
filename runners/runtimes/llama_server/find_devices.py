"""Ask this machine's llama-server for its GPUs."""

from __future__ import annotations

import sys

from evals.errors import RuntimeFailure
from runners.runtimes.llama_server.devices import NAME, ask_devices
from runners.runtimes.llama_server.program import find_program
from runners.worker.offload import Device
from runners.worker.runtime import WorkerError


def find_devices() -> tuple[Device, ...]:
    """The GPUs that the llama-server of this machine can compute on.

    Raises:
        RuntimeFailure: there is no server, it cannot be asked, or its driver refuses.
    """
    command = find_program().command
    if command[0] == sys.executable:  # the wheel's server, which is compiled for processors alone
        return ()
    try:
        found, why = ask_devices(command)
    except WorkerError as error:
        raise RuntimeFailure(str(error)) from error
    if why:
        raise RuntimeFailure(f"{NAME} finds no GPU: {why}")
    return tuple(found)
