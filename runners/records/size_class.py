"""Classes of models by the number of their parameters."""

from __future__ import annotations

CLASSES = {"tiny-titan": 4.5e9, "32b": 32.5e9}
"""Class -> parameters that a model of it has fewer than; what is called 4B may have 4.4 billion."""


def size_classes(parameters: float | None) -> tuple[str, ...]:
    """Classes that a model is in, the smallest first; none where its size is not known."""
    return tuple(
        name for name, end in CLASSES.items() if parameters is not None and parameters < end
    )
