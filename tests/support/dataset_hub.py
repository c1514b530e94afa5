"""A hub on this machine that keeps what is pushed, for the real huggingface_hub.

The few endpoints that repositories of runs need: make, list, read, commit, pull request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_" + "x" * 34


@dataclass(slots=True)
class Kept:
    """A repository: its commits, each all of its files."""

    private: bool = True
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @property
    def sha(self) -> str:
        return self.commits[-1][0]

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]

    def add(self, changes: dict[str, bytes]) -> str:
        files = {**(self.files if self.commits else {}), **changes}
        sha = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits.append((sha, files))
        return sha

    def at(self, revision: str) -> dict[str, bytes]:
        return next((files for sha, files in self.commits if sha == revision), self.files)

    def commit_of(self, revision: str) -> str:
        return revision if any(sha == revision for sha, _ in self.commits) else self.sha


@dataclass(slots=True)
class State:
    """Everything that the hub keeps, and how it fails."""

    repositories: dict[str, Kept] = field(default_factory=dict)
    """`datasets/owner/name` or `models/owner/name`."""
    requests: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    """Pull requests: repository and files."""
    asked: list[str] = field(default_factory=list)
    fail_commits: list[int] = field(default_factory=list)
    """Statuses of the next commits, in place of an answer."""
    gated: set[str] = field(default_factory=set)
    """Repositories whose terms nobody has accepted."""
    before_commit: Any = None
    """Called before a commit is looked at."""


class DatasetHub(BaseHTTPRequestHandler):
    state: State

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.state.asked.append(f"{self.command} {path}")
        if any(key in f"/{path}" for key in self.state.gated):
            return self.answer(403, {"error": "Access to it is restricted."}, code="GatedRepo")
        if path == "/api/whoami-v2":
            return self.answer(200, {"name": "me", "type": "user", "auth": {}})
        if found := re.fullmatch(r"/api/((?:datasets|models)/[^/]+/[^/]+)(/.*)?", path):
            return self.describe(found[1], found[2] or "")
        found = re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found:
            return self.file(f"{found[1] or 'models'}/{found[2]}", found[3], found[4])
        return self.answer(404, {}, code="EntryNotFound")

    def describe(self, key: str, rest: str) -> None:
        kept = self.state.repositories.get(key)
        if kept is None:
            return self.answer(404, {}, code="RepoNotFound")
        revision = (re.match(r"/(?:revision|tree)/([^/?]+)", rest) or ["", ""])[1]
        files = kept.at(revision)
        if rest.startswith("/tree/"):
            return self.answer(200, [
                {"type": "file", "path": name, "size": len(body), "oid": "0" * 40}
                for name, body in files.items()
            ])  # fmt: skip
        name = key.partition("/")[2]
        return self.answer(200, {"id": name, "sha": kept.commit_of(revision),
                                 "private": kept.private,
                                 "siblings": [{"rfilename": one} for one in files]})  # fmt: skip

    def file(self, key: str, revision: str, name: str) -> None:
        kept = self.state.repositories.get(key)
        if kept is None:
            return self.answer(404, {}, code="RepoNotFound")
        body = kept.at(revision).get(name)
        if body is None:
            return self.answer(404, {}, code="EntryNotFound")
        return self.answer(200, body, commit=kept.commit_of(revision))

    def do_POST(self) -> None:
        path = urlsplit(self.path)
        self.state.asked.append(f"POST {path.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if TOKEN not in (self.headers.get("Authorization") or ""):
            return self.answer(401, {"error": "Invalid username or password."})
        if path.path == "/api/validate-yaml":
            return self.answer(200, {"errors": [], "warnings": []})
        if path.path == "/api/repos/create":
            asked = json.loads(body)
            private = asked.get("private") or asked.get("visibility") == "private"
            key = f"{asked.get('type', 'model')}s/{asked.get('organization', 'me')}/{asked['name']}"
            self.state.repositories.setdefault(key, Kept(private)).add({})
            return self.answer(200, {"url": f"{self.address}/{key}"})
        found = re.fullmatch(
            r"/api/((?:datasets|models)/[^/]+/[^/]+)/(preupload|commit)/[^/]+", path.path
        )
        if not found or found[1] not in self.state.repositories:
            return self.answer(404, {}, code="RepoNotFound")
        if found[2] == "preupload":
            return self.answer(200, {"files": [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]})  # fmt: skip
        return self.commit(found[1], body, request="create_pr" in parse_qs(path.query))

    def commit(self, key: str, body: bytes, *, request: bool) -> None:
        if self.state.before_commit:
            self.state.before_commit()
        if self.state.fail_commits:
            return self.answer(self.state.fail_commits.pop(0), {"error": "told to fail"})
        kept = self.state.repositories[key]
        lines = [json.loads(line) for line in body.splitlines() if line]
        parent = lines[0]["value"].get("parentCommit")
        if parent and kept.commits and parent != kept.sha:
            return self.answer(412, {"error": "A commit has happened since."})
        files = {one["value"]["path"]: base64.b64decode(one["value"]["content"])
                 for one in lines if one["key"] == "file"}  # fmt: skip
        address = f"{self.address}/{key}"
        if request:
            self.state.requests.append((key, files))
            return self.answer(200, {"commitUrl": address, "commitOid": "0" * 40,
                                     "pullRequestUrl": f"{address}/discussions/1"})  # fmt: skip
        return self.answer(200, {"commitUrl": address, "commitOid": kept.add(files)})

    @property
    def address(self) -> str:
        return f"http://{self.headers['Host']}"

    def answer(self, status: int, content: Any, *, code: str = "", commit: str = "") -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-Repo-Commit", commit or "0" * 40)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, State]]:
    """Address and state of a hub that is ended with the block."""
    state = State()
    handler = type("Handler", (DatasetHub,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        server.server_close()
