"""Runtime `llama-server`: GGUF weights behind llama.cpp's own server, which Weighin starts."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from runners.endpoint.started_runtime import Launch, StartedRuntime
from runners.engine.llama_log import offloaded, own_bytes, used_devices
from runners.runtimes.llama_server.command import CLEARED, arguments, knows_devices
from runners.runtimes.llama_server.devices import NAME, ask_devices
from runners.worker import protocol
from runners.worker.runtime import WorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.worker.offload import Device

VERSION = ""
"""The program's own stands in the record."""
BUILD = ""
HELP_S = 30.0


class LlamaServer(StartedRuntime):
    """One GGUF model behind a server of one slot, or of one for each user."""

    def __init__(self) -> None:
        super().__init__()
        self._devices: list[Device] = []

    def launch(self, message: protocol.Load, users: int = 1) -> Launch:
        """The shipped command, in the flags that this build knows.

        The build is asked outside the job's limit, which is there for the model.
        """
        bare = message.unlimited or message.program
        help_text = _help(bare)
        found, _ = ask_devices(bare) if knows_devices(help_text) else ([], "")
        asked = message.settings["device"]
        self._devices = [one for one in found if asked in ("auto", one.name)]
        return Launch(
            name=NAME,
            program=message.program,
            arguments=arguments(
                message.settings,
                help_text,
                repacks=message.extra_buffers,
                users=users,
                has_devices=bool(found),
            ),
            environment=dict.fromkeys(name for name in os.environ if name.startswith(CLEARED)),
        )

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Start the server; what its log says of layers on devices goes into the answer."""
        loaded = super().load(message)
        if not message.settings["gpu_layers"]:
            return loaded
        lines = self.output().splitlines()
        self._devices = used_devices(lines, self._devices)
        return replace(loaded, offloaded=offloaded(lines, self._devices))

    def device_memory(self) -> dict[str, int]:
        """Bytes of the server's buffers on devices, which it makes before it answers."""
        return own_bytes(self.output().splitlines(), self._devices)


def _help(command: Sequence[str]) -> str:
    """What a llama-server's `--help` prints.

    Raises:
        WorkerError: it does not start.
    """
    try:
        known = subprocess.run(
            [*command, "--help"], capture_output=True, text=True, check=False, timeout=HELP_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WorkerError(f"{NAME} does not start: {error}") from error
    return known.stdout + known.stderr
