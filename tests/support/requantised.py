"""A GGUF written again with matrices of another type, and another name of its pre-tokenizer."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

FILE_TYPES = {"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7}
"""llama.cpp's numbers of what a file is mostly in."""


def requantised(
    source: Path, target: Path, kind: str, *, pre: str, embedding: str | None = None
) -> Path:
    """Write `source` again.

    Args:
        source: a file of float32.
        target: where to.
        kind: type of its matrices; vectors stay in float32.
        pre: `tokenizer.ggml.pre`.
        embedding: type of the embedding, where it is another.
    """
    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, str(architecture))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        value = pre if name == "tokenizer.ggml.pre" else field.contents()
        listed = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(
            name, value, field.types[0], sub_type=field.types[-1] if listed else None
        )
    writer.add_file_type(FILE_TYPES[kind])
    for tensor in reader.tensors:
        values = np.array(tensor.data, dtype=np.float32)
        if values.ndim == 1:  # rounded, so that 16 bits hold the same numbers
            writer.add_tensor(tensor.name, values.astype(np.float16).astype(np.float32))
        else:
            other = embedding if tensor.name == "token_embd.weight" else None
            wanted = gguf.GGMLQuantizationType[other or kind]
            writer.add_tensor(tensor.name, gguf.quantize(values, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target
