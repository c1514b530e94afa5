"""A stranger's package that brings the runtime `served` by an entry point, as pip leaves it.

Its process of its own stands for a server: that is what is measured, and it holds what it is told.
"""

from __future__ import annotations

from pathlib import Path

SPEC = """
from pydantic import Field

from runners.runtimes.spec import RuntimeSpec, Settings


class ServedSettings(Settings):
    hold_bytes: int = Field(default=0, ge=0)
    root: str = "server"


SPEC = RuntimeSpec(
    name="served",
    code="stranger.runtime:Served",
    settings=ServedSettings,
    weights="none",
    packages=("stranger-runtime",),
)
"""
RUNTIME = """
import os
import sys
from dataclasses import replace

from runners.runtimes.fake.memory import holding_child, touched
from runners.runtimes.fake.runtime import Fake

VERSION, BUILD = "7", "for tests"
OWN_BYTES = 96 * 2**20


class Served(Fake):
    def load(self, message):
        self.own = touched(OWN_BYTES)
        self.server = holding_child(message.settings["hold_bytes"])
        settings = {**message.settings, "fake": {}}
        roots = {"server": self.server.pid, "parent": os.getppid(), "none": None}
        for heavy in ("pydantic", "yaml", "stranger.spec", "runners.runtimes.table"):
            assert heavy not in sys.modules, heavy
        loaded = super().load(replace(message, settings=settings))
        return replace(loaded, root_pid=roots[message.settings["root"]])

    def close(self):
        self.server.communicate()
        super().close()
"""
OWN_BYTES = 96 * 2**20
"""What the worker itself holds beside its server."""


def install(
    folder: Path, *, spec: str = SPEC, runtime: str = RUNTIME, name: str = "served"
) -> Path:
    """Lay the package into a folder that stands for site-packages.

    Args:
        folder: for PYTHONPATH.
        spec: source of `stranger/spec.py`.
        runtime: source of `stranger/runtime.py`.
        name: the runtime's, as the entry point has it.
    """
    package, about = folder / "stranger", folder / "stranger_runtime-1.5.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    (package / "__init__.py").write_text("")
    (package / "spec.py").write_text(spec)
    (package / "runtime.py").write_text(runtime)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-runtime\nVersion: 1.5\n")
    (about / "RECORD").write_text("stranger/__init__.py,,\n")
    (about / "entry_points.txt").write_text(f"[weighin.runtimes]\n{name} = stranger.spec:SPEC\n")
    return folder
