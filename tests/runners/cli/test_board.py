"""`weighin board`: what it starts, and what it says where it cannot."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.app.hosts import HOSTS
from leaderboard.app.launch import APP, MACHINE, PRESETS, STORES, SUITES, arguments, environment
from leaderboard.pages.presets import Preset
from runners.cli.board import command
from runners.endpoint.listening import free_port

WEIGHIN = str(Path(sys.executable).with_name("weighin"))


SERVED = {"/": 200, "/static/index.html": 200, "/media/none.csv": 404, "/_stcore/stream": 101}
"""One path of each kind that Streamlit serves, and the status that a known name gets."""


def asked(port: int, path: str, host: str) -> int:
    """The status of a request under a name; for the stream of one that opens a WebSocket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}"}
    if path == "/_stcore/stream":
        headers |= {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # RFC 6455's own
        }
    with closing(connection):
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def test_every_setting_is_a_flag():
    found = arguments(port=1234, address="127.0.0.1", theme="auto")
    assert found[:4] == ["-P", "-m", "leaderboard.app", "run"]
    assert Path(found[4]) == APP
    assert "--browser.gatherUsageStats=false" in found
    assert "--server.port=1234" in found
    assert any(flag.startswith("--theme.dark.backgroundColor=") for flag in found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_holds_whatever_the_browser_prefers(theme: str):
    found = arguments(port=1, address="127.0.0.1", theme=theme)
    assert f"--theme.base={theme}" in found
    backgrounds = {flag.partition("=")[2] for flag in found if ".backgroundColor" in flag}
    assert len(backgrounds) == 1


@pytest.mark.parametrize(
    ("address", "called"),
    [("0.0.0.0", "localhost"), ("::", "localhost"), ("127.0.0.1", "127.0.0.1")],
)
def test_nobody_is_asked_for_this_machines_address(address: str, called: str):
    """Streamlit asks a service on the internet where it is not told."""
    assert f"--browser.serverAddress={called}" in arguments(port=1, address=address, theme="auto")


def test_the_stores_are_told_as_a_list(tmp_path: Path):
    odd = tmp_path / 'a:b "c"'
    presets = [Preset(name="pi", memory_bytes=4)]
    assert environment([odd], ["localhost"], "1a13", presets, ["core"]) == {
        STORES: f'["{str(odd).replace(chr(34), chr(92) + chr(34))}"]',
        HOSTS: '["localhost"]',
        MACHINE: "1a13",
        SUITES: '["core"]',
        PRESETS: '[["pi", 4, null]]',
    }


def test_a_taken_port_is_one_clear_line():
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = CliRunner().invoke(command, ["--no-browser", "--port", str(port)])
    assert done.exit_code == 1  # the command line maps it to 3
    assert f"--port {port}: something else listens there; give another" in done.output


def test_a_store_that_is_not_there_is_named(tmp_path: Path):
    done = CliRunner().invoke(command, ["--store", str(tmp_path / "none")])
    assert f"--store {tmp_path / 'none'}: there is no such folder" in done.output


@pytest.mark.slow
def test_it_serves_until_it_is_interrupted_and_takes_no_settings_from_where_it_is(tmp_path: Path):
    # A stranger's folder: its own packages of our names, and settings that would not start.
    for name in ("leaderboard", "runners", "evals"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text("[server]\nport = 1\n")
    port = free_port()
    process = subprocess.Popen(
        [
            WEIGHIN,
            "board",
            "--no-browser",
            "--port",
            str(port),
            "--store",
            str(tmp_path),
            "--allow-host",
            "proxy.example",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr
        assert process.stderr.readline() == (
            f"the board is at http://localhost:{port} (Ctrl-C ends it)\n"
        )
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
            assert answer.read() == b"ok"
        for path, served in SERVED.items():
            assert asked(port, path, "localhost") == served
            assert asked(port, path, "proxy.example") == served
            assert asked(port, path, "evil.example") == 403
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))  # nothing listens there any more
