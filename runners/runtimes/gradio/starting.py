"""Start an app's file in an interpreter that has Gradio. Standard library alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from runners.endpoint.listening import free_port
from runners.endpoint.started import StartedServer
from runners.worker.runtime import WorkerError

HOST = "127.0.0.1"
LOOK_S = 60.0
"""Longest wait for an interpreter to say whether it has Gradio."""
_HAS_GRADIO = "import importlib.util, sys; sys.exit(importlib.util.find_spec('gradio') is None)"
_PROGRAMS = ("bin/python", "Scripts/python.exe")


def start(app: Path, python: str | None, port: int | None) -> StartedServer:
    """Start an app; nothing is waited for.

    Args:
        app: its file.
        python: interpreter; None: the first with Gradio of those that `interpreters` names.
        port: that the app itself sets; None: a free one, which Gradio is told.

    Raises:
        WorkerError: no interpreter has Gradio, or it cannot be started.
    """
    program = find_python(app, python)
    chosen = port or free_port()
    return StartedServer(
        [program, app.name],
        port=chosen,
        environment={
            "GRADIO_SERVER_NAME": HOST,
            "GRADIO_SERVER_PORT": str(chosen),
            "GRADIO_ANALYTICS_ENABLED": "False",
            # Gradio looks whether its own page answers, and would ask a proxy for it.
            **dict.fromkeys(("NO_PROXY", "no_proxy"), _without_proxy()),
            "PYTHONUNBUFFERED": "1",
        },
        folder=str(app.parent),
        name=app.name,
    )


def find_python(app: Path, python: str | None) -> str:
    """The interpreter that runs the app: the one that is named, else the first that has Gradio.

    Raises:
        WorkerError: none has; names those that were looked at.
    """
    if python:
        return str(Path(python).expanduser())
    looked_at = []
    for program in interpreters(app):
        if _has_gradio(program):
            return program
        looked_at.append(program)
    raise WorkerError(
        f"{app.name}: Gradio is not installed for {' nor '.join(looked_at)}: install what the app "
        "needs into a .venv beside it, or name its interpreter: settings.python"
    )


def interpreters(app: Path) -> Iterator[str]:
    """Interpreters in order: of a .venv or venv beside the app, of the active environment, ours."""
    found: dict[str, None] = {}
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    folders = [app.parent / ".venv", app.parent / "venv", *([Path(active)] if active else [])]
    for folder in folders:
        for name in _PROGRAMS:
            if (folder / name).is_file():
                found[str(folder / name)] = None
    found[sys.executable] = None
    yield from found


def _without_proxy() -> str:
    """Hosts that no proxy is asked for: the user's, and this machine."""
    told = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return ",".join([*filter(None, [told]), HOST, "localhost"])


def _has_gradio(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "-c", _HAS_GRADIO],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LOOK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
