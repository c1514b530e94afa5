"""URI -> verified local file: paths and web servers, with a real server and real processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import ArtifactError
from evals.fetch.artifact import cache_root, fetch
from evals.fetch.web import download_url, is_public

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
BODY = bytes(range(256)) * 8192  # 2 MiB
FETCH = "import sys; from evals.fetch.artifact import fetch; print(fetch(sys.argv[1]).path)"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def child(uri: str) -> subprocess.Popen[str]:
    """A process of its own that fetches `uri`."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", FETCH, uri]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE)


def left_over(root: Path) -> list[str]:
    """What lies in the cache besides locks."""
    files = [p for p in root.rglob("*") if p.is_file() and p.suffix != ".lock"]
    return sorted(str(p.relative_to(root)) for p in files)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@dataclass
class Server:
    """A web server on this machine that counts and can hold an answer back."""

    url: str = ""
    hits: int = 0
    body: bytes = BODY
    announce: int | None = None
    redirect: str | None = None
    coding: str = ""
    drip: bool = False
    status: int = 200
    pause: threading.Event = field(default_factory=threading.Event)
    """Until it is set, the second half of the body is kept back."""
    half_sent: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, address: str = "127.0.0.1") -> Iterator[Server]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.hits += 1
                self.send_response(302 if server.redirect else server.status)
                if server.redirect:
                    self.send_header("Location", server.redirect)
                if server.announce != 0:
                    self.send_header("Content-Length", str(server.announce or len(server.body)))
                if server.coding:
                    self.send_header("Content-Encoding", server.coding)
                self.end_headers()
                half = len(server.body) // 2
                try:
                    for byte in server.body[:200] if server.drip else b"":
                        self.wfile.write(bytes([byte]))
                        time.sleep(0.02)
                    self.wfile.write(server.body[:half])
                    server.half_sent.set()
                    server.pause.wait(20)
                    self.wfile.write(server.body[half:])
                except ConnectionError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer((address, 0), Handler) as http:
            self.url = f"http://{address}:{http.server_port}/model.bin"
            thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                self.pause.set()
                http.shutdown()
                thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as it:
        it.pause.set()
        yield it


# ---- what is refused


