"""Runtime `llama-server`: GGUF weights behind llama.cpp's own server, which Weighin starts."""

from __future__ import annotations

import os
import subprocess

from runners.endpoint.started_runtime import Launch, StartedRuntime
from runners.runtimes.llama_server.command import CLEARED, arguments
from runners.worker import protocol
from runners.worker.runtime import WorkerError

VERSION = ""
"""The program's own stands in the record."""
BUILD = ""
HELP_S = 30.0


class LlamaServer(StartedRuntime):
    """One GGUF model behind a server of one slot, or of one for each user."""

    def launch(self, message: protocol.Load, users: int = 1) -> Launch:
        """The shipped command, in the flags that this build knows."""
        try:
            known = subprocess.run(
                [*message.program, "--help"],
                capture_output=True, text=True, check=False, timeout=HELP_S,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise WorkerError(f"{message.program[0]} does not start: {error}") from error
        return Launch(
            name="llama-server",
            program=message.program,
            arguments=arguments(
                message.settings,
                known.stdout + known.stderr,
                repacks=message.extra_buffers,
                users=users,
            ),
            environment=dict.fromkeys(name for name in os.environ if name.startswith(CLEARED)),
        )
