"""What becomes of a tensor of transformers in a GGUF: another name, order, shape or type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Named = Iterable[tuple[str, NDArray[Any]]]
    Rule = Callable[[str, NDArray[Any]], Named]


def changed(change: Callable[[NDArray[Any]], NDArray[Any]]) -> Rule:
    """The values are changed."""
    return lambda name, values: [(name, change(values))]


def renamed(pattern: str, to: str, shape: tuple[int, ...] | None = None) -> Rule:
    """The tensor has another name, and maybe another shape."""
    return lambda name, values: [(re.sub(pattern, to, name), values.reshape(shape or values.shape))]


def split(pattern: str, *to: str) -> Rule:
    """Rows in parts of equal size, each under a name of its own."""

    def parts(name: str, values: NDArray[Any]) -> Named:
        pieces = np.split(values, len(to), axis=-2)
        return [(re.sub(pattern, new, name), piece) for new, piece in zip(to, pieces, strict=True)]

    return parts


def dealt(
    pattern: str, *to: str, change: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray
) -> Rule:
    """Columns by turns to several tensors, as rows: gpt-oss holds gates and values so."""

    def deal(name: str, values: NDArray[Any]) -> Named:
        rows = change(values.swapaxes(-1, -2) if values.ndim > 2 else values)
        return [(re.sub(pattern, new, name), rows[:, n :: len(to)]) for n, new in enumerate(to)]

    return deal


def mxfp4(rows: NDArray[Any]) -> NDArray[np.uint8]:
    """Blocks of 32 numbers in four bits with one scale, as a GGUF has them: 17 bytes a block."""
    return gguf.quants.quantize(np.ascontiguousarray(rows), gguf.GGMLQuantizationType.MXFP4)


def turned(head: int) -> Rule:
    """Rows for a rotation of neighbours, where transformers turns numbers half a head apart."""

    def turn(values: NDArray[Any]) -> NDArray[Any]:
        halves = values.reshape(-1, 2, head // 2, *values.shape[1:])
        return halves.swapaxes(1, 2).reshape(values.shape)

    return changed(turn)
