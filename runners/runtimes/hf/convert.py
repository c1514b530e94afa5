"""Turn a GGUF into safetensors: `python -P -m runners.runtimes.hf.convert SRC DST TYPE`.

A process of its own, because reading a GGUF takes several times its memory, which is nobody's
measurement. transformers de-quantises the weights and rebuilds the tokenizer from the header.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from runners.runtimes.converting import run_converter

DIGITS_APART = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
"""Values of `tokenizer.ggml.pre` whose byte-pair encoding takes each digit by itself, as
llama.cpp's does (src/llama-vocab.cpp), and which transformers splits as GPT-2."""
WIDER = {"F32": "float32", "BF16": "bfloat16"}
"""Type that a GGUF's main type is kept in; all others become float16, as in llama.cpp's F16."""


def convert(source: Path, target: Path, dtype_name: str) -> None:
    """Write weights, configuration and tokenizer of `source` into the folder `target`.

    Raises:
        ImportError: a package of the extra `hf` is missing.
        Exception: whatever transformers raises over a file that it cannot read.
    """
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    import accelerate  # noqa: F401  # transformers wants both, and names them late
    import gguf  # noqa: F401
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    where: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    network, report = transformers.AutoModelForCausalLM.from_pretrained(
        str(source.parent),
        dtype=getattr(torch, dtype_name),
        quantization_config=transformers.GgufConfig(dequantize=True),
        output_loading_info=True,
        **where,
    )
    if report["missing_keys"]:
        raise ValueError(f"it lacks tensors, e.g. {min(report['missing_keys'])}")
    # The weights are plain now; what says otherwise would keep them from being saved.
    network.hf_quantizer = None
    if hasattr(network.config, "quantization_config"):
        del network.config.quantization_config
    network.config._name_or_path = ""  # else the temporary folder's name
    network.save_pretrained(target)
    _write_tokenizer(source, target)


def describe(source: Path, target: Path) -> None:
    """Write configuration and tokenizer of `source` into the folder `target`, and no weights.

    Raises:
        ImportError: a package of the extra `hf` is missing.
        Exception: whatever transformers raises over a file that it cannot read.
    """
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    import torch  # noqa: F401  # transformers wants it to read a header
    import transformers

    config = transformers.AutoConfig.from_pretrained(
        str(source.parent), gguf_file=source.name, local_files_only=True
    )
    config._name_or_path = ""
    config.save_pretrained(target)
    _write_tokenizer(source, target)


def _write_tokenizer(source: Path, target: Path) -> None:
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(
        str(source.parent), gguf_file=source.name, local_files_only=True
    )
    if _pre_tokenizer(source) in DIGITS_APART:
        _split_digits(tokenizer)
    tokenizer.save_pretrained(target)


def _pre_tokenizer(source: Path) -> str:
    """Pre-tokenizer that the header names, which cuts text before pairs are merged; empty: none."""
    from gguf import GGUFReader

    field = GGUFReader(source).get_field("tokenizer.ggml.pre")
    return str(field.contents()) if field else ""


def _split_digits(tokenizer: Any) -> None:
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )


def convert_type(source: Path, target: Path, type_name: str) -> None:
    """Convert a GGUF most of whose parameters have a type; fails as `convert` does."""
    convert(source, target, WIDER.get(type_name, "float16"))


if __name__ == "__main__":
    sys.exit(run_converter(convert_type))
