"""A release: its notes are the changelog's, and its workflow tries what it publishes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = """# Changelog

## Unreleased (0.2.0)

- New.

## 0.1.0 (2026-01-01)

- First.
"""


@pytest.fixture(scope="module")
def notes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notes", ROOT / "tools" / "release_notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notes_are_the_versions_own(notes: ModuleType) -> None:
    assert notes.section(CHANGELOG, "0.2.0") == "- New.\n"
    assert notes.section(CHANGELOG, "0.1.0") == "- First.\n"


@pytest.mark.parametrize("version", ["0.1", "0.3.0", "1.0"])
def test_a_version_without_a_word_is_not_released(notes: ModuleType, version: str) -> None:
    with pytest.raises(ValueError, match="says nothing of"):
        notes.section(CHANGELOG, version)


def test_this_version_has_notes() -> None:
    command = [sys.executable, str(ROOT / "tools" / "release_notes.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("- ")


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


def test_a_released_wheel_knows_its_commit(jobs: dict[str, Any]) -> None:
    # `build` makes the wheel from the unpacked source distribution, which has no git.
    def script(job: str, word: str) -> str:
        found: list[str] = [one["run"] for one in jobs[job]["steps"] if word in one.get("run", "")]
        return "".join(found)

    build = script("build", "python -m build\n")
    assert build.index("export WEIGHIN_COMMIT=") < build.index("python -m build\n")
    assert 'test -z "$(weighin --version | grep unknown)"' in script("try", "pipx install")


def test_nothing_is_published_that_was_not_tried(jobs: dict[str, Any]) -> None:
    assert jobs["try"]["needs"] == "build"
    assert jobs["publish"]["needs"] == "try"
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
