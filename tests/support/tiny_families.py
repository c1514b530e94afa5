"""Tiny random models of the families that people ship, as a transformers folder and as a GGUF.

Both hold the same float32 weights. What differs between families stands in `family_table.py`;
names of a GGUF's tensors come from the table of the package `gguf`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

from tests.support import tiny_kinds
from tests.support.family_table import (
    CONTEXT,
    FAMILIES,
    FEED_FORWARD,
    HEAD,
    HEADS,
    PACKED,
    SHAPE,
    THETA,
    WIDTH,
    Family,
)
from tests.support.tensor_rules import changed, mxfp4

if TYPE_CHECKING:
    from numpy.typing import NDArray


@cache
def vocabulary() -> tiny_kinds.Kind:
    """Byte-level pairs with a BOS that is added, for every family."""
    return tiny_kinds.byte_level(bos="<s>", adds_bos=True)


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """Write one family's model twice; the same numbers every time.

    Returns:
        The folder for the runtime `hf`, and the GGUF file.
    """
    import transformers

    family = FAMILIES[name]
    size = len(vocabulary().tokens)
    shape = {**SHAPE, "vocab_size": size, **family.shape}
    if "hidden_size_per_layer_input" in shape:
        shape["vocab_size_per_layer_input"] = size
    told = {key: value for key, value in shape.items() if value is not None}
    network = transformers.AutoModelForCausalLM.from_config(
        getattr(transformers, family.config)(**told)
    )
    _draw(network)
    network.save_pretrained(folder / "hf")
    if family.mxfp4:
        _pack(folder / "hf")
    tiny_kinds.write_tokenizer(folder / "hf", vocabulary(), [])
    tensors = {key: value.numpy() for key, value in network.state_dict().items()}
    return folder / "hf", _write_gguf(folder / "tiny.gguf", family, told, tensors)


def _draw(network: Any) -> None:
    """Weights with which what is far away changes a logit, as initial ones would not let it."""
    import torch

    torch.manual_seed(0)
    for name, values in network.state_dict().items():
        if values.dim() < 2:
            values.add_(torch.randn_like(values) * 0.1)
        else:
            gain = 2.5 if "embed" in name or "lm_head" in name else 1.5
            values.normal_(0, gain / values.shape[-1] ** 0.5)


def _header(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "block_count": told.get("num_hidden_layers"), "context_length": CONTEXT,
        "embedding_length": WIDTH, "feed_forward_length": FEED_FORWARD,
        "attention.head_count": HEADS, "attention.head_count_kv": told["num_key_value_heads"],
        "attention.key_length": HEAD, "attention.value_length": HEAD,
        "attention.layer_norm_rms_epsilon": 1e-5, "rope.dimension_count": HEAD,
        "rope.freq_base": THETA, "vocab_size": told["vocab_size"],
    }  # fmt: skip


def _write_gguf(
    path: Path, family: Family, told: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> Path:
    header = {**_header(told), **family.header}
    writer = gguf.GGUFWriter(path, family.architecture)
    tiny_kinds.add_keys(writer, f"{family.architecture}.", header)
    tiny_kinds.add_vocabulary(writer, vocabulary())
    parts: dict[str, list[NDArray[Any]]] = {}
    for name, values in tensors.items():
        pattern = next((p for p in family.rules if re.search(p, name)), None)
        rule = family.rules[pattern] if pattern else changed(np.asarray)
        for new, made in rule(name, values):
            parts.setdefault(_gguf_name(new, family, header["block_count"]), []).append(made)
    for name, values in family.extra.items():
        parts[name] = [np.array(values)]
    for name, made in parts.items():
        values = np.ascontiguousarray(np.concatenate(made))
        if values.dtype == np.uint8:
            writer.add_tensor(name, values, raw_dtype=gguf.GGMLQuantizationType.MXFP4)
        else:
            writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _gguf_name(name: str, family: Family, layers: int) -> str:
    """llama.cpp's name of a tensor, by the table that its converter uses."""
    if name.startswith(("blk.", "output.")):
        return name
    numbers = {text: number for number, text in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(numbers[family.architecture], layers)
    found = names.get_name(
        re.sub(r"^model\.", family.prefix, name), try_suffixes=(".weight", ".bias")
    )
    assert found, f"no name for {name}"
    return found


def _pack(folder: Path) -> None:
    """Store a folder's experts in MXFP4 as OpenAI does: two neighbours a byte, scales apart."""
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    for name in [name for name in tensors if PACKED.search(name)]:
        rows = tensors.pop(name).swapaxes(-1, -2)
        blocks = mxfp4(rows).reshape(*rows.shape[:-1], -1, 17)
        halves = blocks[..., 1:]  # numbers 0 to 15 of a block, and above them 16 to 31
        numbers = np.concatenate([halves & 15, halves >> 4], axis=-1)
        tensors[f"{name}_blocks"] = numbers[..., 0::2] | numbers[..., 1::2] << 4
        tensors[f"{name}_scales"] = np.ascontiguousarray(blocks[..., 0])
    save_file(tensors, path, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": UNPACKED}
    (folder / "config.json").write_text(json.dumps(config))


UNPACKED = [
    "model.layers.*.self_attn",
    "model.layers.*.mlp.router",
    "model.embed_tokens",
    "lm_head",
]
