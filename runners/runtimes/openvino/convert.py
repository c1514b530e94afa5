"""Turn a GGUF into a model of OpenVINO's: `python -P -m runners.runtimes.openvino.convert SRC DST
TYPE`.

A process of its own, as for other conversions: openvino-genai reads the file and keeps what it made
of it, and what is kept is held to the file. TYPE is not needed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from runners.runtimes.converting import run_converter
from runners.runtimes.openvino.readable import unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "openvino_model.xml"
LONGEST, ENDLESS = 8192, 2**31 - 1
CHECKED = ("attn_v", "attn_output", "ffn_down", "ffn_up", "ffn_gate")
"""Matrices whose rows stand as in the file; those of queries and keys are turned for some."""


def convert(source: Path, target: Path) -> None:
    """Write model, tokenizer and what the header says into the folder `target`.

    Raises:
        ImportError: a package of the extra `openvino` is missing.
        Exception: whatever openvino-genai raises over a file that it cannot read.
    """
    import gguf
    import openvino as ov
    import openvino_genai

    from runners.runtimes.openvino import restore

    reader = gguf.GGUFReader(source)
    header = {name: field.contents() for name, field in reader.fields.items()}
    types = {t.name: t.tensor_type.name if len(t.shape) > 1 else "" for t in reader.tensors}
    if why := unreadable(header, types):
        raise ValueError(why)
    target.mkdir(parents=True)
    link = target / "model.gguf"
    link.symlink_to(source.absolute())
    # Where it keeps what it made is beside the file that it is given.
    openvino_genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
    link.unlink()
    _take_long_texts(target)
    model = ov.Core().read_model(target / MODEL)
    for name, weights in _one_of_each_type(reader):
        if not restore.farthest(model, weights) <= restore.APART:
            raise ValueError(
                f"it reads {types[name]} wrongly: {name} is another matrix than in the file; "
                "quantise to Q4_0 or Q8_0"
            )
    if restore.put_back(model, _exact(reader, header)):
        ov.save_model(model, target / "exact.xml", compress_to_fp16=False)
        del model
        (target / "exact.bin").replace(target / "openvino_model.bin")
        (target / "exact.xml").replace(target / MODEL)
    _write_config(target, header)


def _take_long_texts(target: Path) -> None:
    """Let the tokenizer keep whole texts: by itself it drops all but the last 8,192 tokens.

    The limit is a constant of its graph, four bytes in the file of numbers.
    """
    graph, numbers = (target / f"openvino_tokenizer.{ending}" for ending in ("xml", "bin"))
    content = bytearray(numbers.read_bytes())
    for element in ElementTree.parse(graph).iter("data"):  # noqa: S314  # we have just made it
        told = element.attrib
        if told.get("element_type") == "i32" and told.get("size") == "4" and "offset" in told:
            place = slice(int(told["offset"]), int(told["offset"]) + 4)
            if int.from_bytes(content[place], "little") == LONGEST:
                content[place] = ENDLESS.to_bytes(4, "little")
    numbers.write_bytes(content)


def _one_of_each_type(reader: Any) -> list[tuple[str, NDArray[np.float32]]]:
    import gguf

    found: dict[str, Any] = {}
    for tensor in sorted(reader.tensors, key=lambda one: int(one.n_elements)):
        block, _, part = tensor.name.rpartition(".weight")[0].rpartition(".")
        if block == "blk.0" and part in CHECKED:
            found.setdefault(tensor.tensor_type.name, tensor)
    return [
        (one.name, gguf.dequantize(one.data, one.tensor_type).reshape(one.shape[::-1]))
        for one in found.values()
    ]


def _exact(reader: Any, header: dict[str, Any]) -> list[NDArray[np.float32]]:
    """Numbers that the file has, or implies, in 32 bits: vectors, and rotary frequencies."""
    import gguf
    import numpy as np

    about = f"{header['general.architecture']}."
    base = float(header.get(f"{about}rope.freq_base", 10000.0))
    size = header.get(f"{about}attention.key_length") or (
        header[f"{about}embedding_length"] // header[f"{about}attention.head_count"]
    )
    frequencies = base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    vectors = (t for t in reader.tensors if t.tensor_type == gguf.GGMLQuantizationType.F32)
    return [*(np.array(t.data) for t in vectors if len(t.shape) == 1), frequencies.astype("f4")]


def _write_config(target: Path, header: dict[str, Any]) -> None:
    """What a folder of OpenVINO's says in files of transformers' names."""
    about, words = f"{header['general.architecture']}.", "tokenizer.ggml."
    ends = [header.get(f"{words}{key}_token_id") for key in ("eos", "eot")]
    config = {
        "model_type": header["general.architecture"],
        "max_position_embeddings": header.get(f"{about}context_length"),
        "eos_token_id": [token for token in ends if token is not None],
    }
    tokenizer = {
        "add_bos_token": bool(header.get(f"{words}add_bos_token", False)),
        "chat_template": header.get("tokenizer.chat_template", ""),
    }
    for name, content in (("config", config), ("tokenizer_config", tokenizer)):
        (target / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_converter(lambda source, target, _: convert(source, target)))
