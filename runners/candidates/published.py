"""What a model's publisher says of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from evals.quantities import parse_bytes
from evals.spec_file import NAME, Spec


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
