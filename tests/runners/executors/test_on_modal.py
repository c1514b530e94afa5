"""Modal's adapter, as far as it goes without an account: a stand-in client, a stand-in control."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evals.errors import RuntimeFailure
from runners.batches.blocks import plan_text
from runners.executors import on_modal
from runners.executors.on_modal import HOME, lend, request, unpacked
from runners.executors.on_rented import run_blocks
from runners.executors.rented import LentError, Limits
from tests.runners.conftest import Bench
from tests.runners.executors.plans import plan

ROOT = Path(__file__).parents[3]


class Error(Exception):
    """Modal's own."""


class AuthError(Error):
    """Nobody is logged in."""


class Process:
    def __init__(self, command: tuple[str, ...], folder: Path, *, text: bool) -> None:
        command = tuple(sys.executable if part == "python" else part for part in command)
        self._done = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=text)
        self.stdout: Any = self._done.stdout

    def wait(self) -> int:
        self.stdout.close()
        return self._done.wait()


class Client:
    """Modal's client, whose sandboxes are folders and processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, Any] = {}
        self.ended = 0
        self.error: Exception | None = None
        self.exception = SimpleNamespace(Error=Error, AuthError=AuthError)
        self.App = SimpleNamespace(lookup=lambda name, create_if_missing: name)
        chain = SimpleNamespace()
        for name in ("apt_install", "env", "pip_install", "run_commands"):
            setattr(chain, name, lambda *_args, **_options: chain)
        self.Image = SimpleNamespace(debian_slim=lambda _version: chain)
        self.Sandbox = SimpleNamespace(create=self.create)

    def create(self, **asked: Any) -> Any:
        if self.error:
            raise self.error
        self.asked = asked
        return SimpleNamespace(
            filesystem=SimpleNamespace(write_bytes=self.write), exec=self.run, terminate=self.end
        )

    def write(self, content: bytes, path: str) -> None:
        (self.folder / Path(path).relative_to(HOME)).write_bytes(content)

    def run(self, *command: str, workdir: str, timeout: int = 0, text: bool = True) -> Process:
        assert workdir == HOME
        return Process(command, self.folder, text=text)

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    found = Client(tmp_path)
    monkeypatch.setattr(on_modal, "_modal", lambda: found)
    return found


def test_a_block_runs_in_a_sandbox_and_its_records_come_back(
    client: Client, tiny: Path, bench: Bench
) -> None:
    limits = Limits(timeout_s=100.0, cpus=2.0, memory_bytes=1 << 30)
    text, lines = plan_text(plan(tiny, bench.fake("x"))), []
    (ended,) = run_blocks(text, [1], lambda: lend(limits), (), "typed", limits, lines.append)
    assert ended.ran is not None
    assert ended.ran.code == 0, ended.ran.said
    (name,) = [name for name in ended.ran.files if name.endswith("record.json")]
    record = json.loads(ended.ran.files[name])
    assert (record["status"], record["job"]["repeat"]) == ("completed", 1)
    assert record["executor"] == {"name": "modal"}
    assert client.asked["cpu"] == (2.0, 2.0)
    assert client.ended == 1
    assert any("preparing" in line for line in lines)


def test_what_is_asked_is_a_limit_and_no_more() -> None:
    assert request(Limits(timeout_s=10.5)) == {"timeout": 311, "workdir": HOME}
    asked = request(Limits(timeout_s=10.0, cpus=0.5, memory_bytes=512 << 20))
    assert (asked["cpu"], asked["memory"]) == ((0.5, 0.5), (512, 512))


def test_without_a_log_in_there_is_one_line(client: Client) -> None:
    client.error = AuthError("Token missing. Could not authenticate client.")
    with pytest.raises(RuntimeFailure, match="modal token new"), lend(Limits(timeout_s=1.0)):
        pass


def test_a_refusal_is_the_lenders_and_no_candidates(client: Client) -> None:
    client.error = Error("no capacity\nmore")
    with pytest.raises(LentError, match=r"modal: Error: no capacity$"), lend(Limits(timeout_s=1.0)):
        pass


def test_only_regular_files_come_out_of_an_archive() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("./a/b")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert dict(unpacked(packed.getvalue())) == {"a/b": b"abc"}
    with pytest.raises(LentError, match="damaged"):
        list(unpacked(b"no tar" * 1000))


def test_the_control_plane_is_asked_for_what_the_limits_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "modal_control.py")],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = json.loads(done.stdout)
    (definition,) = [request["definition"] for name, request in asked if name == "SandboxCreateV2"]
    resources = definition["resources"]
    assert (resources["milliCpu"], resources["milliCpuMax"]) == (2000, 2000)
    assert (resources["memoryMb"], resources["memoryMbMax"]) == (512, 512)
    assert definition["timeoutSecs"] == 3900
    built = json.dumps([request for name, request in asked if name == "ImageGetOrCreate"])
    assert "weighin[llamacpp]==" in built
    assert "GGML_NATIVE=OFF" in built
    assert [name for name, _ in asked][-1] == "SandboxTerminateV2"
