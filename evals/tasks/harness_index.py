"""lm-eval's index of all its tasks: a name -> the file that describes it.

Reading its fourteen thousand files takes five to nine seconds of each command that asks for one of
them. The names are kept in the cache, for the release of lm-eval that they were read from.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError
from evals.fetch.cache import cache_root, read_json, short_key, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "indexes"
FORM = 1
"""Raised when what is kept of a task changes."""


@functools.cache
def harness_index() -> Any:
    """lm-eval's TaskManager of all its own tasks; a task's entry has no `cfg`, a group's has."""
    import lm_eval.tasks
    from lm_eval.tasks import TaskManager

    tasks = Path(lm_eval.tasks.__file__).parent
    kept = _kept_in(tasks)
    entries = _read(kept, tasks) if kept else None
    if entries is None:
        manager = TaskManager()
        if kept:
            _keep(kept, manager.task_index, tasks)
        return manager
    manager = TaskManager(include_defaults=False)
    manager.task_index.update(entries)
    return manager


def config_of(entry: Any) -> Mapping[str, Any]:
    """What an entry's file says, its functions unresolved; empty for a tag, which has none."""
    from lm_eval.tasks._yaml_loader import load_yaml

    if entry.cfg is not None or entry.yaml_path is None:
        return entry.cfg or {}
    found: dict[str, Any] = load_yaml(entry.yaml_path, resolve_func=False)
    return found


def _kept_in(tasks: Path) -> Path | None:
    """The file for the installed release; None where its files may change under one version."""
    try:
        installed = distribution("lm_eval")
    except PackageNotFoundError:
        return None
    if installed.read_text("direct_url.json"):  # a folder, perhaps a person's own checkout
        return None
    key = short_key(f"{FORM} {installed.version} {tasks}")
    with suppress(ArtifactError):
        return cache_root() / FOLDER / f"lm-eval-{installed.version}-{key}.json"
    return None


def _read(kept: Path, tasks: Path) -> dict[str, Any] | None:
    """Name -> lm-eval's Entry; None where nothing is kept, or not in this form."""
    from lm_eval.tasks._index import Entry, Kind

    try:
        found = {
            name: Entry(
                name=name,
                kind=Kind[kind],
                yaml_path=tasks / path if path else None,
                tags=set(tags),
                cfg=config,
            )
            for name, (kind, path, tags, config) in read_json(kept)["tasks"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return found or None


def _keep(kept: Path, index: Mapping[str, Any], tasks: Path) -> None:
    """Write it where that can be done; a full disk costs the next command its seconds."""
    found = {
        name: (
            entry.kind.name,
            entry.yaml_path.relative_to(tasks).as_posix() if entry.yaml_path else None,
            sorted(entry.tags),
            entry.cfg if entry.kind.name == "GROUP" else None,
        )
        for name, entry in index.items()
    }
    with suppress(OSError, TypeError):  # TypeError: a value that is no JSON
        write_json(kept, {"tasks": found})
