"""A dataset repository of the hub that holds runs: `runs/<run id>/`, `runs.parquet`, README.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import SpecError, WeighinError, one_line
from evals.fetch.remote import quiet_hub
from runners.records.record import RUN_ID
from runners.records.store import RECORD

if TYPE_CHECKING:
    from huggingface_hub import HfApi

RUNS = "runs"
FLAT = "runs.parquet"
CARD = "README.md"
ENDPOINT = "https://huggingface.co"
_NAME = re.compile(r"(?:hf:)?(?:datasets/)?([\w-][\w.-]*/[\w-][\w.-]*)(?:@([^#@\s]+))?")


class HubError(WeighinError):
    """The hub refuses, or cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Name of a dataset repository, and the revision that is meant."""

    name: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf:{self.name}" + (f"@{self.revision}" if self.revision else "")


def parse_repository(text: str) -> Repository:
    """Read `OWNER/NAME`, `hf:OWNER/NAME` or either with `@REVISION`.

    Raises:
        SpecError: it does not have that form.
    """
    found = _NAME.fullmatch(text)
    if not found:
        raise SpecError(
            f"{text}: write a dataset repository of the hub as OWNER/NAME, e.g. me/weighin-results"
        )
    return Repository(name=found[1], revision=found[2])


def api() -> HfApi:
    """The hub's client, with this user's own log-in and the address of HF_ENDPOINT."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or ENDPOINT, library_name="weighin")


@contextmanager
def one_line_errors(where: Repository | str, doing: str) -> Iterator[None]:
    """Turn the hub client's exceptions into a line: what was done, and what would help.

    Raises:
        HubError: the hub refuses, or cannot be reached.
    """
    from huggingface_hub import errors

    http_error: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    try:
        with quiet_hub():
            yield
    except errors.LocalTokenNotFoundError as error:
        raise HubError(f"{where}: nobody is logged in; run: hf auth login") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"{where}: there is no such dataset repository, or it is private and not yours: "
            "hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{where}: there is no such revision") from error
    except errors.HfHubHTTPError as error:
        raise HubError(f"{where}: the hub refuses {doing}: {_why(error)}") from error
    except (http_error, OSError, errors.OfflineModeIsEnabled) as error:
        raise HubError(
            f"{where}: the hub cannot be reached for {doing} ({one_line(error)}); nothing is "
            "lost, and the same command goes on"
        ) from error


def _why(error: Any) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = getattr(error, "server_message", None) or one_line(error)
    words = {401: "log in first: hf auth login", 403: "your token has no write right here",
             429: "too many requests; wait, then the same command goes on"}  # fmt: skip
    return f"{words[status]} ({said})" if status in words else f"{said}"


def run_ids(files: Mapping[str, Any] | list[str]) -> list[str]:
    """Runs that a repository's files make: those with a record, sorted."""
    found = []
    for name in files:
        parts = name.split("/")
        whole = len(parts) == 3 and parts[0] == RUNS and parts[2] == RECORD
        if whole and re.fullmatch(RUN_ID, parts[1]):
            found.append(parts[1])
    return sorted(found)


def path_of(run_id: str, name: str) -> str:
    """Path of a run's file in a repository."""
    return f"{RUNS}/{run_id}/{name}"


def inside(folder: Path, name: str) -> Path:
    """Where a repository's file goes below a folder.

    Raises:
        HubError: it would lie outside.
    """
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise HubError(f"{name}: lies outside of the repository")
    return target
