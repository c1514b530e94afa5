"""A sandbox of Modal as a rented machine.

Tried against a stand-in of Modal's client and of its control plane, never on Modal: whether its
sandboxes show a high-water mark, and how steady their timings are, is not known. Its CPUs are
physical cores, and a request unless a limit is given; containers may be preempted.
"""

from __future__ import annotations

import io
import math
import os
import tarfile
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from evals.errors import RuntimeFailure
from runners.executors.ended import first_line, kind_and_line
from runners.executors.rented import MAX_FETCHED_BYTES, LentError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

APP = "weighin"
HOME = "/root/weighin"
MIB = 1 << 20
MARGIN_S = 300
"""Added to a block's time for the machine itself, since a sandbox ends with all that it holds."""
BUILD = {"CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON"}
"""llama.cpp for any x86-64 processor of the last ten years: what builds an image is not what runs
it, and containers come on several kinds."""
RUNTIME = "WEIGHIN_MODAL_RUNTIME"
"""Environment variable: gvisor (Modal's default) or vm."""


class ModalMachine:
    """A sandbox from its creation until it is terminated."""

    name = "modal"
    python = "python"

    def __init__(self, modal: Any, sandbox: Any) -> None:
        """Take a sandbox that runs."""
        self._modal = modal
        self._sandbox = sandbox

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Write the files through the sandbox's own file system."""
        with _lent(self._modal):
            for name, content in files.items():
                path = str(PurePosixPath(HOME) / name)
                self._sandbox.filesystem.write_bytes(content, path)

    def run(self, command: Sequence[str], limits: Limits, say: Callable[[str], object]) -> int:
        """Run the command; stderr goes where stdout goes, as it comes."""
        with _lent(self._modal):
            shell = ["sh", "-c", 'exec "$@" 2>&1', "sh", *command]
            process = self._sandbox.exec(*shell, workdir=HOME, timeout=math.ceil(limits.timeout_s))
            for line in process.stdout:
                say(str(line).rstrip("\n").rpartition("\r")[2])
            code: int = process.wait()
        return code

    def fetch(self, folder: str) -> dict[str, bytes]:
        """Bring the folder as one archive."""
        with _lent(self._modal):
            pack = ["sh", "-c", 'test ! -d "$1" || tar -C "$1" -cf - .', "sh", folder]
            process = self._sandbox.exec(*pack, workdir=HOME, text=False)
            content = process.stdout.read()
            if process.wait() != 0:
                raise LentError(f"modal: {folder} cannot be packed")
        return dict(unpacked(content)) if content else {}


def unpacked(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Regular files of a tar, by relative path.

    Raises:
        LentError: it is damaged, or too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            total = 0
            for member in packed:
                total += member.size
                if total > MAX_FETCHED_BYTES:
                    raise LentError(f"more than {MAX_FETCHED_BYTES:,} bytes came back")
                file = packed.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield str(PurePosixPath(member.name)), file.read()
    except tarfile.TarError as error:
        raise LentError(f"the archive that came back is damaged ({error})") from error


@contextmanager
def lend(limits: Limits) -> Iterator[ModalMachine]:
    """A sandbox with the cores and memory of the limits, both requested and limited.

    Raises:
        RuntimeFailure: Modal's client is not installed, or nobody is logged in.
        LentError: Modal refuses.
    """
    modal = _modal()
    with _lent(modal):
        app = modal.App.lookup(APP, create_if_missing=True)
        sandbox = modal.Sandbox.create(app=app, image=image(modal), **request(limits))
    try:
        yield ModalMachine(modal, sandbox)
    finally:
        sandbox.terminate()


def request(limits: Limits) -> dict[str, Any]:
    """What is asked of Modal: as much as the limits say, and no more."""
    asked: dict[str, Any] = {
        "timeout": math.ceil(limits.timeout_s) + MARGIN_S,
        "workdir": HOME,
    }
    if limits.cpus is not None:
        asked["cpu"] = (limits.cpus, limits.cpus)
    if limits.memory_bytes is not None:
        asked["memory"] = (limits.memory_bytes // MIB, limits.memory_bytes // MIB)
    if os.environ.get(RUNTIME):
        asked["runtime"] = os.environ[RUNTIME]
    return asked


def image(modal: Any) -> Any:
    """A slim Python with this version of Weighin and llama.cpp."""
    built = modal.Image.debian_slim("3.11").apt_install("g++", "cmake").env(BUILD)
    built = built.pip_install(f"weighin[llamacpp]=={version('weighin')}")
    return built.run_commands(f"mkdir -p {HOME}")


def _modal() -> Any:
    try:
        import modal
    except ImportError as error:
        raise RuntimeFailure(
            "--on modal: Modal's client is not installed; pip install 'weighin[modal]'"
        ) from error
    return modal


@contextmanager
def _lent(modal: Any) -> Iterator[None]:
    """Modal's exceptions as ours: no log-in is the user's to mend, the rest is the lender's."""
    try:
        yield
    except modal.exception.AuthError as error:
        raise RuntimeFailure(
            f"--on modal: nobody is logged in ({first_line(error)}); run: modal token new"
        ) from error
    except modal.exception.Error as error:
        raise LentError(f"modal: {kind_and_line(error)}") from error
