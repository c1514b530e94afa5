"""A server is started, waited for and ended whole; each way in which that fails has its name."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from runners.endpoint.listening import Listening, free_port, listening
from runners.endpoint.started import StartedServer, filled
from runners.worker.__main__ import PR_SET_CHILD_SUBREAPER
from runners.worker.family import listed_tree
from runners.worker.runtime import WorkerError

TINY = Path(__file__).parents[2] / "support" / "tiny_server.py"
LONG_S = 30.0
STARTER = """
import ctypes, os, sys, time
from runners.endpoint.listening import listening
from runners.endpoint.started import StartedServer
from runners.worker.__main__ import PR_SET_CHILD_SUBREAPER
from runners.worker.family import listed_tree

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
port, *argv = sys.argv[1:]
server = StartedServer(argv, port=int(port))
while not listening(int(port), [server.pid]).ours:
    time.sleep(0.005)
print(*listed_tree(os.getpid())[1:], flush=True)
time.sleep(600)
"""


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def _keeps_orphans() -> Iterator[None]:
    """Orphans come to this process, as they come to a worker."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def started(opened: ExitStack, *modes: str, port: int = 0) -> StartedServer:
    port = port or free_port()
    argv = [sys.executable, "-I", "-S", str(TINY), str(port), *modes]
    server = StartedServer(argv, port=port, name="tiny")
    opened.callback(server.stop)
    return server


def ready(server: StartedServer) -> bool:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=LONG_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait(server: StartedServer, timeout_s: float = LONG_S) -> None:
    server.wait_until(lambda: ready(server), timeout_s=timeout_s)


def alive(pid: int) -> bool:
    """True for a process that runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> bool:
    """True once none of them runs; what was killed needs a moment."""
    until = time.monotonic() + LONG_S
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.005)
    return not any(map(alive, pids))


def test_a_server_is_ready_when_it_answers_and_gone_when_it_is_stopped(opened: ExitStack):
    server = started(opened, "helper")
    wait(server)
    assert ready(server)
    tree = list(listed_tree(server.pid) or ())
    assert len(tree) == 2  # itself and its helper
    server.stop()
    assert not any(map(alive, tree))
    assert listening(server.port, []) == Listening(ours=0, others=0)


def test_children_that_come_and_go_have_not_left_it(opened: ExitStack):
    argv = ["/bin/sh", "-c", "while :; do (:); done"]
    server = StartedServer(argv, port=free_port(), name="busy")
    opened.callback(server.stop)
    for _ in range(50):
        server.check()


def test_one_that_does_not_heed_is_ended(opened: ExitStack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("runners.endpoint.started.STOP_WAIT_S", 0.01)
    server = started(opened, "stubborn", "helper")
    wait(server)
    tree = list(listed_tree(server.pid) or ())
    server.stop()
    assert not any(map(alive, tree))


def test_a_program_that_is_not_there():
    with pytest.raises(WorkerError, match=r"^/no/such/server cannot be started: No such file"):
        StartedServer(["/no/such/server"], port=1)


def test_one_that_ends_says_how_and_why(opened: ExitStack):
    server = started(opened, "refuses")
    with pytest.raises(WorkerError) as caught:
        wait(server)
    assert str(caught.value) == "tiny ended with exit code 3; it said: error: no such model"


def test_one_that_dies_of_a_request(opened: ExitStack):
    server = started(opened, "dies")
    with pytest.raises(WorkerError, match=r"^tiny ended by SIGSEGV; it said: listening$"):
        wait(server)


@pytest.mark.parametrize(("mode", "heard"), [("deaf", "does not listen"), ("loads", "listens")])
def test_one_that_is_never_ready(mode: str, heard: str, opened: ExitStack):
    server = started(opened, mode)
    if mode == "loads":
        while not (found := listening(server.port, [server.pid])) or not found.ours:
            time.sleep(0.005)
    with pytest.raises(WorkerError, match=f"^tiny was not ready after 0.2 s: it {heard} on port"):
        wait(server, timeout_s=0.2)


@pytest.mark.usefixtures("_keeps_orphans")
@pytest.mark.parametrize("mode", ["daemonises", "leaves"])
def test_one_that_leaves_its_process_tree_is_noticed_and_ended(mode: str, opened: ExitStack):
    server = started(opened, mode)
    with pytest.raises(WorkerError, match="went into the background") as caught:
        wait(server)
    escaped = int(str(caught.value).split("process ")[1].split()[0])
    server.stop()
    assert not alive(escaped)


def test_a_port_that_another_server_shares_is_taken(opened: ExitStack):
    """llama-server sets SO_REUSEPORT: two of them listen at one port, and either one answers."""
    other = started(opened)
    wait(other)
    server = started(opened, port=other.port)
    with pytest.raises(WorkerError, match=f"^port {other.port} is taken: another server than tiny"):
        wait(server)


def test_an_answer_from_another_server_is_not_ready(opened: ExitStack):
    other = started(opened)
    wait(other)
    server = started(opened, "deaf", port=other.port)
    assert ready(server)  # the other one answers for it
    with pytest.raises(WorkerError, match="is taken"):
        wait(server)


@pytest.mark.parametrize("modes", [["helper"], ["helper", "leaves"]])
def test_no_process_outlives_one_that_is_killed(modes: list[str], tmp_path: Path):
    """SIGKILL leaves nobody time to tidy up; what it started is ended all the same."""
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    port = free_port()
    tiny = [sys.executable, "-I", "-S", str(TINY), str(port), *modes]
    starter = subprocess.Popen(
        [sys.executable, "-P", str(script), str(port), *tiny], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    assert len(pids) == 2 + len(modes)  # sweeper, server, and what it started
    assert all(map(alive, pids))
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    try:
        assert gone(pids)
    finally:
        for pid in pids:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def test_places_in_a_command_are_filled_once():
    command = ["serve", "-m", "{weights}", "--port={port}", "{other}", "{{port}}"]
    # A path may look like a place; it is not filled again.
    assert filled(command, {"weights": "/a/{port}.gguf", "port": "8"}) == [
        "serve", "-m", "/a/{port}.gguf", "--port=8", "{other}", "{8}",
    ]  # fmt: skip
