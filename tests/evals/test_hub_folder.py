"""Repositories of safetensors: the real huggingface_hub against a small hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEADER = b'{"a":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]}}'
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "model.safetensors": len(HEADER).to_bytes(8, "little") + HEADER + bytes(16),
    "README.md": b"a word",
    "pytorch_model.bin": b"pickled",
    "original/consolidated.safetensors": b"another format",
}
REPOS = {
    "org/tiny": FILES,
    "org/ggufs": {"config.json": b"{}", "a.gguf": b"GGUF"},
}
ASK = """
import json, sys
from evals.errors import ArtifactError
from evals.hub_folder import fetch_hub_folder
answers = []
for uri, offline in json.loads(sys.argv[1]):
    try:
        found = fetch_hub_folder(uri, offline=offline, progress=None)
        names = sorted(path.name for path in found.path.iterdir())
        answers.append([found.sha256, found.parameters, names])
    except ArtifactError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


class Hub(BaseHTTPRequestHandler):
    """What `snapshot_download` asks: the repository's commit and files, then each file."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        repo = "/".join(path.removeprefix("/api/models").split("/")[1:3])
        files = REPOS.get(repo)
        if files is None:
            return self.answer(404, b"", code="RepoNotFound")
        if path.startswith("/api/"):
            listed = [{"rfilename": name} for name in files]
            tree = [
                {"type": "file", "path": name, "size": len(body), "oid": "0" * 40}
                for name, body in files.items()
            ]
            content: Any = {"id": repo, "sha": COMMIT, "siblings": listed}
            return self.answer(200, json.dumps(tree if "/tree/" in path else content).encode())
        name = path.split(f"/resolve/{COMMIT}/")[-1]
        return self.answer(200, files[name])

    def answer(self, status: int, body: bytes, *, code: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    asked: list[str] = []
    handler = type("Handler", (Hub,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        try:
            yield asked
        finally:
            http.shutdown()
            thread.join()


def ask(*requests: tuple[str, bool]) -> list[Any]:
    """In a process of its own: the hub's address is read when its client is imported."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, json.dumps(requests)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_a_repository_is_fetched_once_and_only_what_matters(hub: list[str]) -> None:
    (first,) = ask(("hf:org/tiny", False))
    assert first[1:] == [8, ["config.json", "model.safetensors", "tokenizer.json"]]
    so_far = len(hub)
    assert so_far
    assert ask(("hf:org/tiny", False), ("hf:org/tiny", True)) == [first, first]
    assert len(hub) == so_far  # nobody was asked again


def test_a_copy_that_is_not_whole_is_completed(hub: list[str], tmp_path: Path) -> None:
    (first,) = ask(("hf:org/tiny", False))
    (weights,) = (tmp_path / "hf").rglob(f"snapshots/{COMMIT}/model.safetensors")
    weights.unlink()
    offline, online = ask(("hf:org/tiny", True), ("hf:org/tiny", False))
    assert "not in the hub's cache, and offline" in offline
    assert online == first


def test_what_cannot_be_had_is_one_line(hub: list[str]) -> None:
    missing, ggufs, cold = ask(
        ("hf:org/nothing", False), ("hf:org/ggufs", False), ("hf:org/tiny", True)
    )
    assert missing.startswith("hf:org/nothing: no such repository as org/nothing")
    assert ggufs.endswith("if it holds GGUF files, name one: hf:org/ggufs#FILE.gguf")
    assert cold.startswith("hf:org/tiny: not in the hub's cache, and offline")
