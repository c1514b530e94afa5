"""What a model's publisher says of it, and the classes of size that it falls into."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from evals.quantities import parse_bytes
from evals.spec_file import NAME, Spec

CLASSES = {"tiny-titan": 4.5e9, "32b": 32.5e9}
"""Class -> parameters that a model of it has fewer than; what is called 4B may have 4.4 billion."""
OFF_GRID = "off-grid"
"""Runs on the machine that asks, without a network once its weights are there."""


class Published(Spec):
    """A model as its publisher describes it; the weights say the same once they are here."""

    architecture: Annotated[str, Field(pattern=NAME)]
    """Its name in a GGUF header."""
    parameters: Annotated[float, Field(gt=0)]
    """All of them, those of experts that rest included; rounded."""
    size: Annotated[int, BeforeValidator(parse_bytes)]
    """Bytes of the file."""
    context: Annotated[int, Field(gt=0)] | None = None
    """Tokens that it was trained for."""
    sampling: dict[str, float] = Field(default_factory=dict)
    """Recommended arguments of generation; `sampling: recommended` takes those of the file."""


def classes(parameters: float | None, *, off_grid: bool) -> tuple[str, ...]:
    """Classes of a model, the smallest first; of unknown size it is in none of the sizes."""
    sizes = [name for name, end in CLASSES.items() if parameters is not None and parameters < end]
    return (*sizes, OFF_GRID) if off_grid else tuple(sizes)
