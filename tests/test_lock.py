"""The locks hold what pyproject.toml asks for, with a hash for everything and no index's address.

Nothing is fetched: the locks are held against pyproject.toml and, as far as packages are installed
in their locked version, against what these ask for themselves.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
FILES = sorted(LOCKS.glob("*.txt"))

Pins = dict[str, list[Requirement]]


def read(name: str) -> Pins:
    """The pins of a lock and of those that it goes on from."""
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found: Pins = {}
    for line in text.splitlines():
        if line.startswith("-r "):
            found.update(read(line.removeprefix("-r ").removesuffix(".txt")))
        elif line and not line.lstrip().startswith("#"):
            pin = Requirement(line.partition(" --hash=")[0])
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def version(pin: Requirement) -> str:
    (one,) = pin.specifier
    assert one.operator == "==", f"{pin} is no exact version"
    return one.version


def lacking(wanted: list[str], pins: Pins) -> list[str]:
    """Requirements that no pin meets, or one that does not."""
    found = []
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if name == "weighin":
            continue
        held = pins.get(name, [])
        fits = [requirement.specifier.contains(version(pin), prereleases=True) for pin in held]
        if not fits or not all(fits):
            found.append(str(requirement))
    return found


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_what_pyproject_asks_for_is_locked(extra: str) -> None:
    wanted = [*PROJECT["project"]["dependencies"], *EXTRAS.get(extra, [])]
    if "weighin[test]" in wanted:
        wanted += EXTRAS["test"]
    assert lacking(wanted, read(extra or "base")) == [], "run: make lock LOCK=--keep"


def test_what_builds_the_checkout_is_locked() -> None:
    lines = (LOCKS / "build.in").read_text(encoding="utf-8").splitlines()
    asked = [line.partition("#")[0].strip() for line in lines]
    wanted = [*filter(None, asked), *PROJECT["build-system"]["requires"]]
    assert lacking(wanted, read("build")) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_everything_has_hashes_and_nothing_an_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    entries = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    bare = [one.split()[0] for one in entries if "--hash=sha256:" not in one]
    assert (bare, len(entries) > 0) == ([], True)
    options = re.findall(r"^\s*-.*", text, re.MULTILINE)
    assert all(
        re.fullmatch(r"\s*(--hash=sha256:[0-9a-f]{64}( \\)?|-r \w+\.txt)", o) for o in options
    )
    assert not re.search(r"://|\s(/|~|[A-Z]:)", text)


def test_a_package_has_one_version_in_all_environments() -> None:
    held: dict[str, set[tuple[str, ...]]] = {}
    for path in FILES:
        if path.stem in ("build", "tools", "torch-cpu"):
            continue
        for name, pins in read(path.stem).items():
            held.setdefault(name, set()).add(tuple(map(str, pins)))
    assert {name: found for name, found in held.items() if len(found) > 1} == {}


def needs(name: str) -> list[str]:
    """What the installed distribution asks for on this machine, without its extras."""
    here = {**default_environment(), "extra": ""}
    asked = map(Requirement, importlib.metadata.requires(name) or [])
    return [str(one) for one in asked if one.marker is None or one.marker.evaluate(here)]


@pytest.mark.parametrize("extra", ["base", *EXTRAS])
def test_no_dependency_of_a_dependency_is_missing(extra: str) -> None:
    pins, missing = read(extra), {}
    for name, held in pins.items():
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another extra, or of another platform
        if here.partition("+")[0] not in [version(pin) for pin in held]:
            continue  # an environment of somebody's own
        if found := lacking(needs(name), {**pins, **read("cuda")}):
            missing[name] = found
    assert missing == {}


def test_the_torch_builds_are_of_one_release() -> None:
    (cpu,), (index,) = read("torch-cpu")["torch"], read("hf")["torch"]
    assert version(cpu) == f"{version(index)}+cpu"


def test_the_rule_can_fail() -> None:
    pins = {"numpy": [Requirement("numpy==2.4.6"), Requirement("numpy==2.5.5")]}
    assert lacking(["NumPy>=1.26"], pins) == []
    assert lacking(["numpy<2.5"], pins) == ["numpy<2.5"]  # one of the two Pythons would not have it
    assert lacking(["scipy"], pins) == ["scipy"]


def test_an_extra_without_a_lock_is_named() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "install.py"), "llamacp"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith('install: no lock for the extra "llamacp" (known: bench, dev,')
