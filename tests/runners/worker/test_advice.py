"""The commands that are advised name the version that the project pins."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from runners.worker.advice import MISSING, REBUILD


def test_the_advised_version_is_the_pinned_one() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    (pinned,) = project["optional-dependencies"]["llamacpp"]
    assert REBUILD.endswith(pinned)
    assert re.search(r"\.\[(\w+)\]", MISSING)[1] in project["optional-dependencies"]
