"""Classes of models: by the number of their parameters, and by where they are computed."""

from __future__ import annotations

CLASSES = {"tiny-titan": 4.5e9, "32b": 32.5e9}
"""Class of size -> parameters that a model of it has fewer than; what is called 4B may have 4.4
billion."""
OFF_GRID = "off-grid"
"""Runs on the machine that asks, without a network once its weights are there."""


def size_classes(parameters: float | None) -> tuple[str, ...]:
    """Classes of size that a model is in, the smallest first; none where its size is not known."""
    return tuple(
        name for name, end in CLASSES.items() if parameters is not None and parameters < end
    )


def classes(parameters: float | None, *, off_grid: bool) -> tuple[str, ...]:
    """Classes of a model, those of its size first; of unknown size it is in none of them."""
    sizes = size_classes(parameters)
    return (*sizes, OFF_GRID) if off_grid else sizes
