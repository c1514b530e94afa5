"""A model repository of the Hugging Face hub as a folder of safetensors."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from evals.model_folder import BESIDE, ModelFolder, read_folder
from evals.remote import hub_error, parse_hub, reporter

if TYPE_CHECKING:
    from evals.cache import Progress

WANTED = ("*.safetensors", *BESIDE)
UNWANTED = ("*/*", "consolidated*", "adapter_*")
"""Other formats of the same weights lie in folders of their own."""


def fetch_hub_folder(uri: str, *, offline: bool, progress: Progress | None) -> ModelFolder:
    """The repository of `hf:ORG/NAME[@REVISION]`, in the hub's own cache.

    A copy that the cache holds whole is used without asking the hub.

    Raises:
        ArtifactError: no such repository, no safetensors in it, gated, or no network.
    """
    from huggingface_hub import errors, snapshot_download

    wanted = parse_hub(uri)
    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    get = functools.partial(
        snapshot_download,
        wanted.repo,
        revision=wanted.revision,
        allow_patterns=list(WANTED),
        ignore_patterns=list(UNWANTED),
    )
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)  # each retry would be a line on stderr
    try:
        try:
            kept = get(local_files_only=True)
            return read_folder(Path(kept), progress)
        except (errors.LocalEntryNotFoundError, ArtifactError):
            # Not there, or not whole: somebody asked for its configuration alone, for instance.
            if offline:
                raise
        bar = reporter(wanted.repo, progress)
        got = get(tqdm_class=bar)
    except (errors.EntryNotFoundError, errors.HFValidationError, OSError, http_error) as error:
        raise hub_error(uri, wanted, error, offline=offline) from error
    finally:
        logger.setLevel(level)
    try:
        return read_folder(Path(got), progress)
    except ArtifactError as error:
        raise ArtifactError(
            f"{uri}: {error}; if it holds GGUF files, name one: {uri}#FILE.gguf"
        ) from error
