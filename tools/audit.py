"""Hold the locked versions against the database of known vulnerabilities: `PYTHON tools/audit.py`.

Exit codes: 0 nothing known, 1 a release with a fix exists, 2 not everything could be asked about.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from lock import LOCKS, versions  # noqa: E402  # a script's folder is not a package

FIXABLE, UNKNOWN = 1, 2


def rounds() -> Iterator[list[str]]:
    """Every locked version once; a package that has two, for two Pythons, is in two rounds."""
    files = [path for path in LOCKS.glob("*.txt") if path.stem != "torch-cpu"]
    held: dict[str, set[str]] = {}
    for path in files:
        for name, found in versions(path.read_text(encoding="utf-8")).items():
            held.setdefault(name, set()).update(found)
    left = {name: sorted(found) for name, found in held.items()}
    while left:
        yield [f"{name}=={found[0]}" for name, found in sorted(left.items())]
        left = {name: found[1:] for name, found in left.items() if found[1:]}


def ask(pins: Sequence[str]) -> list[dict[str, Any]] | str:
    """Vulnerabilities that pip-audit knows, by pin; or its last line on why it knows none."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format"]
        command += ["json", "--progress-spinner", "off", "--requirement", str(listed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["pip-audit gave no reason"])[-1]
    return found


def judge(found: Sequence[dict[str, Any]]) -> tuple[int, list[str]]:
    """The exit code, and a line for each finding."""
    lines, fixable, skipped = [], False, []
    for package in found:
        if "skip_reason" in package:
            skipped.append(package["name"])
        for known in package.get("vulns", []):
            fixes = ", ".join(known["fix_versions"])
            fixable = fixable or bool(fixes)
            what = f"fixed in {fixes}" if fixes else "no fix yet"
            lines.append(f"{package['name']} {package['version']}: {known['id']}, {what}")
    if len(skipped) == len(found):
        return UNKNOWN, ["the database of vulnerabilities cannot be reached: nothing was checked"]
    if skipped:
        lines.append(f"not in the database, so not checked: {', '.join(sorted(skipped))}")
    return FIXABLE if fixable else UNKNOWN if skipped else 0, lines


def main() -> int:
    """Ask, print and return the exit code."""
    found: list[dict[str, Any]] = []
    for pins in rounds():
        answer = ask(pins)
        if isinstance(answer, str):
            print(f"audit: the database of vulnerabilities cannot be reached: {answer[:300]}")
            return UNKNOWN
        found += answer
    code, lines = judge(found)
    print("\n".join(f"audit: {line}" for line in lines or [f"nothing known of {len(found)} pins"]))
    return code


if __name__ == "__main__":
    sys.exit(main())
