"""Files from the Hugging Face hub (`hf:`)."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import ArtifactError, one_line
from evals.fetch.allowance import allowance
from evals.fetch.hub_choice import choose
from evals.fetch.split_files import split_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evals.fetch.allowance import Allowance
    from evals.fetch.cache import Progress

MAX_GIT_BYTES = 16 << 20
"""Larger files are kept outside of git, and named by their sha256."""
_HUB = re.compile(
    r"hf:(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[^#@]+))?(?:#(?P<file>.+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a model repository on the hub."""

    repo: str
    revision: str | None
    file: str | None
    """Path of the file in the repository, or a quantisation that one of its files is named after;
    None: its only .gguf."""


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


def is_in_hub_cache(wanted: HubFile) -> bool:
    """Say whether the hub's own cache has a named file; nobody is asked."""
    from huggingface_hub import try_to_load_from_cache

    if wanted.file is None:
        return False
    found = try_to_load_from_cache(wanted.repo, wanted.file, revision=wanted.revision)
    return isinstance(found, str)


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep the hub's client from saying on stderr that it tries again."""
    import huggingface_hub.file_download  # noqa: F401  # sets its loggers up, which are silenced here

    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@quiet_hub()
def download_hub(
    uri: str,
    wanted: HubFile,
    *,
    offline: bool,
    ask: Literal["if missing", "for changes", "anew"],
    progress: Progress | None,
) -> Path:
    """The file's path in the hub's own cache, fetched there when it is missing.

    Args:
        uri: for messages.
        wanted: which file.
        offline: use the hub's cache and nothing else.
        ask: a copy in the hub's cache is used without asking the hub, or only if the hub still
            has the same, or not at all.
        progress: told of the transfer.

    Returns:
        Of a model in parts, the first one's path; the others lie beside it.

    Raises:
        ArtifactError: no such repository, revision or file, gated, too large, or no network.
    """
    from huggingface_hub import errors

    # The hub's error derives from its HTTP library's, whichever that is in this release.
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    try:
        get = partial(_download, uri, wanted, offline=offline, ask=ask, progress=progress)
        if wanted.file is None or "." not in wanted.file:
            return get(_chosen(uri, wanted, offline=offline))
        try:
            return get(wanted.file)
        except errors.LocalEntryNotFoundError:
            raise
        except errors.EntryNotFoundError:
            if not wanted.file.endswith(".gguf"):
                raise
            return get(_chosen(uri, wanted, offline=False))  # which says what is near
    except (errors.EntryNotFoundError, errors.HFValidationError, OSError, http_error) as error:
        raise hub_error(uri, wanted, error, offline=offline) from error


def _download(
    uri: str,
    wanted: HubFile,
    file: str,
    *,
    offline: bool,
    ask: Literal["if missing", "for changes", "anew"],
    progress: Progress | None,
) -> Path:
    """Fetch a file, and the other parts where it is one of several; the first one's path."""
    from huggingface_hub import errors, hf_hub_download

    limits = allowance(uri)
    paths = []
    for name in split_names(file):
        get = partial(hf_hub_download, wanted.repo, name, revision=wanted.revision)
        if ask == "if missing":
            try:
                paths.append(Path(get(local_files_only=True)))
                continue
            except errors.LocalEntryNotFoundError:
                if offline:
                    raise
        bar = reporter(name, limits, progress)
        paths.append(Path(get(tqdm_class=bar, force_download=ask == "anew")))
    return paths[0]


def _chosen(uri: str, wanted: HubFile, *, offline: bool) -> str:
    """The file that is meant, by the names of all files of the repository.

    Raises:
        ArtifactError: none or several are meant, or nothing of the repository is here and offline.
    """
    from huggingface_hub import list_repo_files, snapshot_download

    if not offline:
        return choose(uri, wanted.file, list_repo_files(wanted.repo, revision=wanted.revision))
    if wanted.file is None:  # the cache may have one of several
        raise ArtifactError(f"{uri}: offline; name the file: {uri}#FILE.gguf")
    folder = Path(snapshot_download(wanted.repo, revision=wanted.revision, local_files_only=True))
    here = [path for path in folder.rglob("*.gguf") if path.is_file()]
    return choose(uri, wanted.file, [path.relative_to(folder).as_posix() for path in here])


def hub_error(
    uri: str, wanted: HubFile, error: Exception, *, offline: bool
) -> ArtifactError | OSError:
    """The hub client's exception as an error of one line; a disk's complaint stays as it is."""
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


def is_as_announced(path: Path, sha256: str) -> bool | None:
    """Say whether a file of the hub's cache has the content that the hub announced.

    The cache names a file's blob by the hub's ETag: the sha256 of a large file, git's hash of a
    small one.

    Args:
        path: as `download_hub` returns it.
        sha256: of the file as it is now.

    Returns:
        None where the name tells nothing (a mirror may give a small file any ETag).
    """
    name = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", name):
        return name == sha256
    if re.fullmatch(r"[0-9a-f]{40}", name) and path.stat().st_size <= MAX_GIT_BYTES:
        body = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()  # noqa: S324  # git's own
        return True if git == name else None
    return None


def reporter(name: str, limits: Allowance, progress: Progress | None) -> Any:
    """A tqdm class that draws nothing, calls `progress` (the hub takes no callback), and ends the
    transfer where it goes over its limits.
    """
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Report(tqdm):  # type: ignore[type-arg,misc,unused-ignore]  # tqdm ships no types
        monitor_interval = 0  # else tqdm starts a thread that wakes while things are timed

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)  # of older releases of the hub, unknown to tqdm
            # Other bars are off (TQDM_DISABLE); this one is not drawn, and counts all the same.
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})
            limits.check(0, int(self.total) if self.total else None)

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            total = int(self.total) if self.total else None
            limits.check(int(self.n), total)
            if progress and self.n:
                progress(name, int(self.n), total)
            return bool(shown)

    return Report
