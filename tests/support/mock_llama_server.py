"""A llama-server that is none: the mock behind llama-server's command line, with faults of its own.

`program` writes a script that is started like the real one. What befalls it is told by variables:
MOCK_TOLD (JSON, `MockOptions`), MOCK_HOLDS (bytes that it touches), MOCK_SPARES (a number of slots
of which nothing befalls it), and MOCK_FAULT, one of:

refuses      ends before it listens
deaf         never listens
daemonises   goes into the background
unready      says for ever that it is loading
unloaded     says that it is ready, and lets the first answer wait
dies:N       is killed at the N-th completion
hangs:N      never answers the N-th
"""

import itertools
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import MockServer
from runners.runtimes.fake.memory import touched

UNLOADED_S = 0.4
HELP = "-m -c -t -np -fa [on|off|auto] -ctk -ctv -ngl -lm --no-repack --no-cache-prompt -cram --fit"


def program(folder: Path) -> Path:
    """Write the script, and say where it lies."""
    path = folder / "llama-server"
    root = Path(__file__).resolve().parents[2]
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        "from tests.support.mock_llama_server import main\nmain(sys.argv[1:])\n"
    )
    path.chmod(0o755)
    return path


def main(arguments: list[str]) -> None:
    """Do as llama-server does, or as MOCK_FAULT says."""
    if "--version" in arguments or "--help" in arguments:
        sys.stderr.write(f"version: 7 (mock)\n{HELP}\n")
        return
    fault, _, at = os.environ.get("MOCK_FAULT", "").partition(":")
    port = int(arguments[arguments.index("--port") + 1])
    if fault == "refuses":
        sys.exit("error: failed to load model")
    if fault == "daemonises":
        if os.fork():
            os._exit(0)
        time.sleep(0.05)  # until the one that was started is gone
    if fault == "deaf":
        time.sleep(600)
    held = touched(int(os.environ.get("MOCK_HOLDS", "0")))  # noqa: F841  # kept until the end
    slots = int(_value(arguments, "-np", "1"))
    fault = "" if os.environ.get("MOCK_SPARES") == str(slots) else fault
    context = int(_value(arguments, "-c", "4096")) // slots
    told = {"slots": slots, "context": context, **json.loads(os.environ.get("MOCK_TOLD", "{}"))}
    server = _loading(port) if fault == "unready" else _mock(port, told, fault, int(at or 1))
    sys.stderr.write("listening\n")
    server.serve_forever(0.01)


def _value(arguments: list[str], flag: str, default: str) -> str:
    return arguments[arguments.index(flag) + 1] if flag in arguments else default


def _mock(port: int, told: dict[str, Any], fault: str, at: int) -> MockServer:
    options = MockOptions(speaks=("llama-server",), **told)
    server = MockServer(options, port=port)
    usual, asked = server.mock.next_fault, itertools.count(1)

    def next_fault() -> str:
        if next(asked) == at:
            if fault == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "hangs":
                return "hang"
            if fault == "unloaded":
                time.sleep(UNLOADED_S)
        return usual()

    server.mock.next_fault = next_fault  # type: ignore[method-assign]
    return server


def _loading(port: int) -> HTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503, "Loading model")

    return HTTPServer(("127.0.0.1", port), Handler)
