"""Rules of the house that no linter knows: imports go down, no circles, short and silent files.

Each rule is one test that lists every offender, and beside it a table that shows that it can fail.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import evals
import leaderboard
import runners
from runners.runtimes import table

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("evals", "runners", "leaderboard")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted(
    path for folder in ("benchmarks", "tools") for path in (ROOT / folder).glob("*.py")
)
MOST_LINES = 300
MOST_WORDS = 25
"""Words of a docstring's first sentence."""
LEANS = re.compile(r"(Of|As|Likewise|Whether it|None:)(?!\w)")
"""Beginnings that lean on the line above: a docstring is read alone."""
FLOORS = {
    "evals": [
        "abilities errors files quantities replacing scales terminal",
        "fetch", "questions", "spec_file", "scoring suites", "tasks",
    ],
    "runners": [
        "worker records compute sandbox", "engine measure exchange", "endpoint", "runtimes",
        "candidates", "jobs", "batches cleanup", "executors doctor hub", "cli",
    ],
    "leaderboard": [
        "stats units text", "rows", "compare runs", "choose", "gate publish", "pages", "export",
        "app",
    ],
}  # fmt: skip
"""By package its rooms, the ground floor first: a room imports from lower floors only."""
CROSS = {
    "evals": (),
    "runners": ("evals",),
    "runners.cli": ("evals", "leaderboard"),
    "leaderboard": (
        "evals.abilities", "evals.errors", "evals.files", "evals.quantities", "evals.replacing",
        "evals.scales", "evals.spec_file", "evals.terminal", "runners.records",
    ),
}  # fmt: skip
"""What a package, or one room of it, may import of the other packages."""
CHILD = ("runners.worker", "runners.engine", "runners.endpoint")
"""What the measured process imports besides its runtime: no pydantic, nothing of lm-eval."""
LIGHT = ("numpy", "jinja2")
LIBRARIES = {
    "runners.runtimes.llamacpp": ("llama_cpp",),
    "runners.runtimes.llama_server": ("xllamacpp",),
    "runners.runtimes.hf": ("torch", "transformers", "accelerate", "gguf", "tokenizers"),
    "runners.runtimes.openvino": ("openvino", "openvino_genai", "gguf"),
    "runners.runtimes.mlx": ("mlx", "mlx_lm", "transformers"),
}
ADVICE_AND_TOOLS = ("advice", "prove", "proven", "proof", "convert", "quantize")
"""Modules in a runtime's folder that the rest of `runners` may import: what to install, whether a
build computes, and what makes weights. Everything else it learns from the table."""
PARENTS = (
    *ADVICE_AND_TOOLS, "spec", "build", "program", "recipes", "tiny_model", "find_devices",
    "gpu_build",
)  # fmt: skip
"""Modules in a runtime's folder that the measured process does not import."""
RUNTIMES = tuple(table.RUNTIMES)
NAMERS = {
    "runners.doctor.counters": ("fake",),  # which is started to see what can be measured
    "runners.doctor.recovery": ("fake", "llama-server"),  # the latter is what the mock speaks
    "runners.records.identity": ("fake",),  # the settings of old records
    "runners.cli.app_options": ("endpoint",),  # a setting of apps
    "leaderboard.pages.overview.use": (
        "llamacpp",
        "hf",
        "llama-server",
        "openvino",
        "mlx",
    ),  # commands for the same library
}
"""Who may name a runtime outside of runners/runtimes, and which."""
SHOWN = {
    "streamlit": ("leaderboard.app",),
    "plotly": ("leaderboard.pages", "leaderboard.export", "leaderboard.app"),
}


def module_name(path: Path) -> str:
    """`runners/worker/__init__.py` -> `runners.worker`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path.relative_to(ROOT)): path for path in SOURCES}


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


def room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def floor(name: str) -> int:
    """The floor of a module's room; the packages themselves lie below all rooms."""
    package, _, inner = room(name).partition(".")
    if not inner:
        return -1
    found = [i for i, rooms in enumerate(FLOORS[package]) if inner in rooms.split()]
    assert found, f"{name} is in no room of FLOORS"
    return found[0]


def refused(source: str, path: Path) -> list[str]:
    """The imports of one source that go up, sideways, or into another package's rooms."""
    module = module_name(path)
    package = module.split(".")[0]
    found = []
    for name in imports(source, path):
        other = name.split(".")[0]
        if other not in PACKAGES:
            continue
        if other != package:
            allowed = CROSS.get(room(module), CROSS[package])
            if not within(name, allowed):
                found.append(name)
        elif room(name) != room(module) and floor(name) >= floor(module):
            found.append(name)
    return found


