"""A user's folder of task files as an lm-eval index that nothing of the folder was run for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import SpecError
from evals.tasks.files import read_task_file


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFolder:
    """The tasks, groups and tags of a folder."""

    path: Path
    index: Any
    """lm-eval's TaskManager over the folder alone."""
    trusted: bool
    """True: its Python may run, and lm-eval itself may render its templates."""
    asks: Mapping[Path, Sequence[str]]
    """By file, the clauses that say what code it runs and what it reads outside of the folder."""
    broken: Sequence[SpecError]
    """Files that are no task files, in the order of their names."""

    def __contains__(self, name: str) -> bool:
        return name in self.index.task_index

    def refuse(self, name: str, seen: frozenset[str] = frozenset()) -> None:
        """Refuse a task, group or tag of the folder whose files ask for trust.

        Raises:
            SpecError: one does, and the folder has none.
        """
        if self.trusted or name in seen or name not in self:
            return
        entry = self.index.task_index[name]
        asks = self.asks.get(entry.yaml_path, ()) if entry.yaml_path else ()
        if asks:
            raise SpecError(
                f'{entry.yaml_path}: task "{name}" {asks[0]}, which would run with your rights; '
                "--trust-tasks if you trust whoever wrote this folder (docs/trust.md)"
            )
        for member in [*entry.tags, *_named(entry.cfg)] if entry.kind.name != "TASK" else ():
            self.refuse(member, seen | {name})


def open_folder(path: Path, *, trusted: bool) -> TaskFolder:
    """Read every task file of a folder.

    Raises:
        SpecError: it is no folder.
    """
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._index import TaskIndex

    if not path.is_dir():
        raise SpecError(f"{path}: not a folder of task files")
    manager = TaskManager(include_defaults=False)
    asks: dict[Path, Sequence[str]] = {}
    broken: list[SpecError] = []
    for file in TaskIndex._iter_yaml_files(path):
        try:
            found = read_task_file(file, path, trusted=trusted)
        except SpecError as error:
            broken.append(error)
            continue
        asks[file] = found.asks
        try:
            TaskIndex.process_cfg(dict(found.config), file, manager.task_index)
        except (ValueError, TypeError, KeyError):  # an included part, which is no task
            continue
    return TaskFolder(path=path, index=manager, trusted=trusted, asks=asks, broken=tuple(broken))


def _named(value: Any) -> list[str]:
    """Every name that stands where a group lists its members."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return _named(value.get("task")) + _named(value.get("group"))
    if isinstance(value, list):
        return [name for one in value for name in _named(one)]
    return []
