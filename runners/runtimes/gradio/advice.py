"""Which Python of this machine could run a Gradio app, for people who ask before they have one."""

from __future__ import annotations

import os
import subprocess
import sys

from runners.runtimes.packages import installed

ASK_S = 20.0
_VERSION = "from importlib.metadata import version; print(version('gradio'))"


def gradio_here() -> str:
    """Gradio of the active environment, or of Weighin's own, in words."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active and (its := _version_of(f"{active}/bin/python")):
        return f"gradio {its} of {active}"
    if ours := installed("gradio"):
        return f"gradio {ours} of {sys.executable}"
    return "no Gradio here, and none is needed: an app runs in the .venv beside it, with its own"


def _version_of(python: str) -> str:
    try:
        done = subprocess.run(
            [python, "-c", _VERSION], capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()[:40] if done.returncode == 0 else ""
