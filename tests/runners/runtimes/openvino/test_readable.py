"""What openvino-genai does not read of a GGUF is said before it is converted."""

from __future__ import annotations

from typing import Any

import pytest

from runners.runtimes.openvino.readable import unreadable

HEADER = {
    "general.architecture": "llama", "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
}  # fmt: skip
TENSORS = {"token_embd.weight": "Q8_0", "blk.11.attn_q.weight": "Q4_0", "output_norm.weight": ""}


def test_a_plain_llama_is_read() -> None:
    assert unreadable({**HEADER, "llama.rope.scaling.type": "none"}, TENSORS) == ""


@pytest.mark.parametrize(
    ("header", "tensors", "says"),
    [
        ({"general.architecture": "gemma3"}, {}, "llama, qwen2, qwen3, and this is gemma3"),
        ({"tokenizer.ggml.pre": "gpt-4o"}, {}, "this tokenizer is gpt2, gpt-4o"),
        ({"tokenizer.ggml.model": "llama"}, {}, "this tokenizer is llama, smollm"),
        ({"llama.rope.scaling.type": "yarn"}, {}, "how the rotary embedding is scaled"),
        ({"llama.attention.sliding_window": 512}, {}, "the sliding window"),
        # Llama 3.1 and later scale their frequencies by a tensor of their own.
        ({}, {"rope_freqs.weight": ""}, "passes over 1 tensors that it does not know, e.g. rope_f"),
        ({}, {"blk.0.ffn_gate_exps.weight": "Q4_0"}, "e.g. blk.0.ffn_gate_exps.weight"),
        ({}, {"blk.0.ffn_up.weight": "Q5_0", "output.weight": "F32"}, "some are in F32, Q5_0"),
    ],
)
def test_what_would_be_computed_wrongly_is_named(
    header: dict[str, Any], tensors: dict[str, str], says: str
) -> None:
    assert says in unreadable({**HEADER, **header}, {**TENSORS, **tensors})
