"""Runtime `own-server` as the parent knows it: a server that a candidate says how to start."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from evals.errors import RuntimeFailure
from evals.fetch.cache import remembered_sha256, user_path
from evals.spec_file import PRINTABLE
from runners.runtimes.spec import OF_SERVERS, Program, RuntimeSpec, Settings

Word = Annotated[str, Field(max_length=4096)]


class OwnServerSettings(Settings):
    """Settings of the runtime `server`."""

    serve: Annotated[tuple[Word, ...], Field(min_length=1, max_length=256)]
    """Command that starts it and stays in the foreground, a word an entry. `{port}`, `{weights}`,
    `{context}`, `{threads}` and `{users}` (1, or one of --users) stand for what Weighin fills
    in."""
    environment: Annotated[dict[str, Word], Field(max_length=64)] = Field(default_factory=dict)
    """Variables that it is given beside the user's, with the same places."""
    model: Annotated[str, Field(max_length=200, pattern=f"{PRINTABLE}|^$")] = ""
    """Name of the model there, which may have a place, too; default: the only one."""
    request: dict[str, Any] = Field(default_factory=dict)
    """Keys that each request carries besides."""

    @property
    def runs_code(self) -> str:
        """The command that the candidate's file has started."""
        return f"serve starts the program {self.serve[0]}"

    @model_validator(mode="after")
    def _has_a_port(self) -> OwnServerSettings:
        if not any("{port}" in word for word in (*self.serve, *self.environment.values())):
            raise ValueError(
                'serve must say {port}, e.g. [my-server, --port, "{port}"]: Weighin chooses one '
                "that is free"
            )
        return self


def find_program(settings: OwnServerSettings) -> Program:
    """The program that the command begins with, and its hash.

    Raises:
        RuntimeFailure: it is not on this machine.
    """
    name = settings.serve[0]
    path = shutil.which(str(user_path(name)))
    if path is None:
        raise RuntimeFailure(f'serve begins with "{name}", which is no program on the PATH')
    return Program(command=(path,), build=(remembered_sha256(Path(path).resolve()),))


SPEC = RuntimeSpec(
    name="own-server",
    code="runners.runtimes.own_server.runtime:OwnServer",
    settings=OwnServerSettings,
    weights="optional",
    formats=("gguf", "folder"),
    can=OF_SERVERS,
    packages=(),
    find_program=find_program,
)
