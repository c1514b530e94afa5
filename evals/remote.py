"""Files from web servers (`https:`) and from the Hugging Face hub (`hf:`)."""

from __future__ import annotations

import http.client
import io
import logging
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from evals.cache import CHUNK_BYTES
from evals.errors import ArtifactError, one_line

if TYPE_CHECKING:
    from typing import IO

    from evals.cache import Progress

TIMEOUT_S = 60.0
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_HUB = re.compile(
    r"hf:(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[^#@]+))?(?:#(?P<file>.+))?"
)


def url_file_name(url: str) -> str:
    """The last part of the URL's path.

    Raises:
        ArtifactError: not https (plain http is for this machine itself, where there is no wire to
            listen on), a password inside, or no file named.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ArtifactError(f"{url}: is not a URL: {error}") from error
    if parts.username or parts.password:
        raise ArtifactError(f"https://{parts.hostname}: a URL with a password in it is refused")
    if not _is_safe(url):
        raise ArtifactError(f"{url}: only https is fetched, and http from this machine itself")
    name = PurePosixPath(unquote(parts.path)).name
    if not parts.hostname or not name:
        raise ArtifactError(f"{url}: names no file on a server")
    return name


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed, but never from https down to something weaker."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse what `url_file_name` would refuse."""
        if not _is_safe(newurl):
            raise ArtifactError(f"{req.full_url}: redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download_url(url: str, folder: Path, *, progress: Progress | None) -> Path:
    """Stream a URL into a file of `folder`.

    Raises:
        ArtifactError: the server said no, went away, or sent less than it announced.
    """
    name = url_file_name(url)
    target = folder / "body"
    with _open(url) as answer, target.open("wb") as out:
        length = answer.headers.get("Content-Length")
        total = int(length) if length and length.isdecimal() else None
        done = 0
        while chunk := _read(url, answer):
            out.write(chunk)
            done += len(chunk)
            if progress:
                progress(name, done, total)
    if total is not None and done != total:
        raise ArtifactError(f"{url}: broke off after {done} of {total} bytes; try again")
    return target


def _open(url: str) -> Any:
    opener = urllib.request.build_opener(_SafeRedirects)
    request = urllib.request.Request(url, headers={"User-Agent": "weighin"})  # noqa: S310  # only https gets here
    try:
        return opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise ArtifactError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise ArtifactError(f"{url}: cannot be reached: {error.reason}") from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise ArtifactError(f"{url}: cannot be reached: {error}") from error


def _read(url: str, answer: Any) -> bytes:
    """Read a piece; a failing connection is told apart from a failing disk, both OSErrors."""
    try:
        return bytes(answer.read(CHUNK_BYTES))
    except (http.client.HTTPException, OSError) as error:
        raise ArtifactError(f"{url}: the connection broke: {error}; try again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a model repository on the hub."""

    repo: str
    revision: str | None
    file: str | None
    """None: the only .gguf of the repository."""


def parse_hub(uri: str) -> HubFile:
    """Read `hf:ORG/NAME[@REVISION][#FILE]`.

    Raises:
        ArtifactError: it does not have that form.
    """
    found = _HUB.fullmatch(uri)
    if not found or ".." in (found["file"] or "").split("/"):
        raise ArtifactError(
            f"{uri}: write hf:ORG/NAME, hf:ORG/NAME#FILE or hf:ORG/NAME@REVISION#FILE"
        )
    return HubFile(repo=found["repo"], revision=found["revision"], file=found["file"])


def download_hub(
    uri: str, wanted: HubFile, *, offline: bool, fresh: bool, progress: Progress | None
) -> Path:
    """The file's path in the hub's own cache, fetched there when it is missing.

    A copy that the hub's cache already holds is used without asking the hub, unless `fresh`.

    Raises:
        ArtifactError: no such repository, revision or file, gated, or no network.
    """
    from huggingface_hub import errors, hf_hub_download

    # The hub's error derives from its HTTP library's, whichever that is in this release.
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)  # each retry would be a line on stderr
    try:
        file = wanted.file or _only_gguf(uri, wanted, offline=offline)
        rev = wanted.revision
        if not fresh:
            try:
                return Path(hf_hub_download(wanted.repo, file, revision=rev, local_files_only=True))
            except errors.LocalEntryNotFoundError:
                if offline:
                    raise
        bar = reporter(file, progress)
        return Path(hf_hub_download(wanted.repo, file, revision=rev, tqdm_class=bar))
    except (errors.EntryNotFoundError, errors.HFValidationError, OSError, http_error) as error:
        raise hub_error(uri, wanted, error, offline=offline) from error
    finally:
        logger.setLevel(level)


def _only_gguf(uri: str, wanted: HubFile, *, offline: bool) -> str:
    from huggingface_hub import list_repo_files

    if offline:
        raise ArtifactError(f"{uri}: offline; name the file: {uri}#FILE.gguf")
    files = list_repo_files(wanted.repo, revision=wanted.revision)
    ggufs = sorted(f for f in files if f.endswith(".gguf"))
    if len(ggufs) == 1:
        return ggufs[0]
    if not ggufs:
        raise ArtifactError(
            f"{uri}: the repository has no .gguf; look for one that is called -GGUF"
        )
    some = ", ".join(ggufs[:8]) + (", …" if len(ggufs) > 8 else "")
    raise ArtifactError(f"{uri}: has {len(ggufs)} .gguf files, add #FILE; it has: {some}")


def hub_error(
    uri: str, wanted: HubFile, error: Exception, *, offline: bool
) -> ArtifactError | OSError:
    """What the hub's client raised, as one line; a disk's complaint as it is."""
    from huggingface_hub import errors

    page = f"huggingface.co/{wanted.repo}"
    if isinstance(error, errors.GatedRepoError):
        text = f"is gated: accept its terms on {page}, then run: hf auth login"
    elif isinstance(error, errors.RepositoryNotFoundError):
        text = f"no such repository as {wanted.repo}, or it is private: then run: hf auth login"
    elif isinstance(error, errors.RevisionNotFoundError):
        text = f"{wanted.repo} has no revision {wanted.revision}"
    elif isinstance(error, errors.LocalEntryNotFoundError) and offline:
        text = "not in the hub's cache, and offline; run `weighin fetch` for it once with a network"
    elif isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        text = "the hub cannot be reached; check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
    elif isinstance(error, errors.EntryNotFoundError):
        text = f"{wanted.repo} has no file {wanted.file}"
    elif isinstance(error, errors.HfHubHTTPError | errors.HFValidationError):
        text = f"the hub refuses: {one_line(error)}"
    elif isinstance(error, OSError) and error.errno is not None:
        return error  # a disk's complaint, which the caller turns into a line
    else:
        text = f"the hub cannot be reached: {one_line(error)}"
    return ArtifactError(f"{uri}: {text}")


def reporter(name: str, progress: Progress | None) -> Any:
    """A tqdm class that draws nothing and calls `progress`: the hub takes no callback."""
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Report(tqdm):  # type: ignore[type-arg,misc,unused-ignore]  # tqdm ships no types
        monitor_interval = 0  # else tqdm starts a thread that wakes while things are timed

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)  # of older releases of the hub, unknown to tqdm
            super().__init__(*args, **{**kwargs, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            if progress and self.n:
                progress(name, int(self.n), int(self.total) if self.total else None)
            return bool(shown)

    return Report
