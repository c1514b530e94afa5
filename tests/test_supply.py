"""What raises, audits and lists the locked versions, without a network."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A script of tools/, by its name, as a module that is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (Path(getattr(sys.modules[name], "__file__", None) or "/").parent) == ROOT / "tools":
            del sys.modules[name]


def known(name: str, *vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(vulnerabilities)}


FIXED = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
OPEN = {"id": "PYSEC-2", "fix_versions": []}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("found", "code", "lines"),
    [
        ([known("a"), known("b")], 0, []),
        ([known("a", FIXED), known("b")], 1, ["a 1.0: PYSEC-1, fixed in 1.1"]),
        ([known("a", OPEN)], 0, ["a 1.0: PYSEC-2, no fix yet"]),
        ([known("a"), SKIPPED], 2, ["not in the database, so not checked: odd"]),
        (
            [known("a", FIXED), SKIPPED],
            1,
            ["a 1.0: PYSEC-1, fixed in 1.1", "not in the database, so not checked: odd"],
        ),
    ],
)
def test_an_audit_fails_on_what_has_a_fix(
    tool: Any, found: list[dict[str, Any]], code: int, lines: list[str]
) -> None:
    assert tool("audit").judge(found) == (code, lines)


def test_an_audit_that_reaches_nothing_says_so(tool: Any) -> None:
    code, lines = tool("audit").judge([SKIPPED, SKIPPED])
    assert (code, len(lines)) == (2, 1)
    assert "cannot be reached" in lines[0]


def test_an_audit_asks_about_each_version_once(tool: Any) -> None:
    rounds = list(tool("audit").rounds())
    asked = [pin for pins in rounds for pin in pins]
    assert len(asked) == len(set(asked))
    # Two Pythons, two versions: pip-audit takes one of a package at a time.
    assert all(len({pin.split("==")[0] for pin in pins}) == len(pins) for pins in rounds)
    assert any(pin.startswith("llama-cpp-python==") for pin in rounds[0])


def test_the_bill_holds_what_users_install_and_no_more(tool: Any) -> None:
    names = set(tool("lock").versions(tool("sbom").merged()))
    assert {"lm-eval", "streamlit", "llama-cpp-python", "torch", "transformers", "pip"} <= names
    assert not {"pytest", "ruff", "mypy", "uv"} & names


OLD = """\
alpha==1.0 \\
    --hash=sha256:aa
beta==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
beta==2.1 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
gamma==3 \\
    --hash=sha256:dd
"""
NEW = """\
alpha==1.1 \\
    --hash=sha256:ee
beta==2.1 \\
    --hash=sha256:cc
delta==4 \\
    --hash=sha256:ff
"""


def test_what_moved_is_said(tool: Any) -> None:
    lock = tool("lock")
    assert lock.moved(lock.versions(OLD), lock.versions(NEW)) == [
        "alpha 1.0 → 1.1",
        "beta 2.0 and 2.1 → 2.1",
        "delta new → 4",
        "gamma 3 → gone",
    ]
    assert lock.moved(lock.versions(OLD), lock.versions(OLD)) == []
    assert [len(pins) for pins in lock.stanzas(OLD).values()] == [1, 2, 1]


@pytest.mark.parametrize("later", ["", "\n## 0.0.1\n\n- First.\n"])
def test_the_changelog_gets_its_line_in_its_newest_section(
    tool: Any, tmp_path: Path, later: str
) -> None:
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"# Changelog\n\nIntro.\n\n## Unreleased\n\n- Earlier.\n{later}")
    tool("lock").note(["alpha 1.0 → 1.1"], changelog)
    head, _, rest = changelog.read_text().partition("- Earlier.\n")
    assert head == "# Changelog\n\nIntro.\n\n## Unreleased\n\n"
    line, _, after = rest.partition("\n")
    assert line.startswith("- Locked versions raised (20")
    assert line.endswith("): alpha 1.0 → 1.1.")
    assert after == later
