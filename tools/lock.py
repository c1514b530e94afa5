"""Raise the locked versions: `PYTHON tools/lock.py [--keep | --only NAME…]`.

Writes `locks/*.txt` for every platform and every Python that weighin runs on, says what moved,
and adds the line of CHANGELOG.md. Without an option everything is raised as far as pyproject.toml
and `locks/held.in` allow.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
sys.path.insert(0, str(ROOT / "tools"))

from install import of_cuda  # noqa: E402  # a script's folder is on the path only where it is run

HEADER = "# Written by `make lock`; do not edit."
NAME = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
APART = ("build", "tools", "torch-cpu")
"""Locks of other environments, and of a build that no resolver knows."""

Stanzas = dict[str, list[str]]
"""By package: its pins with their hashes, as they are written; several where Pythons differ."""


def stanzas(text: str) -> Stanzas:
    """The pins of a lock."""
    found: Stanzas = {}
    for part in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if named := NAME.match(part):
            found.setdefault(named[1], []).append(part.rstrip("\n") + "\n")
    return found


def versions(text: str) -> dict[str, list[str]]:
    """The versions of each package in a lock, in its order."""
    found: dict[str, list[str]] = {}
    for name, version in NAME.findall(text):
        if version not in found.setdefault(name, []):
            found[name].append(version)
    return found


def resolve(source: Path, *options: str, known: str = "", cwd: Path = ROOT) -> str:
    """The pins that uv resolves `source` to; it prefers the versions of the lock `known`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lock.txt"
        out.write_text(known, encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("uv")),
            "pip",
            "compile",
            str(source),
            "--universal",
            "--python-version",
            "3.11",
        ]
        command += ["--generate-hashes", "--no-header", "--quiet", "--output-file", str(out)]
        done = subprocess.run([*command, *options], cwd=cwd, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"lock: uv could not resolve {source.name}; nothing was written")
        return out.read_text(encoding="utf-8")


def old_lock() -> str:
    """All pins that are locked now."""
    files = [path for path in sorted(LOCKS.glob("*.txt")) if path.stem not in APART]
    return "".join(_pins(path.read_text(encoding="utf-8")) for path in files)


def _pins(text: str) -> str:
    """A lock without the line that names the one before it."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("-r "))


def everything() -> str:
    """Every lock, one after the other."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(LOCKS.glob("*.txt")))


def cpu_build(pin: str) -> str | None:
    """The pin of the CPU build of torch that pip finds here beside the index's; None: it has none.

    Args:
        pin: `torch==VERSION`.
    """
    asked = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    done = subprocess.run(
        [*asked, "--no-deps", "--report", "-", pin], check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)["install"][0]
    if not found["metadata"]["version"].endswith("+cpu"):
        return None
    digest = found["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"torch=={found['metadata']['version']} \\\n    --hash=sha256:{digest}\n"


def write(name: str, pins: Stanzas, *, first: str = "") -> None:
    """One lock; `first` is the one that it goes on from."""
    lines = [HEADER, *([f"-r {first}.txt"] if first else [])]
    body = "".join(pin for package in sorted(pins) for pin in pins[package])
    (LOCKS / f"{name}.txt").write_text("\n".join(lines) + "\n" + body, encoding="utf-8")


def lock_project(raised: list[str]) -> None:
    """The locks of weighin: pip, what every environment has, what each extra adds, CUDA."""
    project = ROOT / "pyproject.toml"
    held = ["--constraint", "locks/held.in"]
    whole = resolve(project, "--all-extras", *held, *raised, known=old_lock())
    pins = stanzas(whole)
    (torch,) = pins["torch"]
    if cpu := cpu_build(torch.split(maxsplit=1)[0]):
        write("torch-cpu", {"torch": [cpu]})
    cuda = {name for name in pins if of_cuda(name)}
    base = set(stanzas(resolve(project, *held, known=whole)))
    write("pip", {"pip": pins["pip"]})
    write("base", {name: pins[name] for name in base - {"pip"}}, first="pip")
    write("cuda", {name: pins[name] for name in cuda})
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra in extras:
        closure = set(stanzas(resolve(project, "--extra", extra, *held, known=whole)))
        write(extra, {name: pins[name] for name in closure - base - cuda}, first="base")


def moved(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Differences between two locks, a phrase a package."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = (" and ".join(one.get(name, [])) for one in (before, after))
        if old != new:
            found.append(f"{name} {old or 'new'} → {new or 'gone'}")
    return found


def note(changes: list[str], changelog: Path) -> None:
    """Add the line of the changelog under its first heading."""
    day = datetime.now(UTC).date().isoformat()
    text = changelog.read_text(encoding="utf-8")
    head, heading, rest = text.partition("\n## ")
    section, following, later = rest.partition("\n## ")
    line = f"- Locked versions raised ({day}): {', '.join(changes)}.\n"
    section = section.rstrip("\n") + "\n" + line
    tail = f"\n{following.lstrip()}" if following else ""
    changelog.write_text(head + heading + section + tail + later, encoding="utf-8")


def main() -> None:
    """Write the locks and say what moved."""
    parser = argparse.ArgumentParser(description="Raise the locked versions.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="raise nothing that still fits")
    choice.add_argument("--only", nargs="+", default=[], metavar="NAME", help="raise these alone")
    asked = parser.parse_args()
    before = versions(everything())
    raised = [part for name in asked.only for part in ("--upgrade-package", name)]
    if not (asked.keep or asked.only):
        raised = ["--upgrade"]
    lock_project(raised)
    for name in ("build", "tools"):
        source = LOCKS / f"{name}.in"
        own = (LOCKS / f"{name}.txt").read_text(encoding="utf-8") if before else ""
        write(name, stanzas(resolve(source, *raised, known=own)))
    changes = moved(before, versions(everything()))
    if changes and before:
        note(changes, ROOT / "CHANGELOG.md")
    if not changes:
        print("lock: nothing moved")
        return
    print("\n".join(changes))
    print("lock: now make test, which installs it; commit it with the line in CHANGELOG.md")


if __name__ == "__main__":
    main()
