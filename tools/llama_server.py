"""llama-server, compiled from the source of llama.cpp that llama-cpp-python carries.

PYTHON tools/llama_server.py [--jobs N] [--program NAME]

The same commit, compiled in the same way, as the runtime `llamacpp` computes with in process. The
program lies in Weighin's cache afterwards, where the runtime `llama-server` finds it. Five minutes
on two cores; interrupted, it goes on where it stopped. `--program llama-perplexity` compiles
another of llama.cpp's programs, which lies beside it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from llama import PACKAGE, lock, pinned, pip, ways_here  # noqa: E402  # the path comes first

from evals.fetch.cache import read_json, write_json  # noqa: E402
from runners.runtimes.llama_server.build import NOTE, PROGRAM, built_folder  # noqa: E402

SOURCE = f"{PACKAGE.replace('-', '_')}-{{}}/vendor/llama.cpp/"
HEAD = f"{PACKAGE.replace('-', '_')}-{{}}/.git/modules/vendor/llama.cpp/HEAD"
OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_APP=OFF", "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF",
)  # fmt: skip
"""One static program, and no web page: building that would ask a hub."""


def main() -> int:
    """Fetch, compile and keep it; nothing where that was done before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--jobs", type=int, default=cores or 1, metavar="N",
                        help="compilers at a time (default: the usable cores)")  # fmt: skip
    parser.add_argument("--program", default=PROGRAM, metavar="NAME",
                        help="which of llama.cpp's programs (default: %(default)s)")  # fmt: skip
    asked = parser.parse_args()
    folder = built_folder(pinned())
    program = folder / asked.program
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "source"
        if not source.is_dir():
            say(f"fetching the source of {PACKAGE} {pinned()} (77 MB)")
            commit = unpack(source)
            write_json(folder / NOTE, {"version": pinned(), "commit": commit})
        commit = read_json(folder / NOTE).get("commit")
        compile_here(source, folder / "work", program.name, commit, asked.jobs)
        (folder / "work" / "bin" / program.name).replace(program)
        for done in (source, folder / "work"):
            shutil.rmtree(done)
    say(f"{program}: {answers(program)}")
    return 0


def unpack(source: Path) -> str:
    """Fetch the locked source distribution and lay llama.cpp out; the commit that it is of."""
    with tempfile.TemporaryDirectory(dir=source.parent) as text:
        folder = Path(text)
        pins = folder / "pins.txt"
        pins.write_text(lock(), encoding="utf-8")
        log = folder / "pip.log"
        fetched = pip(
            "download", "--no-deps", "--no-binary", PACKAGE, "--require-hashes", "--dest", folder,
            "--requirement", pins, log=log,
        )  # fmt: skip
        archive = next(folder.glob("*.tar.gz"), None)
        if not fetched or archive is None:
            tail = log.read_text(encoding="utf-8", errors="replace")[-800:]
            raise SystemExit(f"llama-server: {PACKAGE} {pinned()} cannot be fetched:\n{tail}")
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "laid", members=_llama_cpp(tar), filter="data")
            head = tar.extractfile(HEAD.format(pinned()))
            commit = head.read().decode("ascii").strip() if head else ""
        (folder / "laid").replace(source)
    return commit


def _llama_cpp(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members of llama.cpp's own folder, by their paths within it."""
    prefix = SOURCE.format(pinned())
    for member in tar:
        inside = member.name.removeprefix(prefix)
        if member.name.startswith(prefix) and inside != ".git":
            yield member.replace(name=inside, deep=False)


def compile_here(source: Path, work: Path, program: str, commit: object, jobs: int) -> None:
    """Configure and build one program, by the recipe that the in-process build computes in."""
    ways, _, _ = ways_here()
    own = [option for option in ways[0].cmake if "LLAVA" not in option]
    named = [f"-DLLAMA_BUILD_COMMIT={str(commit)[:7]}", "-DLLAMA_BUILD_NUMBER=0"]
    for command in (
        ["cmake", "-S", source, "-B", work, *OPTIONS, *named, *own],
        ["cmake", "--build", work, "--target", program, "--parallel", str(jobs)],
    ):
        say(shlex.join(map(str, command)))
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(
                "llama-server: cmake failed, see above; the same command goes on from there"
            )


def answers(program: Path) -> str:
    """Its own line about its version.

    Raises:
        SystemExit: it does not start.
    """
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"llama-server: {program} does not start: {done.stderr.strip()[-300:]}")
    return (done.stderr + done.stdout).strip().partition("\n")[0]


def say(line: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"llama-server: {line}\n")


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    sys.exit(main())
