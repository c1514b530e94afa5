"""A model repository of the Hugging Face hub as a folder."""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from evals.fetch.allowance import allowance
from evals.fetch.cache import sha256_of
from evals.fetch.hub_choice import gguf_models, name_one, short_names
from evals.fetch.remote import (
    HubFile,
    hub_error,
    is_as_announced,
    parse_hub,
    quiet_hub,
    reporter,
)
from runners.candidates import ir_folder
from runners.candidates.model_folder import BESIDE, ModelFolder, read_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from evals.fetch.cache import Progress
    from runners.runtimes.spec import Format

UNWANTED = ("*/*", "consolidated*", "adapter_*")
"""Other formats of the same weights lie in folders of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderKind:
    """A kind of folder that a runtime loads."""

    wanted: tuple[str, ...]
    """Patterns of the files that are fetched."""
    read: Callable[[Path, Progress | None], ModelFolder]
    """Looks at a folder; raises ArtifactError where it is none of this kind."""


KINDS: dict[Format, FolderKind] = {
    "folder": FolderKind(wanted=("*.safetensors", *BESIDE), read=read_folder),
    "ir": FolderKind(wanted=ir_folder.WANTED, read=ir_folder.read_ir_folder),
}


@quiet_hub()
def fetch_hub_folder(
    uri: str, kind: Format, *, offline: bool, progress: Progress | None
) -> ModelFolder:
    """The repository of `hf:ORG/NAME[@REVISION]`, in the hub's own cache.

    A copy that the cache holds whole is used without asking the hub. Where it still makes no
    model after the hub was asked, files that are not what the hub announced are fetched anew.

    Raises:
        ArtifactError: no such repository, no such folder in it, gated, too large, or no network.
    """
    from huggingface_hub import errors, snapshot_download

    wanted, of_kind = parse_hub(uri), KINDS[kind]
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    get = functools.partial(
        snapshot_download,
        wanted.repo,
        revision=wanted.revision,
        allow_patterns=list(of_kind.wanted),
        ignore_patterns=list(UNWANTED),
    )
    try:
        try:
            return of_kind.read(Path(get(local_files_only=True)), progress)
        except (errors.LocalEntryNotFoundError, ArtifactError):
            # Not there, or not whole: somebody asked for its configuration alone, for instance.
            if offline:
                raise
        get = functools.partial(get, tqdm_class=reporter(wanted.repo, allowance(uri), progress))
        folder = Path(get())
        if not _is_model(folder, of_kind, progress) and _is_damaged(folder):
            get(force_download=True)
    except (errors.EntryNotFoundError, errors.HFValidationError, OSError, http_error) as error:
        raise hub_error(uri, wanted, error, offline=offline) from error
    try:
        return of_kind.read(folder, progress)
    except ArtifactError as error:
        raise ArtifactError(f"{uri}: {error}; {_ggufs(uri, wanted, offline=offline)}") from error


def _ggufs(uri: str, wanted: HubFile, *, offline: bool) -> str:
    """What to name of a repository that holds GGUF files in place of a model's folder."""
    from huggingface_hub import errors, list_repo_files

    models = []
    if not offline:
        with suppress(errors.HfHubHTTPError, OSError):
            models = gguf_models(list_repo_files(wanted.repo, revision=wanted.revision))
    if not models:
        return f"if it holds GGUF files, name one: {uri}#FILE.gguf"
    return f"of its GGUF files, {name_one(uri, short_names(models, models))}"


def _is_model(folder: Path, kind: FolderKind, progress: Progress | None) -> bool:
    try:
        kind.read(folder, progress)
    except ArtifactError:
        return False
    return True


def _is_damaged(folder: Path) -> bool:
    """True if a file differs, or may differ, from what the hub announced."""
    files = [path for path in folder.iterdir() if path.is_file()]
    return not all(is_as_announced(path, sha256_of(path)) for path in files)
