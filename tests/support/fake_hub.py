"""A small hub on this machine, for the real huggingface_hub.

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
GATED = "org/gated"
Repositories = Mapping[str, Mapping[str, bytes]]
"""Name of a repository -> its files."""


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks: a repository's commit and files, then HEAD and GET of each."""

    asked: list[str]
    repositories: Repositories
    etags: Mapping[bytes, str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        repo = "/".join(path.removeprefix("/api/models").split("/")[1:3])
        if repo == GATED:
            return self.answer(403, b"", code="GatedRepo")
        files = self.repositories.get(repo)
        if files is None:
            return self.answer(404, b"", code="RepoNotFound")
        if path.startswith("/api/"):
            content: Any = {
                "id": repo,
                "sha": COMMIT,
                "siblings": [{"rfilename": name} for name in files],
            }
            if "/tree/" in path:
                content = [
                    {"type": "file", "path": name, "size": len(body), "oid": "0" * 40}
                    for name, body in files.items()
                ]
            return self.answer(200, json.dumps(content).encode())
        _revision, _, name = path.partition("/resolve/")[2].partition("/")
        if name not in files:
            return self.answer(404, b"", code="EntryNotFound")
        return self.answer(200, files[name])

    def answer(self, status: int, body: bytes, *, code: str = "") -> None:
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{self.etags.get(body) or hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(
    repositories: Repositories,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    etags: Mapping[bytes, str] | None = None,
) -> Iterator[list[str]]:
    """Such a hub, and caches of its own under `folder`; yields what it is asked."""
    asked: list[str] = []
    about = {"asked": asked, "repositories": repositories, "etags": etags or {}}
    handler = type("Handler", (Hub,), about)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("HF_HOME", str(folder / "hf"))
        monkeypatch.setenv("WEIGHIN_CACHE", str(folder / "cache"))
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        try:
            yield asked
        finally:
            http.shutdown()
            thread.join()


def ask(code: str, requests: Sequence[Any]) -> list[Any]:
    """Run `code` in a process of its own, `requests` as JSON in its first argument; its answers."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, json.dumps(requests)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True, capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    answers: list[Any] = json.loads(done.stdout)
    return answers
