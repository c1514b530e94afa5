"""A random llama of half a million weights as an F32 GGUF, to try a build of llama.cpp on.

Standard library and numpy alone. Each width is a multiple of 256, the block of the K types, and
each number of rows a multiple of 32: llama.cpp's AMX and repacked kernels take nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEADS, KV_HEADS, HEAD, FEED_FORWARD, LAYERS = 256, 4, 2, 64, 256, 2
TRAINED_CONTEXT = 1024
SPECIAL = ("<s>", "</s>")
TOKENS = 288
"""Two special ones, the 256 bytes, and filling up to a multiple of 32."""
_ALIGNMENT = 32
_F32 = 0  # ggml_type
_U32, _FLOAT, _TEXT, _ARRAY, _I32 = 4, 6, 8, 9, 5  # gguf_metadata_value_type

Value = int | float | str | list[str] | list[int]


def write(path: Path, *, seed: int = 0) -> Path:
    """Write the model; the same seed gives the same file."""
    tensors = dict(_tensors(np.random.default_rng(seed)))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(_HEADER))
    head += b"".join(_text(key) + _value(value) for key, value in _HEADER.items())
    offset = 0
    for name, values in tensors.items():
        # ggml counts dimensions from the one whose elements lie side by side.
        shape = values.shape[::-1]
        head += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", _F32, offset)
        offset += _aligned(values.nbytes)
    with path.open("wb") as file:
        file.write(head.ljust(_aligned(len(head)), b"\0"))
        for values in tensors.values():
            file.write(values.tobytes().ljust(_aligned(values.nbytes), b"\0"))
    return path


def _tensors(generator: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    def matrix(rows: int, columns: int, gain: float = 1.0) -> NDArray[np.float32]:
        """Scaled so that an input of unit size gives an output of size `gain`."""
        deviation = gain / np.sqrt(columns)
        return generator.normal(scale=deviation, size=(rows, columns)).astype(np.float32)

    ones = np.ones(WIDTH, dtype=np.float32)
    yield "token_embd.weight", matrix(TOKENS, WIDTH, gain=4.0)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", ones
        yield f"{block}.attn_q.weight", matrix(HEADS * HEAD, WIDTH)
        yield f"{block}.attn_k.weight", matrix(KV_HEADS * HEAD, WIDTH)
        yield f"{block}.attn_v.weight", matrix(KV_HEADS * HEAD, WIDTH)
        yield f"{block}.attn_output.weight", matrix(WIDTH, HEADS * HEAD)
        yield f"{block}.ffn_norm.weight", ones
        yield f"{block}.ffn_gate.weight", matrix(FEED_FORWARD, WIDTH)
        yield f"{block}.ffn_up.weight", matrix(FEED_FORWARD, WIDTH)
        yield f"{block}.ffn_down.weight", matrix(WIDTH, FEED_FORWARD)
    yield "output_norm.weight", ones
    yield "output.weight", matrix(TOKENS, WIDTH)


def _vocabulary() -> list[str]:
    """GPT-2's alphabet: a printable character for each byte, those without one above 255."""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    moved = (chr(256 + place) for place in range(256 - len(printable)))
    letters = [chr(byte) if byte in printable else next(moved) for byte in range(256)]
    filling = [f"<unused{number}>" for number in range(TOKENS - len(SPECIAL) - 256)]
    return [*SPECIAL, *letters, *filling]


_HEADER: Mapping[str, Value] = {
    "general.architecture": "llama",
    "llama.context_length": TRAINED_CONTEXT,
    "llama.embedding_length": WIDTH,
    "llama.block_count": LAYERS,
    "llama.feed_forward_length": FEED_FORWARD,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KV_HEADS,
    "llama.rope.dimension_count": HEAD,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": _vocabulary(),
    "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (TOKENS - len(SPECIAL)),
    "tokenizer.ggml.merges": ["t h"],
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
}


def _value(value: Value) -> bytes:
    match value:
        case str():
            return struct.pack("<I", _TEXT) + _text(value)
        case int():
            return struct.pack("<II", _U32, value)
        case float():
            return struct.pack("<If", _FLOAT, value)
        case _:
            kind = _TEXT if isinstance(value[0], str) else _I32
            items = (_text(v) if isinstance(v, str) else struct.pack("<i", v) for v in value)
            return struct.pack("<IIQ", _ARRAY, kind, len(value)) + b"".join(items)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
