"""Install weighin and what it needs from the lock: `PYTHON tools/install.py [EXTRA,…]`.

Every archive must have a hash that `locks/` names, those that build from source included. The
Python that runs this is the one that is installed into; `locks/README.md` says what is where.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
sys.path.insert(0, str(ROOT))

from evals.fetch.pip_settings import pip_environment  # noqa: E402  # the path comes first

CUDA = ("cuda-", "nvidia-", "triton")
"""Prefixes of packages that only a CUDA build of torch needs."""
NOT_CUDA = ("nvidia-ml-py",)
"""Packages of such a name that torch does not need."""
NO_EXTRAS = {"base", "build", "cuda", "pip", "tools", "torch-cpu"}


def of_cuda(name: str) -> bool:
    """True for a package that only a CUDA build of torch needs."""
    return name.startswith(CUDA) and name not in NOT_CUDA


def extras_known() -> set[str]:
    """Extras that have a lock."""
    return {path.stem for path in LOCKS.glob("*.txt")} - NO_EXTRAS


def pip(*arguments: str, may_fail: bool = False) -> None:
    """Run pip of this environment; a failure ends this process with pip's own code."""
    environment = {
        **pip_environment(os.environ),
        "PIP_BUILD_CONSTRAINT": str(LOCKS / "build.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # llama.cpp's tools for images, which are not needed and take long to compile.
        "CMAKE_ARGS": os.environ.get("CMAKE_ARGS") or "-DLLAVA_BUILD=OFF",
    }
    command = [sys.executable, "-P", "-m", "pip", "install", *arguments]
    done = subprocess.run(command, env=environment, capture_output=may_fail, check=False)
    if done.returncode and not may_fail:
        raise SystemExit(done.returncode)


def locked(*names: str) -> list[str]:
    """Arguments of pip for these locks: nothing but what they list, nothing without a hash."""
    files = [part for name in names for part in ("--requirement", str(LOCKS / f"{name}.txt"))]
    return ["--no-deps", "--require-hashes", *files]


def installed(name: str) -> importlib.metadata.Distribution | None:
    """A distribution of this environment."""
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def install_torch() -> None:
    """The CPU build where one is to be had; any build of the locked release stays."""
    lock = LOCKS / "torch-cpu.txt"
    release = re.search(r"^torch==([^+\s]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    here = installed("torch")
    if here is None or release is None or here.version.partition("+")[0] != release[1]:
        pip(*locked(lock.stem), may_fail=True)


def install_cuda() -> None:
    """The libraries of NVIDIA's that the package index's own build of torch asks for on Linux."""
    torch = installed("torch")
    needed = (torch.requires or []) if torch and sys.platform == "linux" else []
    names = [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0] for one in needed]
    if any(of_cuda(name) and not installed(name) for name in names):
        pip(*locked("cuda"))


def main() -> None:
    """Install pip itself, then the locks of the extras, then the checkout."""
    parser = argparse.ArgumentParser(description="Install weighin from its lock.")
    parser.add_argument("extras", nargs="?", default="", help="separated by commas")
    parser.add_argument("--tools", action="store_true", help="what make lock runs, and only that")
    parser.add_argument("--no-editable", action="store_true", help="copy the checkout's code")
    asked = parser.parse_args()
    extras = [name.strip() for name in asked.extras.split(",") if name.strip()]
    unknown = sorted(set(extras) - extras_known())
    if unknown:
        known = ", ".join(sorted(extras_known()))
        raise SystemExit(f'install: no lock for the extra "{unknown[0]}" (known: {known})')
    pip(*locked("pip"))
    if asked.tools:
        pip(*locked("tools"))
        return
    if "hf" in extras:
        install_torch()
    pip(*locked(*(extras or ["base"])))
    install_cuda()
    pip("--no-deps", *([] if asked.no_editable else ["--editable"]), str(ROOT))


if __name__ == "__main__":
    main()
