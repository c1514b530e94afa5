"""Hold a converted model's numbers to those of its GGUF, and put back what was rounded.

openvino-genai keeps a model without quantised weights in 16 bits, all constants of it: so rounded,
the frequencies of the rotary embedding are off by a radian after some thousand tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

TRIED = 8
"""Products of a shape that are looked at: those of the first block."""
APART = 0.02
"""Largest difference between equal weights, in standard deviations: scales are kept in 16 bits."""


def put_back(model: Any, exact: Sequence[NDArray[np.float32]]) -> int:
    """Replace constants that were rounded to 16 bits by what they were rounded from.

    Returns:
        Number of constants that were replaced.
    """
    replaced = 0
    for node in list(model.get_ops()):
        if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f16:
            continue
        kept = np.asarray(node.data)
        alike = [one for one in exact if one.size == kept.size > 1 and _rounds_to(one, kept)]
        if not alike:
            continue
        nearest = min(alike, key=lambda one: float(np.abs(one - kept.ravel()).max()))
        constant = ops.constant(nearest.reshape(kept.shape), ov.Type.f32)
        for target in list(node.output(0).get_target_inputs()):
            # What widened it to 32 bits: its users take the constant itself.
            for user in list(target.get_node().output(0).get_target_inputs()):
                user.replace_source_output(constant.output(0))
        replaced += 1
    return replaced


def _rounds_to(exact: NDArray[np.float32], kept: NDArray[np.float16]) -> bool:
    """True if 16-bit numbers are those nearest to others, or next to it."""
    apart = exact.astype(np.float16).view(np.int16).astype(np.int32)
    return bool(np.abs(apart - kept.ravel().view(np.int16).astype(np.int32)).max() <= 1)


def farthest(model: Any, weights: NDArray[np.float32]) -> float:
    """How far a matrix is from the nearest one of its shape in a model.

    Args:
        model: the converted one.
        weights: numbers of one of its matrices, shape (out, in).

    Returns:
        Largest difference, in standard deviations of the weights; infinite where there is none.
    """
    width = float(weights.std()) or 1.0
    found = (np.abs(values - weights).max() / width for values in _matrices(model, weights.shape))
    return float(min(found, default=np.inf))


def _matrices(model: Any, shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """The weights of the first products of a shape, as they are multiplied."""
    core, seen = ov.Core(), 0
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul" or seen == TRIED:
            continue
        output = node.input_value(1)
        known = output.get_partial_shape()
        if not known.is_static or tuple(known.to_shape()) != shape:
            continue
        seen += 1
        part = ov.Model([output], [], "weights")
        yield core.compile_model(part, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({})[0]
