"""A machine that is rented for a block: four verbs, whoever lends it.

Upload files, run a command with limits and stream what it says, fetch a folder, give it back.
`LocalMachine` is the stand-in on this machine: tests and `--on subprocess` use it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Self

MAX_FETCHED_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a command on a rented machine; None: the machine's own."""

    timeout_s: float
    cpus: float | None = None
    memory_bytes: int | None = None


class RentedMachine(Protocol):
    """A machine from being lent until it is given back; a context manager gives it back."""

    name: str
    """Name of its lender."""
    python: str
    """The Python there that has Weighin."""

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Put files into its working folder, by relative path.

        Raises:
            LentError: it cannot.
        """
        ...

    def run(self, command: Sequence[str], limits: Limits, say: Callable[[str], object]) -> int:
        """Run a command in the working folder and pass its lines on; its exit code.

        Raises:
            LentError: the machine is gone, or the time is over.
        """
        ...

    def fetch(self, folder: str) -> dict[str, bytes]:
        """Files below a folder of the working folder, by relative path; none where it is missing.

        Raises:
            LentError: the machine is gone, or they are too large.
        """
        ...


class LentError(Exception):
    """The machine or its lender failed: no failure of what ran on it."""


Lend = Callable[[], AbstractContextManager[RentedMachine]]
"""Lends one machine."""


class LocalMachine:
    """A folder and processes of this machine, in the place of a rented one."""

    name = "subprocess"
    python = sys.executable

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="weighin-rented-"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Write the files below the folder."""
        for name, content in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def run(self, command: Sequence[str], limits: Limits, say: Callable[[str], object]) -> int:
        """Run the command as a child; its CPUs and memory are this machine's."""
        with subprocess.Popen(
            command, cwd=self._folder, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            over = threading.Timer(limits.timeout_s, process.kill)
            over.start()
            try:
                for line in process.stdout or ():
                    say(line.rstrip("\n").rpartition("\r")[2])
                code = process.wait()
            finally:
                alive = over.is_alive()
                over.cancel()
                process.kill()
        if not alive:
            raise LentError(f"the command took longer than {limits.timeout_s:.0f} s")
        return code

    def fetch(self, folder: str) -> dict[str, bytes]:
        """Read the files."""
        return dict(_files(self._folder / folder))


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            total += path.stat().st_size
            if total > MAX_FETCHED_BYTES:
                raise LentError(f"{root}: has more than {MAX_FETCHED_BYTES:,} bytes")
            yield path.relative_to(root).as_posix(), path.read_bytes()
