"""What openvino-genai reads of a GGUF, and rightly: the rest is refused before it is converted.

Its reader takes tensors by name and passes over those that it does not know, and cuts text by the
rules of three pre-tokenizers; what it was not written for would be computed wrongly, without a
word. Read in its sources (src/cpp/src/gguf_utils, release 2026.4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ARCHITECTURES = ("llama", "qwen2", "qwen3")
PRE_TOKENIZERS = ("smollm", "llama-bpe", "qwen2")
TYPES = ("F16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K")
"""Types of matrices; vectors may be F32. Q6_K becomes F16."""
_TENSOR = re.compile(
    r"token_embd\.weight|output_norm\.weight|output\.(weight|bias)"
    r"|blk\.\d+\.(attn_norm|ffn_norm|attn_q_norm|attn_k_norm)\.weight"
    r"|blk\.\d+\.(attn_q|attn_k|attn_v|attn_output|ffn_gate|ffn_up|ffn_down)\.(weight|bias)"
)
_SCALED = ("rope.scaling.type", "rope.scaling.factor")
_NO_SCALING = (None, "none", 1.0)


def unreadable(header: Mapping[str, Any], tensors: Mapping[str, str]) -> str:
    """Say why a file is not read rightly; empty where it is.

    Args:
        header: keys and values.
        tensors: name of each tensor -> its type; a vector's may be left out.
    """
    architecture = str(header.get("general.architecture"))
    if architecture not in ARCHITECTURES:
        return f"it reads the architectures {', '.join(ARCHITECTURES)}, and this is {architecture}"
    kind, pre = header.get("tokenizer.ggml.model"), header.get("tokenizer.ggml.pre")
    if kind != "gpt2" or pre not in PRE_TOKENIZERS:
        return (
            f"it cuts text as {', '.join(PRE_TOKENIZERS)} do, and this tokenizer is {kind}, {pre}"
        )
    if any(header.get(f"{architecture}.{key}") not in _NO_SCALING for key in _SCALED):
        return "it does not read how the rotary embedding is scaled"
    if header.get(f"{architecture}.attention.sliding_window"):
        return "it does not read the sliding window"
    others = sorted(name for name in tensors if not _TENSOR.fullmatch(name))
    if others:
        return f"it passes over {len(others)} tensors that it does not know, e.g. {others[0]}"
    odd = sorted({kind for kind in tensors.values() if kind not in (*TYPES, "")})
    if odd:
        return f"it reads matrices in {', '.join(TYPES)}, and here some are in {', '.join(odd)}"
    return ""
