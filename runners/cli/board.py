"""`weighin board`: the leaderboard, served to a browser on this machine."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import click

from runners.cli import say
from runners.cli.computers import presets
from runners.records.store import default_store

STARTING_S = 60.0
STOPPING_S = 5.0


@click.command("board")
@click.option("--store", "stores", type=click.Path(path_type=Path), multiple=True, metavar="DIR",
              help="Folder of records, or of such folders; may be given several times (default: "
                   "results in a checkout, else ./weighin-results).")  # fmt: skip
@click.argument("repositories", nargs=-1, metavar="[hf:OWNER/NAME]…")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8501, metavar="N", help="Default: 8501."
)
@click.option("--address", default="127.0.0.1", metavar="HOST",
              help="Whom to serve: 127.0.0.1, this machine alone (default); 0.0.0.0, everyone "
                   "who can reach it.")  # fmt: skip
@click.option("--allow-host", "allowed", multiple=True, metavar="NAME",
              help="Also answer to this name, as behind a proxy; '*': to every name. May be given "
                   "several times. IP addresses, localhost and this machine's own name are "
                   "answered without.")  # fmt: skip
@click.option("--theme", type=click.Choice(["auto", "light", "dark"]), default="auto",
              help="auto: as the browser prefers (default).")  # fmt: skip
@click.option("--browser/--no-browser", default=True, help="Open a browser (default), or not.")
def command(
    repositories: tuple[str, ...], stores: tuple[Path, ...], port: int, address: str,
    allowed: tuple[str, ...], theme: str, *, browser: bool,
) -> int:  # fmt: skip
    """Show records in a browser: which candidate to ship, and what it rests on.

    With hf:OWNER/NAME the runs of that dataset repository of the hub, which are not verified.

    What runs is seen above every page and refreshed by itself; what ends appears. Ctrl-C ends it.
    """
    from evals.suites import suite_names
    from leaderboard.app.hosts import names
    from leaderboard.app.launch import arguments, environment
    from runners.compute.machine import machine

    pulled = _pulled(repositories)
    for path in stores:
        if not path.is_dir():
            raise click.UsageError(f"--store {path}: there is no such folder")
    _check_free(address, port)
    folders = [path.resolve() for path in (*stores, *pulled) or (_default(),)]
    told = environment(
        folders, names(address, allowed), machine().fingerprint, presets(), suite_names()
    )
    # A folder of its own to start in: Streamlit would take settings from a stranger's.
    server = subprocess.Popen(
        [sys.executable, *arguments(port=port, address=address, theme=theme)],
        env={**os.environ, **told},
        cwd=Path(__file__).parent,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C comes to us, and we end it
    )
    try:
        _wait_until_up(server, address, port)
        url = f"http://{_reachable(address)}:{port}"
        click.echo(f"the board is at {url} (Ctrl-C ends it)", err=True)
        if browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(url)
        code = server.wait()
    except KeyboardInterrupt:
        return 0  # that is how a board ends
    finally:
        _stop(server)
    raise click.ClickException(f"the board's server ended by itself with code {code}")


def _pulled(repositories: tuple[str, ...]) -> list[Path]:
    """Stores of repositories of the hub, each brought up to date."""
    from runners.cli.pull import print_pulled
    from runners.hub.pull import board_store
    from runners.hub.repository import parse_repository

    found = []
    for text in repositories:
        where = parse_repository(text)
        root, pulled = board_store(where, say)
        print_pulled(where, pulled, root)
        found.append(root)
    return found


def _default() -> Path:
    """`results` in a checkout, with the reference runs in it; else where runs go."""
    store = default_store()
    return store.parent if store.name == "runs" else store


def _check_free(address: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, where = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except UnicodeError as error:
        raise click.UsageError(f"--address {address}: no host has such a name") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"--port {port}: something else listens there; give another, e.g. "
                f"--port {port + 1 if port < 65535 else 8501}"
            ) from error
        raise click.ClickException(
            f"--address {address} --port {port}: cannot be served ({error.strerror})"
        ) from error


def _wait_until_up(server: subprocess.Popen[bytes], address: str, port: int) -> None:
    """Wait until it answers.

    Raises:
        click.ClickException: it ended, or does not answer.
    """
    until = time.monotonic() + STARTING_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise click.ClickException(f"the board's server ended with code {server.returncode}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection(_reachable(address), port, timeout=2)
            asked.request("GET", "/_stcore/health")
            if asked.getresponse().status == http.client.OK:
                return
        time.sleep(0.1)
    raise click.ClickException(f"the board's server does not answer after {STARTING_S:.0f} s")


def _reachable(address: str) -> str:
    """Host name under which a server that listens on `address` is reached from here."""
    return "localhost" if address in ("0.0.0.0", "::", "127.0.0.1") else address  # noqa: S104


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOPPING_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
