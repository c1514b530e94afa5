"""Everything imports on macOS and Windows, and says what it cannot measure there.

Neither system is at hand where these tests run: what they lack is taken away instead.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("evals", "runners", "leaderboard")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "msvcrt", "winreg"}
ATTRIBUTES = {
    "os": {
        "chown", "fork", "getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getuid",
        "killpg", "mkfifo", "nice", "O_DIRECTORY", "O_NOFOLLOW", "pidfd_open", "posix_fadvise",
        "POSIX_FADV_DONTNEED", "pread", "sched_getaffinity", "sched_setaffinity", "setpgid",
        "setsid", "startfile", "statvfs", "sysconf", "uname", "wait4", "waitid", "WNOHANG",
    },
    "signal": {
        "alarm", "ITIMER_REAL", "pthread_kill", "pthread_sigmask", "setitimer", "SIGALRM",
        "SIGBUS", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP",
        "SIGUSR1", "SIGUSR2",
    },
    "socket": {"AF_UNIX", "socketpair"},
    "time": {"clock_gettime", "CLOCK_MONOTONIC", "tzset"},
}  # fmt: skip
# Used only where a file of /proc was found before, which no other system has.
BEHIND_PROC = {
    ("runners/measure/noise.py", "os.sysconf"),
    ("runners/measure/group_usage.py", "os.sysconf"),
    ("runners/compute/groups.py", "signal.SIGKILL"),
}
# Streamlit's script runs when it is imported.
SCRIPTS = ("leaderboard.app.board",)


def uses(tree: ast.AST) -> Iterator[tuple[str, list[ast.AST]]]:
    """What a source uses that not every system has, each with the nodes around it."""

    def walk(node: ast.AST, around: list[ast.AST]) -> Iterator[tuple[str, list[ast.AST]]]:
        match node:
            case ast.Import(names=names):
                yield from ((a.name, around) for a in names if a.name in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                if module in MODULES:
                    yield module, around
                missing = ATTRIBUTES.get(module, set())
                yield from ((f"{module}.{a.name}", around) for a in names if a.name in missing)
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                if attr in ATTRIBUTES.get(name, ()):
                    yield f"{name}.{attr}", around
        for child in ast.iter_child_nodes(node):
            yield from walk(child, [*around, node])

    return walk(tree, [])


def guarded(around: list[ast.AST]) -> bool:
    """Whether a use stands behind a look at the system, or behind an error that is expected."""
    for node in around:
        if isinstance(node, ast.Try):
            caught = {n.id for h in node.handlers for n in ast.walk(h) if isinstance(n, ast.Name)}
            if caught & {"ImportError", "ModuleNotFoundError", "AttributeError"}:
                return True
        looks = isinstance(node, ast.If | ast.IfExp | ast.FunctionDef) and ast.unparse(
            node.test if isinstance(node, ast.If | ast.IfExp) else node
        )
        if looks and ("sys.platform" in looks or "hasattr(" in looks):
            return True
    return False


def unguarded(source: str, path: str) -> list[str]:
    return [
        name
        for name, around in uses(ast.parse(source))
        if not guarded(around) and (path, name) not in BEHIND_PROC
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_only_some_systems_have_is_guarded(path: Path):
    found = unguarded(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    assert found == [], "look at sys.platform (or hasattr) first"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import fcntl", ["fcntl"]),
        ("import signal\nKILL = signal.SIGKILL", ["signal.SIGKILL"]),
        ("def f():\n    from os import getuid", ["os.getuid"]),
        ("def f():\n    return os.getuid()", ["os.getuid"]),
        ("import sys\nif sys.platform != 'win32':\n    import fcntl", []),
        ("try:\n    import resource\nexcept ImportError:\n    resource = None", []),
        ("try:\n    import resource\nexcept OSError:\n    pass", ["resource"]),
        ("def f():\n    if hasattr(os, 'getuid'):\n        return os.getuid()", []),
        ("def f():\n    if sys.platform == 'win32':\n        return\n    os.killpg(1, 9)", []),
        ("import signal\nTERM = signal.SIGTERM", []),
    ],
)
def test_the_guard_rule_can_fail(source: str, found: list[str]):
    assert unguarded(source, "x.py") == found


# Everything is imported once, so that the standard library and what others wrote is there; then, in
# a process for each system, ours is forgotten, the system is changed, and ours is imported again.
IMPORTS = """
import importlib, json, os, signal, sys
modules = json.loads(sys.argv[1])
SYSTEMS = {
    "win32": {
        "modules": ["fcntl", "resource", "pwd", "grp", "termios"],
        os: ["getuid", "geteuid", "killpg", "setsid", "getloadavg", "sched_getaffinity", "sysconf",
             "uname", "posix_fadvise"],
        signal: ["SIGKILL", "SIGALRM", "SIGHUP", "setitimer", "alarm", "ITIMER_REAL"],
    },
    "darwin": {"modules": [], os: ["sched_getaffinity", "posix_fadvise"], signal: []},
}

def bring():
    failed = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed[name] = error.name
    return failed

def bring_without(system, missing):
    for name in [n for n in sys.modules if n.split(".")[0] in ("evals", "runners", "leaderboard")]:
        del sys.modules[name]
    for name in missing.pop("modules"):
        sys.modules[name] = None
    for module, names in missing.items():
        for name in names:
            delattr(module, name)
    sys.platform = system
    return bring()

print(json.dumps({"here": bring()}), flush=True)
for system, missing in SYSTEMS.items():
    if os.fork() == 0:
        print(json.dumps({system: bring_without(system, missing)}), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(1)
"""


def modules() -> list[str]:
    names = []
    for path in SOURCES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [n for n in names if not n.startswith(SCRIPTS) and not n.endswith("__main__")]


@pytest.fixture(scope="module")
def failed() -> dict[str, dict[str, str]]:
    """System -> module that cannot be imported there -> what it lacks."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", IMPORTS, json.dumps(modules())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, str]] = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return found


@pytest.mark.parametrize("system", ["win32", "darwin"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process for each system")
@pytest.mark.slow
def test_everything_imports_where_that_is_missing(system: str, failed: dict[str, dict[str, str]]):
    assert set(failed["here"].values()) <= {"llama_cpp", "torch", "transformers"}  # extras
    assert failed[system] == failed["here"]
