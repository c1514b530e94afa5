"""A folder of safetensors: which of its files matter, and what they say of the model.

Format: https://huggingface.co/docs/safetensors (eight bytes of length, a JSON header, the data).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError
from evals.fetch.cache import remembered_sha256
from evals.files import read_small
from runners.candidates.gguf_header import Quantisation
from runners.candidates.next_token import check_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evals.fetch.cache import Progress

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
BESIDE = ("*.json", "*.model", "*.tiktoken", "*.txt", "*.jinja", "*.py")
"""Patterns of files that a tokenizer, a chat template or a model's own code may be read from."""
NOT_BESIDE = ("README*", "LICENSE*", "*.index.json", ".*")
MAX_HEADER_BYTES = 100_000_000
"""The format's own limit."""
MAX_JSON_BYTES = 64 << 20
MAX_DIMS = 64
BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4,
    "I64": 64, "U64": 64, "I32": 32, "U32": 32, "I16": 16, "U16": 16, "I8": 8, "U8": 8, "BOOL": 8,
}  # fmt: skip
LENGTH_KEYS = ("n_positions", "max_position_embeddings", "n_ctx")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A model that transformers can load, and what its files say."""

    path: Path
    sha256: str
    """SHA-256 over the names and the sha256 of every file that matters."""
    bytes: int
    """Bytes of the weights."""
    parameters: int
    quantisation: Quantisation
    """`name` is the type that most parameters have."""
    architecture: str
    """`model_type` of its configuration."""
    trained_context: int | None
    """Trained context in tokens; None where the configuration does not say."""
    chat_template: bool


def read_folder(path: Path, progress: Progress | None = None) -> ModelFolder:
    """Look at a folder and work out its digest.

    Raises:
        ArtifactError: something is missing or damaged, or it is no causal language model.
    """
    try:
        config = read_config(path / "config.json")
        check_folder(config, {entry.name for entry in path.iterdir()}, str(path))
        shards = _shards(path)
        packed = _packed_bits(config)
        tensors = [tensor for shard in shards for tensor in _tensors(shard, packed)]
        parameters = sum(count for _, count in tensors)
        if not parameters:
            raise ArtifactError(f"{path}: its safetensors hold no tensors")
        return ModelFolder(
            path=path,
            sha256=folder_digest(path, shards, progress),
            bytes=sum(shard.stat().st_size for shard in shards),
            parameters=parameters,
            quantisation=_quantisation(tensors, parameters),
            architecture=str(config.get("model_type", "")),
            trained_context=trained_context(config),
            chat_template=has_template(path),
        )
    except OSError as error:
        raise ArtifactError(
            f"{error.filename or path}: cannot be read ({error.strerror})"
        ) from error


def _shards(path: Path) -> list[Path]:
    """The files that transformers would read, in its order of preference."""
    if (path / WEIGHTS).is_file():
        return [path / WEIGHTS]
    if not (path / INDEX).is_file():
        raise ArtifactError(f"{path}: has no {WEIGHTS}{_instead(path)}")
    index = read_config(path / INDEX).get("weight_map")
    listed = list(index.values()) if isinstance(index, dict) else []
    if not listed or any(not isinstance(n, str) or "/" in n or "\\" in n for n in listed):
        raise ArtifactError(f"{path / INDEX}: names no files of this folder")
    names = sorted(set(listed))
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise ArtifactError(
            f"{path}: {len(missing)} of {len(names)} parts are missing, e.g. {missing[0]}"
        )
    return [path / name for name in names]


def _instead(path: Path) -> str:
    """A clause that names what the folder holds instead of a model, and what to do."""
    names = sorted(entry.name for entry in path.iterdir())
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    if ggufs:
        return f"; name the file itself: {path / ggufs[0]}"
    if "adapter_config.json" in names:
        return "; it is an adapter: merge it into its base model first"
    if any(name.endswith((".bin", ".pt", ".pth")) for name in names):
        return "; pickled weights are not loaded: save them with safe_serialization first"
    return ""


def read_config(path: Path) -> dict[str, Any]:
    """A file of a folder that holds an object in JSON.

    Raises:
        ArtifactError: it is not there, or is none.
    """
    if not path.is_file():
        raise ArtifactError(f"{path.parent}: has no {path.name}, so it is no model's folder")
    try:
        content = json.loads(read_small(path, MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{path}: is not usable JSON: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(content, dict):
        raise ArtifactError(f"{path}: expected an object, found {type(content).__name__}")
    return content


def _packed_bits(config: dict[str, Any]) -> int | None:
    """Bits of a number where MLX has packed them into words of 32; None elsewhere."""
    told = config.get("quantization")
    bits = told.get("bits") if isinstance(told, dict) else None
    return bits if isinstance(bits, int) and 1 <= bits <= 8 else None


def _tensors(path: Path, packed: int | None) -> Iterator[tuple[str, int]]:
    """(type, elements) of each tensor of one file; of packed ones their numbers, without scales."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            raise ArtifactError(f"{path}: is cut short or no safetensors: fetch it again")
        try:
            header = json.loads(file.read(length))
            named = {n: _tensor(entry) for n, entry in header.items() if n != "__metadata__"}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ArtifactError(f"{path}: its safetensors header is damaged") from error
    end = 8 + length + max((last for _, _, last in named.values()), default=0)
    if end > size:
        raise ArtifactError(
            f"{path}: its tensors end at byte {end:,}, and it has {size:,}; it was probably cut "
            "short: fetch it again"
        )
    for name, (kind, count, _) in named.items():
        if packed is None:
            yield kind, count
        elif kind == "U32":
            yield f"{packed}-bit", count * 32 // packed
        elif not name.endswith((".scales", ".biases")):
            yield kind, count


