"""llama.cpp in this environment, compiled so that it computes: set-up calls this twice.

PYTHON tools/llama.py plan       before pip: print what CMAKE_ARGS should be, and install the wheel
                                 that an earlier set-up had to compile again, if there is one
PYTHON tools/llama.py prove LOG  after pip: compute with it, and compile it in other ways until it
                                 does; LOG: what pip said, and what it says now

The Python that runs this is the environment's. `plan` needs nothing but the standard library.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runners.runtimes.llamacpp.prove import Proof

ROOT = Path(__file__).resolve().parents[1]
TOOLS, LOCKS = ROOT / "tools", ROOT / "locks"
sys.path.insert(0, str(ROOT))

from evals.fetch.pip_settings import pip_environment  # noqa: E402  # the path comes first
from runners.compute.processor import parse_cpuinfo  # noqa: E402
from runners.runtimes.llamacpp import build as llama_build  # noqa: E402
from runners.runtimes.llamacpp.recipes import (  # noqa: E402
    Recipe,
    compiler_version,
    cxx_compiler,
    first_recipe,
    recipes,
)

PACKAGE = "llama-cpp-python"
FAILED = 3


def say(line: str) -> None:
    """A line of its own, also where dots are being printed."""
    sys.stderr.write(f"\nset-up: {line}\n")
    sys.stderr.flush()


def lock() -> str:
    """The lines of the lock that pin it, with their hashes."""
    lines = (LOCKS / "llamacpp.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{PACKAGE}==(?:.*\\\n)*.*\n", lines, re.MULTILINE)
    if found is None:
        raise SystemExit(f"set-up: {LOCKS / 'llamacpp.txt'} does not pin {PACKAGE}")
    return found[0]


def pinned() -> str:
    """The version that is locked."""
    return lock().partition("==")[2].split()[0]


def installed() -> str | None:
    """The version that is installed; None: none is."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def ways_here() -> tuple[tuple[Recipe, ...], Path, llama_build.Kept]:
    """The ways to compile for this machine, from the first that is not known to fail; and where
    that is remembered, and what is.
    """
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.exists() else ""
    here = parse_cpuinfo(text)
    own, flags = os.environ.get("CMAKE_ARGS", "-DLLAVA_BUILD=OFF"), os.environ.get("CXXFLAGS", "")
    ways = recipes(
        here.features, platform.machine(), shlex.split(own), flags, TOOLS / "compile_amx"
    )
    compiler = compiler_version(os.environ)
    folder = llama_build.memory(
        platform.machine(), here.name, here.identity, *here.features, compiler, pinned(), own, flags
    )
    kept = llama_build.recall(folder)
    first = next((way for way in ways if way.name == kept.recipe), None)
    first = first or first_recipe(ways, TOOLS / "tile_probe.cpp", os.environ)
    return ways[ways.index(first) :], folder, kept


def pip(*arguments: str | Path, log: Path | None = None, cmake_args: str = "") -> bool:
    """Run pip of this environment, its output appended to `log`; whether it did its work."""
    environment = {
        **pip_environment(os.environ),
        "PIP_BUILD_CONSTRAINT": str(LOCKS / "build.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "CMAKE_ARGS": cmake_args,
    }
    command = [sys.executable, "-P", "-m", "pip", *arguments]
    with (log or Path(os.devnull)).open("a", encoding="utf-8") as output:
        done = subprocess.run(command, stdout=output, stderr=output, env=environment, check=False)
    return done.returncode == 0


class Compiled:
    """Compiles with pip and tries in a child."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder, self._log = folder, log

    def compile(self, recipe: Recipe) -> Path | None:
        """Make a wheel, without the one that pip has kept, and install it."""
        wheels = self._folder / recipe.name
        wheels.mkdir()
        pins = wheels / "pins.txt"
        pins.write_text(lock(), encoding="utf-8")
        made = pip(
            "wheel", "--no-deps", "--no-cache-dir", "--require-hashes", "--wheel-dir", wheels,
            "--requirement", pins, log=self._log, cmake_args=recipe.cmake_args,
        )  # fmt: skip
        wheel = next(wheels.glob("*.whl"), None)
        if not made or wheel is None or not install(wheel, self._log):
            say(f"that failed; pip's whole output is in {self._log}")
            return None
        return wheel

    def install(self, wheel: Path) -> bool:
        """Put a wheel in place of what is installed."""
        return install(wheel, self._log)

    def prove(self) -> Proof:
        """Compute, and remember it for the first run."""
        from runners.runtimes.llamacpp.proven import build_key, tried

        return tried(build_key())


def install(wheel: Path, log: Path | None) -> bool:
    """Put a wheel in place of what is installed."""
    return pip("install", "--force-reinstall", "--no-deps", "--no-cache-dir", wheel, log=log)


def plan() -> int:
    """Print CMAKE_ARGS for the way to begin with."""
    ways, _, kept = ways_here()
    if installed() is None and kept.wheel is not None and install(kept.wheel, None):
        say(f"took the llama.cpp that was compiled {ways[0].says} before")
    elif ways[0].name not in ("native", "portable"):
        say(f"this compiler and this processor need llama.cpp compiled {ways[0].says}")
    sys.stdout.write(ways[0].cmake_args + "\n")
    return 0


def prove(log: Path) -> int:
    """See that what is installed computes, or end without it."""
    there = installed()
    if there is None:
        return 0
    ways, folder, _ = ways_here()
    if there != pinned() or cxx_compiler(os.environ) is None:  # somebody else's build
        ways = ()
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    fresh = re.search(r"Building wheels? for .*llama[-_]cpp[-_]python", said) is not None
    with tempfile.TemporaryDirectory(prefix="weighin-") as wheels:
        build = Compiled(Path(wheels), log)
        proof = llama_build.until_it_computes(
            ways, ways[0] if fresh and ways else None, build, folder, say
        )
    if proof.verdict == "broken":
        pip("uninstall", "--yes", PACKAGE, log=log)
    line = llama_build.in_the_end(proof, folder)
    if line:
        say(line)
    return FAILED if proof.verdict == "broken" else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["plan"]:
            sys.exit(plan())
        case ["prove", log_path]:
            sys.exit(prove(Path(log_path)))
        case _:
            sys.exit(__doc__)