@pytest.mark.parametrize(
    "uri",
    [
        "pypi:a#x",
        "pypi:a==1.*#x",
        "pypi:a>=1#x",
        "pypi:--index-url==1#x",
        "pypi:a==1#../x",
        "pypi:a==1#/etc/x",
        "pypi:a==1#b\\x",
        "pypi:a==1#x+b==1",
        "hf:name",
        "hf:org/name#../../x",
        "ftp:there/x",
        "http://example.com/x",
        "https://me:secret@example.com/x",
        "https://[bad/x",
        "https://example.com/",
        "file://elsewhere/x",
    ],
)
def test_addresses_that_are_refused_before_anything_is_asked(uri: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        fetch(uri)
    assert "secret" not in str(caught.value)


# ---- https: (and http: from this machine itself)


def test_a_download_is_done_once_and_reported(server: Server) -> None:
    seen: list[tuple[str, int, int | None]] = []
    got = fetch(server.url, progress=lambda *told: seen.append(told))
    assert got.path.read_bytes() == BODY
    assert seen[-1] == ("model.bin", len(BODY), len(BODY))
    assert fetch(server.url) == got
    assert server.hits == 1


def test_a_changed_file_is_fetched_again_and_a_touched_one_is_not(server: Server) -> None:
    path = fetch(server.url).path
    os.utime(path, ns=(1, 1))
    fetch(server.url, offline=True)
    assert server.hits == 1
    path.write_bytes(b"changed")
    with pytest.raises(ArtifactError, match="offline"):
        fetch(server.url, offline=True)
    assert fetch(server.url).path.read_bytes() == BODY
    assert server.hits == 2


def test_a_file_that_moved_on_is_fetched_again_for_the_new_hash(server: Server) -> None:
    fetch(server.url)
    server.body = b"version 2"
    assert fetch(server.url, sha256=sha(b"version 2")).path.read_bytes() == b"version 2"


def test_a_short_answer_an_error_and_a_weaker_redirect(server: Server, cache: Path) -> None:
    server.announce = len(BODY) + 1
    with pytest.raises(ArtifactError, match="broke off after 2097152 of 2097153 bytes"):
        fetch(server.url)
    server.announce, server.status = None, 404
    with pytest.raises(ArtifactError, match="answers 404 Not Found"):
        fetch(server.url)
    server.redirect = "http://example.com/x"
    with pytest.raises(ArtifactError, match=r"redirects to http://example\.com/x, which is not"):
        fetch(server.url)
    assert left_over(cache) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_an_interrupt_or_a_full_disk_leaves_nothing(
    server: Server, cache: Path, error: BaseException
) -> None:
    def stop(*_: Any) -> None:
        raise error

    says = "is full; free some space" if isinstance(error, OSError) else None
    with pytest.raises((KeyboardInterrupt, ArtifactError), match=says):
        fetch(server.url, progress=stop)
    assert left_over(cache) == []
    assert list((cache / "tmp").iterdir()) == []


def test_two_processes_download_once(server: Server) -> None:
    server.pause.clear()
    both = [child(server.url), child(server.url)]
    assert server.half_sent.wait(20)
    time.sleep(0.5)  # the second one reaches the lock
    server.pause.set()
    paths = {one.communicate(timeout=20)[0] for one in both}
    assert [one.returncode for one in both] == [0, 0]
    assert len(paths) == 1
    assert server.hits == 1


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_download_leaves_no_half_file_and_is_swept(server: Server, cache: Path) -> None:
    server.pause.clear()
    one = child(server.url)
    assert server.half_sent.wait(20)
    while not any("body" in name for name in left_over(cache)):
        time.sleep(0.01)
    one.send_signal(signal.SIGKILL)
    one.communicate()
    (stale,) = (cache / "tmp").iterdir()
    assert not (cache / "artifacts").exists()
    server.pause.set()
    day_ago = time.time() - 25 * 3600
    for path in (*stale.iterdir(), stale):
        os.utime(path, (day_ago, day_ago))
    assert fetch(server.url).path.read_bytes() == BODY
    assert not stale.exists()


# ---- what a server sends in place of the file


def only_models(path: Path) -> None:
    if not path.read_bytes().startswith(b"model"):
        raise ArtifactError(f"{path}: not a model")


def test_what_is_no_model_is_not_kept_and_asked_for_again(server: Server, cache: Path) -> None:
    server.body = b"<html>please log in</html>"
    with pytest.raises(ArtifactError, match="what was sent is not a model; it was not kept"):
        fetch(server.url, check=only_models)
    assert left_over(cache) == []
    server.body = b"model 1"
    assert fetch(server.url, check=only_models).path.read_bytes() == b"model 1"
    assert server.hits == 2


def test_what_an_older_version_kept_is_replaced_once_it_is_found_useless(server: Server) -> None:
    server.body = b"<html>please log in</html>"
    fetch(server.url)  # unchecked, as before
    with pytest.raises(ArtifactError, match="not in the cache"):
        fetch(server.url, check=only_models, offline=True)
    server.body = b"model 1"
    assert fetch(server.url, check=only_models).path.read_bytes() == b"model 1"


def test_a_file_that_was_replaced_behind_its_times_is_hashed_anew(server: Server) -> None:
    path = fetch(server.url).path
    before = path.stat()
    path.write_bytes(BODY[::-1])  # the same size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fetch(server.url).path.read_bytes() == BODY
    assert server.hits == 2


def test_a_compressed_answer_that_nobody_asked_for_is_refused(server: Server, cache: Path) -> None:
    server.coding = "gzip"
    with pytest.raises(ArtifactError, match="sends it gzip-encoded"):
        fetch(server.url)
    assert left_over(cache) == []


def test_a_download_keeps_to_its_size_and_its_time(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHIN_MAX_DOWNLOAD", "1MiB")
    with pytest.raises(ArtifactError, match=r"larger than 1MiB \(2,097,152 bytes\)"):
        fetch(server.url)
    server.announce = 0  # says nothing of its size
    with pytest.raises(ArtifactError, match="larger than 1MiB"):
        fetch(server.url)
    monkeypatch.setenv("WEIGHIN_MAX_DOWNLOAD", "much")
    with pytest.raises(ArtifactError, match="'much' is not a size"):
        fetch(server.url)
    monkeypatch.delenv("WEIGHIN_MAX_DOWNLOAD")
    monkeypatch.setenv("WEIGHIN_DOWNLOAD_TIMEOUT", "100ms")
    server.announce, server.drip = None, True  # a byte now and then, so no read ever times out
    with pytest.raises(ArtifactError, match=r"not here after 0\.1 s.*WEIGHIN_DOWNLOAD_TIMEOUT"):
        fetch(server.url)
    assert left_over(cache) == []


def test_more_than_the_disk_holds_is_refused_before_the_first_byte(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHIN_MAX_DOWNLOAD", "900000000GB")
    server.announce = shutil.disk_usage("/").total + (1 << 40)
    with pytest.raises(ArtifactError, match=r"the disk of the cache has [0-9,]+ free"):
        fetch(server.url)


def test_a_redirect_from_outside_to_inside_is_not_followed(server: Server, tmp_path: Path) -> None:
    """127.0.0.2 plays the open internet here, 127.0.0.1 the user's own network."""
    with Server(redirect=server.url).running("127.0.0.2") as outside:
        outside.pause.set()
        server.pause.set()
        with pytest.raises(ArtifactError, match=r"redirects to 127\.0\.0\.1 .*or its network"):
            download_url(
                outside.url, tmp_path, progress=None, public=lambda address: address == "127.0.0.2"
            )
        assert server.hits == 0
        inside = download_url(outside.url, tmp_path, progress=None, public=lambda address: False)
        assert inside.read_bytes() == BODY


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_addresses_belong_to_the_open_internet(address: str, *, public: bool) -> None:
    assert is_public(address) is public


# ---- paths


def test_a_local_file_is_used_in_place_and_hashed_once(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "my model.gguf"
    path.write_bytes(b"one")
    got = fetch(str(path))
    assert (got.path, got.sha256) == (path, sha(b"one"))
    (note,) = (cache / "hashes").iterdir()
    note.write_text(json.dumps({**json.loads(note.read_text()), "sha256": "remembered"}))
    assert fetch(path.as_uri()).sha256 == "remembered"
    path.write_bytes(b"another")
    assert fetch(str(path), sha256=sha(b"another"), offline=True).sha256 == sha(b"another")
    with pytest.raises(ArtifactError, match="put the right file there"):
        fetch(str(path), sha256=sha(b"one"))


def test_a_local_file_needs_no_cache_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"one")
    monkeypatch.setenv("WEIGHIN_CACHE", str(path / "not-a-folder"))
    assert fetch(str(path)).sha256 == sha(b"one")


def test_a_missing_file_names_its_neighbour_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").touch()
    with pytest.raises(ArtifactError, match=r'no such file \(did you mean "model\.gguf"'):
        fetch(str(tmp_path / "modle.gguf"))
    with pytest.raises(ArtifactError, match="is not a file"):
        fetch(str(tmp_path))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("WEIGHIN_CACHE", "here")
    assert cache_root() == Path.cwd() / "here"
    monkeypatch.delenv("WEIGHIN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == tmp_path / ".cache" / "weighin"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "weighin"


@pytest.mark.skipif(sys.platform == "win32", reason="a user whom the system does not know")
def test_a_user_without_a_home_is_told_what_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEIGHIN_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**30 + 7)  # as a container's --user gives one
    with pytest.raises(ArtifactError, match="set HOME, or WEIGHIN_CACHE"):
        cache_root()