def heavy(source: str, path: Path) -> list[str]:
    """What the child's sources, and those that show, import that they may not."""
    module = module_name(path)
    names = [(name, name.split(".")[0]) for name in imports(source, path)]
    found = [name for name, top in names if top in SHOWN and not within(module, SHOWN[top])]
    runtime = ".".join(module.split(".")[:3])
    in_runtime = within(module, ("runners.runtimes",)) and module.count(".") == 3
    if in_runtime and not module.endswith(tuple(f".{one}" for one in PARENTS)):
        own = LIBRARIES.get(runtime, ())
        ours = (*CHILD, runtime)
    elif within(module, CHILD):
        own, ours = (), CHILD
    else:
        return found
    standard = __import__("sys").stdlib_module_names
    for name, top in names:
        if top in PACKAGES:
            if not within(name, ours):
                found.append(name)
        elif top not in standard and top not in (*LIGHT, *own):
            found.append(name)
    return found


def runtimes_named(source: str, path: Path) -> list[str]:
    """Runtimes that a source outside of their room names, or imports more of than tools.

    A runtime's name elsewhere is a place that the next runtime would have to be added to. (In
    `evals`, `hf` is an address, and in `runners.endpoint` `llama-server` what answers there.)
    """
    module = module_name(path)
    if within(module, ("runners.runtimes", "runners.endpoint", "evals")):
        return []
    allowed = NAMERS.get(module, ())
    named = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and node.value in RUNTIMES and node.value not in allowed
    ]
    folders = tuple(f"runners.runtimes.{runtime.replace('-', '_')}" for runtime in RUNTIMES)
    tools = tuple(f"{folder}.{tool}" for folder in folders for tool in ADVICE_AND_TOOLS)
    deep = [n for n in imports(source, path) if within(n, folders) and not within(n, tools)]
    return [*named, *deep]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other in a circle (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def target(name: str) -> str | None:
    """The module of ours that an import names: itself, or the one that holds the name."""
    parts = name.split(".")
    ends = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((end for end in ends if end in MODULES), None)


def prints(source: str) -> list[int]:
    """Lines that call print."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring: of modules, classes, functions, and of what is assigned."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", ())
        for one in body if isinstance(body, list) else ():
            match one:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield one.lineno, text


def first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    ends = (m.end() for m in re.finditer(r"[.!?](?= |$)", paragraph))
    whole = (end for end in ends if not re.search(r"\b(e\.g|i\.e|vs|cf)\.$", paragraph[:end]))
    return paragraph[: next(whole, len(paragraph))]


def riddles(source: str) -> list[int]:
    """Lines of docstrings that do not read alone, or whose first sentence is too long."""
    return [
        line
        for line, text in docstrings(source)
        if LEANS.match(text.strip()) or len(first_sentence(text).split()) > MOST_WORDS
    ]


def _each() -> Iterator[tuple[Path, str]]:
    for path in SOURCES:
        yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_imports_go_down() -> None:
    found = {str(path): bad for path, source in _each() if (bad := refused(source, path))}
    assert found == {}


def test_no_two_files_import_each_other() -> None:
    graph = {
        module_name(path): {to for name in imports(source, path) if (to := target(name))}
        - {module_name(path)}
        for path, source in _each()
    }
    assert circles(graph) == []


def test_only_what_needs_it_imports_what_is_heavy() -> None:
    found = {str(path): bad for path, source in _each() if (bad := heavy(source, path))}
    assert found == {}


def test_a_runtime_is_named_in_its_own_room_alone() -> None:
    found = {str(path): bad for path, source in _each() if (bad := runtimes_named(source, path))}
    assert found == {}
    folders = {path.parent.name for path in (ROOT / "runners" / "runtimes").glob("*/runtime.py")}
    assert folders == {name.replace("-", "_") for name in RUNTIMES}


def test_files_are_short_and_silent() -> None:
    long = {
        str(path): lines
        for path, source in _each()
        if (lines := len(source.splitlines())) > MOST_LINES
    }
    assert long == {}
    loud = {
        str(path): lines
        for path, source in _each()
        if not within(module_name(path), ("runners.cli",)) and (lines := prints(source))
    }
    assert loud == {}


def test_docstrings_read_alone() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (*SOURCES, *SCRIPTS)
        if (lines := riddles(path.read_text(encoding="utf-8")))
    }
    assert found == {}, f"say what happens, in {MOST_WORDS} words, not 'Of …', 'As …', 'None: …'"


def test_every_package_is_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


def test_every_room_there_is_has_a_floor() -> None:
    rooms = {room(name) for name in MODULES if "." in name}
    assert {f"{p}.{r}" for p in FLOORS for row in FLOORS[p] for r in row.split()} == rooms


@pytest.mark.parametrize("package", [evals, runners, leaderboard])
def test_the_packages_are_those_of_this_checkout(package: object) -> None:
    # Another distribution also calls its package `evals`.
    file = getattr(package, "__file__", None)
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("evals/suites.py", "from evals.errors import SpecError\nimport yaml", []),
        ("evals/suites.py", "import runners.records", ["runners.records"]),
        ("evals/suites.py", "from evals.tasks import load", ["evals.tasks.load"]),
        ("evals/tasks/load.py", "from ...runners import records", ["runners.records"]),
        ("evals/__init__.py", "from . import errors", ["evals.errors"]),
        ("runners/jobs/job.py", "from evals.suites import Suite\nimport runners.records", []),
        ("runners/jobs/job.py", "from runners.jobs import phases", []),
        ("runners/jobs/job.py", "import runners.batches.fit", ["runners.batches.fit"]),
        ("runners/records/store.py", "import runners.worker.wire", ["runners.worker.wire"]),
        ("runners/jobs/job.py", "def f():\n    import leaderboard.gate", ["leaderboard.gate"]),
        ("runners/jobs/job.py", "import leaderboards", []),
        ("runners/cli/check.py", "def f():\n    from leaderboard.gate import gate", []),
        ("leaderboard/gate/gate.py", "from runners.records.record import Record", []),
        ("leaderboard/gate/gate.py", "from runners.jobs import run", ["runners.jobs.run"]),
        ("leaderboard/gate/gate.py", "import leaderboard.pages", ["leaderboard.pages"]),
        (
            "leaderboard/gate/gate.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import runners.jobs",
            ["runners.jobs"],
        ),
        ("leaderboard/gate/gate.py", "import_module('runners.jobs')", ["runners.jobs"]),
    ],
)
def test_the_rule_of_floors_can_fail(path: str, source: str, found: list[str]) -> None:
    assert refused(source, Path(path)) == found


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("runners/engine/plan.py", "import numpy\nfrom runners.worker import protocol", []),
        ("runners/engine/plan.py", "import pydantic", ["pydantic"]),
        ("runners/engine/plan.py", "from evals.errors import X", ["evals.errors.X"]),
        ("runners/worker/wire.py", "def f():\n    import pandas as pd", ["pandas"]),
        ("runners/worker/__main__.py", "import runners.runtimes.x", ["runners.runtimes.x"]),
        (
            "runners/runtimes/fake/runtime.py",
            "from runners.runtimes.spec import Settings",
            ["runners.runtimes.spec.Settings"],
        ),
        ("runners/runtimes/hf/model.py", "import torch.nn", []),
        ("runners/runtimes/fake/runtime.py", "import torch", ["torch"]),
        (
            "runners/runtimes/fake/runtime.py",
            "import runners.runtimes.hf.model",
            ["runners.runtimes.hf.model"],
        ),
        ("runners/jobs/job.py", "import streamlit as st", ["streamlit"]),
        ("leaderboard/pages/theme.py", "import plotly", []),
        ("leaderboard/pages/theme.py", "import streamlit", ["streamlit"]),
        ("leaderboard/app/style.py", "import streamlit", []),
    ],
)
def test_the_rule_of_weight_can_fail(path: str, source: str, found: list[str]) -> None:
    assert heavy(source, Path(path)) == found


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("runners/jobs/job.py", "if runtime == 'llamacpp': pass", ["llamacpp"]),
        ("runners/cli/run.py", "kinds = {'hf': 1}", ["hf"]),
        ("leaderboard/pages/theme.py", "name = 'fake'", ["fake"]),
        ("leaderboard/pages/theme.py", "'The runtime hf.'\nx = 'llamacpp 1'", []),
        ("evals/fetch/remote.py", "scheme = 'hf'", []),
        ("runners/doctor/counters.py", "a, b = 'fake', 'hf'", ["hf"]),
        ("runners/runtimes/table.py", "name = 'llamacpp'", []),
        ("runners/jobs/job.py", "from runners.runtimes.llamacpp.prove import Proof", []),
        (
            "runners/jobs/job.py",
            "from runners.runtimes.hf.spec import SPEC",
            ["runners.runtimes.hf.spec.SPEC"],
        ),
    ],
)
def test_the_rule_of_runtimes_can_fail(path: str, source: str, found: list[str]) -> None:
    assert runtimes_named(source, Path(path)) == found


def test_the_rule_of_circles_can_fail() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_the_print_rule_can_fail() -> None:
    assert prints("x = 1\ndef f():\n    print(x)\n") == [3]
    assert prints("console.print('x')\nprinter(1)\n# print(1)\n") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Item scores of one run.", []),
        ("Of its `scored` run.", [1]),
        ("As lm-eval prints it.", [1]),
        ("Likewise, on a GPU.", [1]),
        ("Whether it was asked.", [1]),
        ("None: the wheel itself.", [1]),
        ("Offset, asymptote, whether items count.", []),
        ("word " * 25 + "end.", [1]),
        ("word " * 24 + "end.", []),
        ("word " * 24 + "end. A second sentence may follow.", []),
        ("word " * 20 + "e.g. one of these five words.", [1]),
        ("word " * 20 + "end\n\nArgs:\n    one: two three four five six seven.", []),
    ],
)
def test_the_rule_of_docstrings_can_fail(text: str, found: list[int]) -> None:
    assert riddles(f'"""{text}"""') == found
    assert riddles(f'class A:\n    x = 1\n    """{text}"""') == [line + 2 for line in found]
