"""Programs that try to get out of the sandbox, or to pass without passing.

Where the sandbox cannot be had (a container without user namespaces), they are skipped by name, and
what is left to test is that code is then refused.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from evals.errors import RuntimeFailure
from runners.sandbox import trial
from runners.sandbox.bubblewrap import Limits
from runners.sandbox.program import run_program

pytestmark = pytest.mark.slow
REASON = trial.why_not()
inside = pytest.mark.skipif(bool(REASON), reason=f"no sandbox here: {REASON}")
SHORT = Limits(seconds=3)
MORE_NAMESPACES = """
import ctypes
libc = ctypes.CDLL(None)
assert libc.unshare(0x10020000) == 0, 'refused'  # CLONE_NEWUSER | CLONE_NEWNS
assert libc.mount(b'a', b'/tmp', b'tmpfs', 0, b'size=1g') == 0, 'a namespace, and no mount'
"""


@inside
def test_a_program_that_runs_to_its_end_passes() -> None:
    assert run_program("import math\nassert math.gcd(12, 18) == 6\nprint('é🙂')").passed
    wrong = run_program("assert 1 == 2, 'so it is not'")
    assert (wrong.reason, wrong.passed) == ("failed", False)
    assert wrong.said.endswith("AssertionError: so it is not")


@inside
@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "raise SystemExit",
        "import sys; print('passed'); sys.exit()",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "x = (",
        "",
    ],
    ids=["exit", "_exit", "SystemExit", "says so", "kills itself", "no Python", "nothing"],
)
def test_who_leaves_early_has_not_passed(code: str) -> None:
    assert run_program(code + "\nassert False").reason == "failed"


@inside
def test_there_is_no_network() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)"
        outcome = run_program(code)
    assert outcome.reason == "failed"
    assert "refused" in outcome.said or "unreachable" in outcome.said


@inside
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = bytearray(1 << 30)", "MemoryError"),
        ("open('/tmp/large', 'wb').write(b'x' * (2 << 20))", "File too large"),
        ("open('/usr/lib/mine', 'w')", "Read-only file system"),
        ("open('/dev/shm/mine', 'w')", "Read-only file system"),
        ("open('/dev/mine', 'w')", "Read-only file system"),
        ("for n in range(9999): open(f'/f{n}', 'wb').write(b'x' * 1_000_000)",
         "Read-only file system"),
        ("for n in range(40): open(f'/tmp/{n}', 'wb').write(b'x' * 1_000_000)", "No space left"),
        ("open('/etc/passwd')", "No such file"),
        ("import os; os.listdir(os.path.expanduser('~root'))", "Error"),
        ("import os; os.mkdir('/mine'); os.chroot('/')", "Error"),
        ("import os; os.setuid(0)", "Error"),
        ("[open('/dev/null') for _ in range(200)]", "Too many open files"),
        ("import os; os.kill(1, 9); assert False, 'still here'", "still here"),
        ("import ctypes; assert ctypes.CDLL(None).unshare(0x00020000) == 0, 'refused'", "refused"),
        (MORE_NAMESPACES, "refused"),
        ("import ctypes; assert ctypes.CDLL(None).mount(b'a', b'/tmp', b'tmpfs', 0, 0) == 0, 'no'",
         "no"),
    ],
    ids=["memory", "large file", "foreign folder", "shared memory", "devices",
         "files in the root", "many files", "passwd", "home", "root folder", "root", "open files",
         "init", "unshare", "namespaces of its own", "mount"],
)  # fmt: skip
def test_what_is_not_there_or_not_allowed(code: str, says: str) -> None:
    outcome = run_program(code, SHORT)
    assert outcome.reason == "failed"
    assert says in outcome.said


@inside
def test_it_sees_nothing_of_this_process() -> None:
    os.environ["WEIGHIN_TEST_SECRET"] = "not for you"
    try:
        outcome = run_program(
            "import os\nassert 'WEIGHIN_TEST_SECRET' not in os.environ, os.environ\n"
            "assert len(os.environ) < 6\n"
            "assert len([p for p in os.listdir('/proc') if p.isdigit()]) < 5\n"
            f"assert not os.path.exists({str(Path(__file__).parent)!r})"
        )
    finally:
        del os.environ["WEIGHIN_TEST_SECRET"]
    assert outcome.passed, outcome.said


@inside
def test_processes_are_few() -> None:
    code = """
import os, time
made = 0
try:
    for _ in range(500):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
assert 1 <= made < 20, made
"""
    assert run_program(code, Limits(seconds=8)).passed


@inside
def test_an_endless_loop_and_its_children_are_ended() -> None:
    code = "import os\nos.fork()\nos.fork()\nwhile True: pass"
    assert run_program(code, Limits(seconds=1)).reason == "time"


@inside
def test_a_child_that_stays_does_not_keep_the_program() -> None:
    # The output's other end stays open in the child; the clock ends both.
    code = "import os, time\nif os.fork() == 0: time.sleep(60)"
    assert run_program(code, Limits(seconds=2)).reason in ("passed", "time")


@inside
def test_more_output_than_is_read_ends_it() -> None:
    limits = Limits(seconds=8, output_bytes=10_000)
    assert run_program("while True: print('x' * 1000)", limits).reason == "output"


def test_without_a_sandbox_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No bubblewrap on the path: refused, and never run bare."""
    trial.tried.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        with pytest.raises(RuntimeFailure, match=r"cannot be run here: .*(bubblewrap|Linux)"):
            trial.require_sandbox()
    finally:
        trial.tried.cache_clear()


@inside
def test_a_sandbox_that_leaks_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial looks: with a folder too much in it, code is refused."""
    monkeypatch.setattr(trial, "TRIAL", trial.TRIAL.replace('"dev", ', ""))
    assert "a trial in the sandbox failed: " in trial._tried().reason


@inside
def test_a_sandbox_that_can_be_written_to_is_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TRIAL", trial.TRIAL.replace('"/mine"', '"/tmp/mine"'))
    assert "it wrote beside its own folder" in trial._tried().reason


@inside
def test_the_trial_tells_which_python_programs_run_on() -> None:
    assert run_program(
        f"import sys\nassert sys.version.startswith('{trial.tried().python}')"
    ).passed


@pytest.mark.parametrize(
    ("version", "held"), [("3.9.2", False), ("3.10.0", True), ("3.13.1", True)]
)
def test_an_old_python_is_refused(version: str, held: bool) -> None:
    found = trial.with_python(version)
    assert (found.python, bool(found.reason)) == ((version, False) if held else ("", True))
    assert held or "3.9.2 here, and what models write needs 3.10 or later" in found.reason
