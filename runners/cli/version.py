"""`weighin --version`: the version, and what exactly is installed."""

from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAMP = ROOT / "runners" / "build.json"
"""Written when a wheel is built (tools/stamp_build.py)."""
ALSO = {"lm_eval": "lm-eval", "llama_cpp_python": "llama.cpp", "torch": "torch"}
SHORT = 12


def version_text() -> str:
    """A line: version, build, Python, and the versions that a measurement rests on.

    `weighin 0.1.0 (checkout 1a2b3c4d5e6f, Python 3.11.7, lm-eval 0.4.13, llama.cpp 0.3.36)`.
    """
    parts = [_build(), f"Python {platform.python_version()}"]
    for name, said in ALSO.items():
        try:
            parts.append(f"{said} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"weighin {version('weighin')} ({', '.join(parts)})"


def _build() -> str:
    try:
        commit = json.loads(STAMP.read_text(encoding="utf-8"))["commit"]
    except (OSError, ValueError, KeyError):
        commit = None
        if (ROOT / ".git").exists():
            return f"checkout {_head(ROOT) or 'of an unknown commit'}"
    return f"wheel of {commit}" if commit else "wheel of an unknown commit"


def _head(root: Path) -> str | None:
    """The commit of a checkout, read without git: it may not be installed."""
    git = root / ".git"
    try:
        if git.is_file():  # a worktree
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head[:SHORT]
        ref = head.removeprefix("ref: ")
        common = git / "commondir"
        base = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        loose = base / ref
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()[:SHORT]
        packed = (base / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line[:SHORT] for line in packed if line.endswith(f" {ref}")), None)
    except (OSError, UnicodeDecodeError):
        return None
