"""The commands that are advised name the version that the project pins."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from runners.runtimes.llamacpp.advice import REBUILD
from runners.runtimes.table import RUNTIMES


def test_the_advised_version_is_the_pinned_one() -> None:
    pyproject = Path(__file__).parents[4] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    (pinned,) = project["optional-dependencies"]["llamacpp"]
    assert REBUILD.endswith(pinned)
    libraries = ("llamacpp", "hf")
    for advice in (RUNTIMES[name].missing for name in libraries):
        assert re.search(r"tools/install\.py (\w+)", advice)[1] in project["optional-dependencies"]
