"""A budget: the compute that is allowed, and the deadlines that a user of it would set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from evals.quantities import parse_bytes
from evals.spec_file import (
    NAME,
    Spec,
    find_spec,
    reachable,
    spec_names,
)

FOLDER = Path(__file__).parents[1] / "catalog" / "budgets"


def _optional_bytes(text: object) -> int | None:
    return None if text is None else parse_bytes(text)


class Budget(Spec):
    """The compute that is allowed, and the deadlines that a user of it would set."""

    name: Annotated[str, Field(pattern=NAME)]
    description: str = ""
    source: str = ""
    """Reference for the figures, such as a product page."""
    memory_bytes: Annotated[int | None, BeforeValidator(_optional_bytes)] = Field(
        default=None, alias="memory"
    )
    vram_bytes: Annotated[int | None, BeforeValidator(_optional_bytes)] = Field(
        default=None, alias="vram"
    )
    """Most memory of the GPU. It is checked: nothing can hold a process to it."""
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    deadline_ttft_s: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Latest first token, of the slowest workload's median."""
    deadline_answer_s: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Latest beginning of an answer, thought before it, of the slowest generation task's median."""
    min_decode_tokens_per_s: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Slowest decode, of the longest workload's median."""

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if all(getattr(self, f) is None for f in type(self).model_fields if f not in _BUDGET_WORDS):
            raise ValueError("a budget limits at least one of memory, vram, cpus and the deadlines")
        return self

    def said(self) -> dict[str, Any]:
        """All of it, without a limit that came later and that it does not have: records and keys of
        jobs are told apart by this.
        """
        return {k: v for k, v in self.model_dump().items() if v is not None or k not in _LATER}


_LATER = {"deadline_answer_s", "vram_bytes"}
_BUDGET_WORDS = {"name", "description", "source"}


def budget_names() -> list[str]:
    """Every budget of the catalogue, sorted."""
    return spec_names(FOLDER)


def find_budget(text: str) -> Budget:
    """A budget by its catalogue name or its YAML file.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    with reachable(text):
        return find_spec(text, Budget, FOLDER, word="budget")