def _tensor(entry: dict[str, Any]) -> tuple[str, int, int]:
    """Type, elements and last byte of one tensor.

    Raises:
        ValueError: a number in its place is none that a tensor can have.
    """
    shape, offsets = list(entry["shape"]), list(entry["data_offsets"])
    numbers = [*shape, *offsets]
    if any(type(n) is not int or not 0 <= n < 1 << 48 for n in numbers) or len(shape) > MAX_DIMS:
        raise ValueError(f"{numbers!r:.80}")
    count = math.prod(shape)
    if count >= 1 << 48:
        raise ValueError(f"{count:,} elements")
    return str(entry["dtype"]), count, max(offsets)


def _quantisation(tensors: list[tuple[str, int]], parameters: int) -> Quantisation:
    by_type: dict[str, int] = {}
    for kind, count in tensors:
        by_type[kind] = by_type.get(kind, 0) + count
    ordered = sorted(by_type.items(), key=lambda item: (-item[1], item[0]))
    bits = sum(_bits(kind) * count for kind, count in ordered)
    return Quantisation(
        name=ordered[0][0],
        bits_per_weight=round(bits / parameters, 3),
        share={kind: round(count / parameters, 4) for kind, count in ordered},
    )


def _bits(kind: str) -> int:
    return int(kind.partition("-")[0]) if kind.endswith("-bit") else BITS.get(kind, 8)


def trained_context(config: dict[str, Any]) -> int | None:
    """Tokens, as a configuration says; None where it does not."""
    inner = config.get("text_config")
    said = inner if isinstance(inner, dict) else config
    values = [said.get(key) for key in LENGTH_KEYS]
    return next((v for v in values if isinstance(v, int) and v > 0), None)


def has_template(path: Path) -> bool:
    """True where a folder's tokenizer has a chat template."""
    if (path / "chat_template.jinja").is_file():
        return True
    settings = path / "tokenizer_config.json"
    return settings.is_file() and bool(read_config(settings).get("chat_template"))


def folder_digest(path: Path, shards: list[Path], progress: Progress | None) -> str:
    """SHA-256 over the names and hashes of weights' files and of all that is read beside them."""
    beside = [
        entry
        for entry in path.iterdir()
        if any(fnmatch(entry.name, pattern) for pattern in BESIDE)
        and not any(fnmatch(entry.name, pattern) for pattern in NOT_BESIDE)
        and entry.is_file()
    ]
    lines = [f"{f.name} {remembered_sha256(f, progress)}\n" for f in sorted({*shards, *beside})]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
