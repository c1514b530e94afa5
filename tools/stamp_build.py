"""Hatch's hook: a wheel holds the commit that it was built from, for `weighin --version`."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StampBuild(BuildHookInterface[Any]):
    """Adds `runners/build.json` to a wheel; an editable install reads its checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file; without git the commit is what WEIGHIN_COMMIT says, or unknown."""
        if version == "editable":
            return
        stamp = {"commit": os.environ.get("WEIGHIN_COMMIT") or _commit(Path(self.root))}
        folder = Path(tempfile.mkdtemp())
        (folder / "build.json").write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        build_data["force_include"][str(folder / "build.json")] = "runners/build.json"


def _commit(root: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12",
             "--exclude", "*"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None
