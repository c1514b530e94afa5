"""`hf:` addresses, with the real huggingface_hub against a small hub on this machine.

The hub's address is read when huggingface_hub is imported, so each test asks in a process of its
own.
"""

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
BODY = bytes(range(256)) * 64
REPOS = {"org/one": ["README.md", "one.Q4_0.gguf"], "org/two": ["a.gguf", "sub/b.gguf"]}
ASK = """
import json, sys
from evals.artifacts import fetch
from evals.errors import ArtifactError
answers = []
for uri, options in json.loads(sys.argv[1]):
    told = []
    try:
        got = fetch(uri, progress=lambda *t: told.append(t), **options)
        answers.append([got.path.name, got.sha256, told[-1:]])
    except ArtifactError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks: the list of files, then HEAD and GET of one."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        repo = "/".join(self.path.removeprefix("/api/models").split("/")[1:3])
        if repo == "org/gated":
            return self.refuse(403, "GatedRepo")
        if repo not in REPOS:
            return self.refuse(404, "RepoNotFound")
        if "/tree/" in self.path:
            files = [
                {"type": "file", "path": p, "size": len(BODY), "oid": "0" * 40} for p in REPOS[repo]
            ]
            return self.answer(json.dumps(files).encode(), "application/json")
        if self.path.split("/resolve/main/")[-1] not in REPOS[repo]:
            return self.refuse(404, "EntryNotFound")
        return self.answer(BODY, "application/octet-stream")

    def refuse(self, code: int, word: str) -> None:
        self.send_response(code)
        self.send_header("X-Error-Code", word)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
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


def ask(*requests: tuple[str, dict[str, Any]]) -> list[Any]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK, json.dumps(requests)],
        env=env,
        text=True,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_the_only_gguf_is_found_once_and_then_nobody_is_asked(hub: list[str]) -> None:
    first = ask(("hf:org/one", {}))
    digest = hashlib.sha256(BODY).hexdigest()
    assert first == [["one.Q4_0.gguf", digest, [["one.Q4_0.gguf", len(BODY), len(BODY)]]]]
    so_far = len(hub)
    warm = ask(
        ("hf:org/one", {}),
        ("hf:org/one", {"offline": True}),
        ("hf:org/one#one.Q4_0.gguf", {}),  # another address, whose file the hub's cache has
        ("hf:org/one@main#one.Q4_0.gguf", {"offline": True, "sha256": digest}),
    )
    assert [answer[:2] for answer in warm] == [["one.Q4_0.gguf", digest]] * 4
    assert len(hub) == so_far


def test_each_way_not_to_get_a_file_is_one_line(hub: list[str]) -> None:
    several, missing, gated, file, wrong, offline, unnamed = ask(
        ("hf:org/two", {}),
        ("hf:org/none#x.gguf", {}),
        ("hf:org/gated#x.gguf", {}),
        ("hf:org/two#c.gguf", {}),
        ("hf:org/two#a.gguf", {"sha256": "0" * 64}),
        ("hf:org/two#sub/b.gguf", {"offline": True}),
        ("hf:org/two", {"offline": True}),
    )
    assert several == "hf:org/two: has 2 .gguf files, add #FILE; it has: a.gguf, sub/b.gguf"
    assert "no such repository as org/none, or it is private" in missing
    assert "is gated: accept its terms on huggingface.co/org/gated" in gated
    assert file == "hf:org/two#c.gguf: org/two has no file c.gguf"
    assert f"expected {'0' * 64}; it is not used" in wrong
    assert "not in the hub's cache, and offline" in offline
    assert "offline; name the file: hf:org/two#FILE.gguf" in unnamed


def test_no_hub_at_all(hub: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert ask(("hf:org/one#one.Q4_0.gguf", {}), ("hf:org/one", {})) == [
        "hf:org/one#one.Q4_0.gguf: the hub cannot be reached; "
        "check the network, HF_ENDPOINT and HF_HUB_OFFLINE",
        "hf:org/one: the hub cannot be reached; check the network, HF_ENDPOINT and HF_HUB_OFFLINE",
    ]
    assert hub == []
