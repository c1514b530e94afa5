"""Print what changed in this version: `PYTHON tools/release_notes.py`.

The version's section of CHANGELOG.md, "Unreleased (X.Y.Z)" while it has no date.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def section(changelog: str, version: str) -> str:
    """The text under the version's heading.

    Raises:
        ValueError: there is none, or it is empty.
    """
    heading = rf"^## (?:Unreleased \({re.escape(version)}\)|{re.escape(version)}(?![\d.])[^\n]*)\n"
    found = re.search(heading + r"(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md: says nothing of {version}")
    return found[1].strip() + "\n"


def main() -> None:
    """Print the section of the version that pyproject.toml names."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    name = version["project"]["version"]
    try:
        print(section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), name), end="")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
