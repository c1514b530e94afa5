"""Turn a GGUF into a folder of MLX's: `python -P -m runners.runtimes.mlx.convert SRC DST TYPE`.

A process of its own, as for other conversions. MLX reads blocks of Q4_0, Q4_1 and Q8_0 as its own
packed numbers, which are kept so for the architectures whose tensors only have other names in a
GGUF. Everything else becomes what runtime `hf` loads, numbers of 16 bits.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from runners.runtimes.converting import run_converter
from runners.runtimes.hf import convert as widened

TURNED = {"llama": True, "qwen2": False, "qwen3": False}
"""Architectures, and whether rows of queries and keys stand in neighbouring pairs."""
NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip
GROUP, BITS = 32, 4
"""Size of a block, and bits of its numbers; mlx-lm sees by itself which matrices have eight."""
_TENSOR = re.compile(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias|scales|biases)")


def convert(source: Path, target: Path, type_name: str) -> None:
    """Write weights, configuration and tokenizer of `source` into the folder `target`.

    Raises:
        ImportError: a package of an extra is missing.
        Exception: whatever MLX or transformers raises over a file that it cannot read.
    """
    found = packed(source)
    if found is None:
        widened.convert_type(source, target, type_name)
        return
    import mlx.core

    architecture, tensors = found
    widened.describe(source, target)
    path = target / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["quantization"] = {"group_size": GROUP, "bits": BITS}
    config["rope_traditional"] = TURNED[architecture]
    path.write_text(json.dumps(config), encoding="utf-8")
    mlx.core.save_safetensors(str(target / "model.safetensors"), tensors, {"format": "mlx"})


def packed(source: Path) -> tuple[str, dict[str, Any]] | None:
    """Architecture and tensors by mlx-lm's names; None where they are not packed and known."""
    import mlx.core

    try:
        loaded, header = mlx.core.load(str(source), return_metadata=True)
    except (RuntimeError, ValueError):
        return None  # a type that MLX does not read
    architecture = str(header.get("general.architecture"))
    names = {name: mlx_name(name) for name in loaded}
    known = architecture in TURNED and all(names.values())
    if not known or not any(name.endswith(".scales") for name in names):
        return None
    # Vectors in 32 bits would make everything that they touch 32 bits wide.
    half = mlx.core.float16
    narrow = {n: v.astype(half) if v.dtype == mlx.core.float32 else v for n, v in loaded.items()}
    return architecture, {str(names[name]): values for name, values in narrow.items()}


def mlx_name(name: str) -> str | None:
    """mlx-lm's name of a GGUF's tensor; None where it has none."""
    found = _TENSOR.fullmatch(name)
    if found is None or found[2] not in NAMES:
        return None
    block = "" if found[1] is None else f"model.layers.{found[1]}."
    return f"{block}{NAMES[found[2]]}.{found[3]}"


if __name__ == "__main__":
    sys.exit(run_converter(convert))
