"""A folder of OpenVINO's: which of its files matter, and what they say of the model.

Format: https://docs.openvino.ai (the intermediate representation: a graph in XML, whose constants
are places in a file of numbers).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from evals.errors import ArtifactError
from runners.candidates.gguf_header import Quantisation
from runners.candidates.model_folder import (
    BESIDE,
    ModelFolder,
    folder_digest,
    has_template,
    read_config,
    trained_context,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evals.fetch.cache import Progress

GRAPH, WEIGHTS = "openvino_model.xml", "openvino_model.bin"
FILES = (
    GRAPH, WEIGHTS, "openvino_tokenizer.xml", "openvino_tokenizer.bin", "openvino_detokenizer.xml",
    "openvino_detokenizer.bin",
)  # fmt: skip
WANTED = (*FILES, *BESIDE)
"""Patterns of files that are fetched."""
BITS = {"u4": 4, "i4": 4, "nf4": 4, "u8": 8, "i8": 8, "f16": 16, "bf16": 16, "f32": 32}
"""Types of constants that may be weights."""
MAX_GRAPH_BYTES = 256 << 20


def read_ir_folder(path: Path, progress: Progress | None = None) -> ModelFolder:
    """Look at a folder and work out its digest.

    Raises:
        ArtifactError: something is missing or damaged.
    """
    try:
        missing = [name for name in FILES if not (path / name).is_file()]
        if missing:
            raise ArtifactError(
                f"{path}: has no {missing[0]}, so it is no model of OpenVINO's; export it with its "
                "tokenizer (optimum-cli export openvino), or name a GGUF file"
            )
        by_type = _weights(path / GRAPH)
        config = read_config(path / "config.json")
        files = [path / name for name in FILES]
        return ModelFolder(
            path=path,
            sha256=folder_digest(path, files, progress),
            bytes=(path / WEIGHTS).stat().st_size,
            parameters=sum(by_type.values()),
            quantisation=_quantisation(by_type),
            architecture=str(config.get("model_type", "")),
            trained_context=trained_context(config),
            chat_template=has_template(path),
        )
    except OSError as error:
        raise ArtifactError(
            f"{error.filename or path}: cannot be read ({error.strerror})"
        ) from error


def _weights(graph: Path) -> dict[str, int]:
    """Numbers in matrices by type, the most first; scales and zero points are not counted."""
    if graph.stat().st_size > MAX_GRAPH_BYTES:
        raise ArtifactError(f"{graph}: is larger than any graph ({MAX_GRAPH_BYTES >> 20} MiB)")
    found: dict[str, int] = {}
    try:
        for kind, shape in _constants(graph):
            if kind in BITS and len(shape) > 1 and shape[-1] > 1 and shape[0] > 1:
                found[kind] = found.get(kind, 0) + math.prod(shape)
    except (ElementTree.ParseError, ValueError) as error:
        raise ArtifactError(f"{graph}: is no graph of OpenVINO's: {error}") from error
    if not found:
        raise ArtifactError(f"{graph}: has no weights")
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _constants(graph: Path) -> Iterator[tuple[str, list[int]]]:
    for _, element in ElementTree.iterparse(graph):  # noqa: S314  # expat limits what entities grow to
        if element.tag == "data" and "offset" in element.attrib:
            text = element.attrib.get("shape", "")
            shape = [int(size) for size in text.split(",") if size.strip()]
            yield element.attrib.get("element_type", ""), shape
        if element.tag == "layer":
            element.clear()


def _quantisation(by_type: dict[str, int]) -> Quantisation:
    parameters = sum(by_type.values())
    bits = sum(BITS[kind] * count for kind, count in by_type.items())
    return Quantisation(
        name=next(iter(by_type)),
        bits_per_weight=round(bits / parameters, 3),
        share={kind: round(count / parameters, 4) for kind, count in by_type.items()},
    )
