"""Commands x what becomes of their streams, each in a fork of this one warm process.

    python streams_table.py FOLDER      # prints {command: {stream: exit code}} as JSON

A process of its own for each cell would take half a second; a fork takes a hundredth.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from runners import cli

Prepare = Callable[[], None]


def close(descriptor: int) -> None:
    """As `>&-` does before Python starts, which then has no such stream."""
    os.close(descriptor)
    name = {1: "stdout", 2: "stderr"}[descriptor]
    setattr(sys, name, None)
    setattr(sys, f"__{name}__", None)


def gone(descriptor: int) -> None:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, descriptor)


def full(descriptor: int) -> None:
    """A disk without room."""
    os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)


STREAMS: dict[str, Prepare] = {
    "as usual": lambda: None,
    "stdout closed": lambda: close(1),
    "stderr closed": lambda: close(2),
    "stdout unread": lambda: gone(1),
    "stderr unread": lambda: gone(2),
    "stdout full": lambda: full(1),
    "stderr full": lambda: full(2),
}


def ended(args: Sequence[str], prepare: Prepare) -> int:
    """The exit code of `weighin ARGS` in a fork whose streams were prepared."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    prepare()
    sys.argv = ["weighin", *args]
    code: object = 1  # what Python ends with where an error gets here
    try:
        cli.main()
    except SystemExit as end:
        code = end.code or 0
        try:  # Python does so as it ends, and says 120 where it cannot
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except OSError:
            code = 120
    finally:
        os._exit(code if isinstance(code, int) else 1)


def main() -> None:
    """Measure once, then fill the table."""
    os.chdir(sys.argv[1])
    commands: dict[str, list[str]] = json.loads(Path("commands.json").read_text(encoding="utf-8"))
    for name in commands.pop("imports"):
        importlib.import_module(name)
    ended(commands.pop("first"), STREAMS["as usual"])
    table = {
        name: {how: ended(args, prepare) for how, prepare in STREAMS.items()}
        for name, args in commands.items()
    }
    sys.stdout.write(json.dumps(table))


if __name__ == "__main__":
    main()
