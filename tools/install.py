"""Install weighin and what it needs from the lock: PYTHON tools/install.py [EXTRA,…]

Every archive must have a hash that `locks/` names, those that build from source included. The
Python that runs this is the one that is installed into; `locks/README.md` says what is where.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
sys.path.insert(0, str(ROOT))

from evals.pip_settings import pip_environment  # noqa: E402  # the path comes first

CUDA = ("cuda-", "nvidia-", "triton")
"""What only a CUDA build of torch asks for begins with one of these."""
NO_EXTRAS = {"base", "build", "cuda", "pip", "tools", "torch-cpu"}


def extras_known() -> set[str]:
    """Extras that have a lock."""
    return {path.stem for path in LOCKS.glob("*.txt")} - NO_EXTRAS


def pip(*arguments: str, may_fail: bool = False) -> None:
    """Run pip of this environment; a failure ends this process with pip's own code."""
    environment = {
        **pip_environment(os.environ),
        "PIP_BUILD_CONSTRAINT": str(LOCKS / "build.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    command = [sys.executable, "-P", "-m", "pip", "install", *arguments]
    done = subprocess.run(command, env=environment, capture_output=may_fail, check=False)
    if done.returncode and not may_fail:
        raise SystemExit(done.returncode)


def locked(*names: str) -> list[str]:
    """pip's arguments for these locks: nothing but what they list, nothing without a hash."""
    files = [part for name in names for part in ("--requirement", str(LOCKS / f"{name}.txt"))]
    return ["--no-deps", "--require-hashes", *files]


def torch_needs() -> list[str] | None:
    """What the torch that is installed asks for; None: there is none."""
    try:
        return importlib.metadata.requires("torch") or []
    except importlib.metadata.PackageNotFoundError:
        return None


def install_torch() -> None:
    """The CPU build where one is to be had; a torch that is there stays if its version fits."""
    if sys.platform == "linux" and torch_needs() is None:
        pip(*locked("torch-cpu"), may_fail=True)


def install_cuda() -> None:
    """The libraries of NVIDIA's that the package index's own build of torch asks for on Linux."""
    if any(one.startswith(CUDA) for one in torch_needs() or []):
        pip(*locked("cuda"))


def main() -> None:
    """Install pip itself, then the locks of the extras, then the checkout."""
    parser = argparse.ArgumentParser(description="Install weighin from its lock.")
    parser.add_argument("extras", nargs="?", default="", help="separated by commas")
    parser.add_argument("--no-editable", action="store_true", help="copy the checkout's code")
    asked = parser.parse_args()
    extras = [name.strip() for name in asked.extras.split(",") if name.strip()]
    unknown = sorted(set(extras) - extras_known())
    if unknown:
        known = ", ".join(sorted(extras_known()))
        raise SystemExit(f'install: no lock for the extra "{unknown[0]}" (known: {known})')
    pip(*locked("pip"))
    if "hf" in extras:
        install_torch()
    pip(*locked(*(extras or ["base"])))
    install_cuda()
    pip("--no-deps", *([] if asked.no_editable else ["--editable"]), str(ROOT))


if __name__ == "__main__":
    main()
