"""Rules of the house that no linter knows: imports go one way, files are short, one part prints."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import evals
import leaderboard
import runners

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("evals", "runners", "leaderboard")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 300
HEAVY = ("lm_eval", "datasets", "pandas", "torch", "streamlit")


def module_name(path: Path) -> str:
    """`runners/worker/__init__.py` -> `runners.worker`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, path: Path) -> Iterator[str]:
    """Every module a source names in an import, wherever it stands, also under TYPE_CHECKING.

    `from a import b` is `a.b`: whether b is a module cannot be seen. `import_module("a.b")` counts
    when its argument is written out.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.parts[: len(path.parent.parts) + 1 - node.level]
            above = list(package) if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def allowed(module: str) -> tuple[str, ...]:
    """What of ours a module may import."""
    if within(module, ("evals",)):
        return ("evals",)
    if within(module, ("runners.cli",)):
        return ROOMS
    if within(module, ("runners.worker",)):
        return ("runners.worker",)
    if within(module, ("runners",)):
        return ("evals", "runners")
    return (
        "evals",
        "leaderboard",
        "runners.records.record",
        "runners.records.parts",
        "runners.records.store",
    )


def refused(source: str, path: Path) -> list[str]:
    """The imports of one source that go against the direction of the rooms."""
    module = module_name(path)
    found = []
    for name in imports(source, path):
        if within(name, ROOMS) and not within(name, allowed(module)):
            found.append(name)
        heavy = name.split(".")[0] in HEAVY and within(module, ("runners.worker",))
        of_hf = re.fullmatch(r"runners\.worker\.hf(_\w+)?", module)
        if heavy and not (of_hf and within(name, ("torch",))):
            found.append(name)
    return found


def prints(source: str) -> list[int]:
    """Lines that call print."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    back_edges = refused(path.read_text(encoding="utf-8"), path.relative_to(ROOT))
    assert back_edges == [], f"{path.relative_to(ROOT)} may not import these"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short_and_silent(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    if not within(module_name(path.relative_to(ROOT)), ("runners.cli",)):
        assert prints(source) == []


def test_every_room_is_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(ROOMS)


@pytest.mark.parametrize("room", [evals, runners, leaderboard])
def test_the_rooms_are_those_of_this_checkout(room: object) -> None:
    # Another distribution also calls its package `evals`.
    file = getattr(room, "__file__", None)
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("evals/specs.py", "from evals.errors import SpecError\nimport yaml", []),
        ("evals/specs.py", "import runners.records.record", ["runners.records.record"]),
        ("evals/tasks/load.py", "from runners import record", ["runners.records.record"]),
        ("evals/__init__.py", "from . import errors", []),
        ("evals/tasks/load.py", "from ..runners import record", ["runners.records.record"]),
        ("runners/jobs/job.py", "from evals.specs import Suite\nimport runners.records.record", []),
        (
            "runners/jobs/job.py",
            "def f():\n    import leaderboard.gate.gate",
            ["leaderboard.gate.gate"],
        ),
        ("runners/jobs/job.py", "import leaderboards", []),
        ("runners/cli/check.py", "def f():\n    from leaderboard.gate.gate import gate", []),
        ("runners/climate.py", "import leaderboard", ["leaderboard"]),
        ("runners/runtimes/fake/runtime.py", "from runners.worker.protocol import Ready", []),
        ("runners/runtimes/fake/runtime.py", "from .protocol import Ready", []),
        ("runners/runtimes/fake/runtime.py", "from .. import record", ["runners.records.record"]),
        ("runners/runtimes/fake/runtime.py", "from evals.errors import X", ["evals.errors.X"]),
        ("runners/runtimes/fake/runtime.py", "def f():\n    import pandas as pd", ["pandas"]),
        ("runners/runtimes/fake/runtime.py", "import torch", ["torch"]),
        ("runners/runtimes/hf/runtime.py", "import torch.nn", []),
        ("runners/runtimes/hf/cells.py", "import torch", []),
        ("runners/worker/hfx.py", "import torch", ["torch"]),
        ("runners/runtimes/hf/runtime.py", "from datasets import load", ["datasets.load"]),
        ("leaderboard/gate/gate.py", "from runners.records.record import Record", []),
        ("leaderboard/gate/gate.py", "from runners import store", []),
        ("leaderboard/gate/gate.py", "from runners.jobs.job import run", ["runners.jobs.job.run"]),
        ("leaderboard/gate/gate.py", "import runners", ["runners"]),
        (
            "leaderboard/gate/gate.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import runners.jobs.job",
            ["runners.jobs.job"],
        ),
        ("leaderboard/gate/gate.py", "import_module('runners.jobs.job')", ["runners.jobs.job"]),
        (
            "leaderboard/gate/gate.py",
            "importlib.import_module('runners.jobs.job')",
            ["runners.jobs.job"],
        ),
    ],
)
def test_the_import_rule_can_fail(path: str, source: str, found: list[str]) -> None:
    assert refused(source, Path(path)) == found


def test_the_print_rule_can_fail() -> None:
    assert prints("x = 1\ndef f():\n    print(x)\n") == [3]
    assert prints("console.print('x')\nprinter(1)\n# print(1)\n") == []
