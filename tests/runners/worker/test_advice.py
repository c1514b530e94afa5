"""The commands that are advised name the version that the project pins."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from runners.worker.advice import HF_MISSING, MISSING, NEEDED_BY, REBUILD


def test_the_advised_version_is_the_pinned_one() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    (pinned,) = project["optional-dependencies"]["llamacpp"]
    assert REBUILD.endswith(pinned)
    for advice in (MISSING, HF_MISSING):
        assert re.search(r"tools/install\.py (\w+)", advice)[1] in project["optional-dependencies"]
    assert NEEDED_BY["torch"] == NEEDED_BY["transformers"] == HF_MISSING
