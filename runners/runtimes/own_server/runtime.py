"""Runtime `own-server`: a model behind whatever server the candidate's file starts."""

from __future__ import annotations

from pathlib import PurePath

from runners.endpoint.served_model import DEFAULT_CONTEXT
from runners.endpoint.started_runtime import Launch, StartedRuntime
from runners.worker import protocol

VERSION = ""
"""The server's own stands in the record."""
BUILD = ""


class OwnServer(StartedRuntime):
    """A server by the command that starts it."""

    def launch(self, message: protocol.Load, users: int = 1) -> Launch:
        """The candidate's command; where it says `{users}`, another for each number of them."""
        settings = message.settings
        first, *rest = settings["serve"]
        return Launch(
            name=PurePath(first).name,
            program=message.program,
            arguments=rest,
            places={
                "context": str(settings["context"] or DEFAULT_CONTEXT),
                "threads": str(settings["threads"]),
                "users": str(users),
            },
            environment=settings["environment"],
            model=settings["model"],
            request=settings["request"],
        )
