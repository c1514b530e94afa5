"""Read what a GGUF file says about itself, in bounded time and memory.

The `gguf` package's own reader maps every token of the vocabulary to numpy arrays (2 s on a
135 M model) and trusts the counts in the file. This one walks the header once, keeps scalars,
counts arrays, and checks each length against the file before it believes it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.errors import ArtifactError
from runners.candidates.gguf_types import FILE_TYPES, GUESSED, TENSOR_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

Scalar = str | int | float | bool

MAX_HEADER_BYTES = 64 << 20
"""Vocabularies of 262,144 tokens with half a million merges need 20 MiB."""
MAX_STRING_BYTES = 4 << 20
MAX_ENTRIES = 65_536
"""Metadata keys, and tensors."""
MAX_STRINGS = 4 << 20
"""Most strings in all arrays together, which bounds the time: each costs a step of the loop."""
MAX_DIMS = 4
_READ_BYTES = 1 << 20

_STRING, _ARRAY, _BOOL = 8, 9, 7
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", _BOOL: "<B"} | {
    10: "<Q",
    11: "<q",
    12: "<d",
}
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """One tensor, as the header announces it."""

    name: str
    shape: tuple[int, ...]
    """Elements, the fastest dimension first, as ggml counts them."""
    type_name: str
    elements: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """Metadata and tensor types of a GGUF file, from its header."""

    version: int
    architecture: str
    name: str
    """general.name; empty when the file has none."""
    metadata: Mapping[str, Scalar]
    arrays: Mapping[str, int]
    """Number of elements, by key."""
    tensors: tuple[TensorInfo, ...]
    parameters: int
    """Elements of all tensors."""
    bytes: int
    """The file's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """Number format of the weights, read from the file's content and not from its name."""

    name: str
    """Type named by general.file_type; without it, the tensor type that most parameters have."""
    bits_per_weight: float
    """8 x bytes of all tensors / parameters."""
    share: Mapping[str, float]
    """Share of the parameters by tensor type, largest first."""


class _DamagedError(ValueError):
    """The header is wrong; `read_header` adds the file's name."""


def read_header(path: Path) -> GgufHeader:
    """Read the header of a GGUF file.

    Raises:
        ArtifactError: unreadable, not GGUF, cut short, or with values that cannot be.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _parse(_Cursor(file, size), size)
    except _DamagedError as error:
        raise ArtifactError(f"{path}: not a usable GGUF file: {error}") from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror})") from error


def quantisation(header: GgufHeader) -> Quantisation:
    """Name, bits per weight and mix of types of a file's tensors."""
    by_type: dict[str, int] = {}
    for tensor in header.tensors:
        by_type[tensor.type_name] = by_type.get(tensor.type_name, 0) + tensor.elements
    ordered = sorted(by_type.items(), key=lambda item: (-item[1], item[0]))
    said = header.metadata.get("general.file_type")
    code = said & ~GUESSED if isinstance(said, int) else -1
    stored = sum(t.bytes for t in header.tensors)
    return Quantisation(
        name=FILE_TYPES.get(code, ordered[0][0]),
        bits_per_weight=round(8 * stored / header.parameters, 3),
        share={name: round(count / header.parameters, 4) for name, count in ordered},
    )


class _Cursor:
    """Reads forward through the header, and never past the file or MAX_HEADER_BYTES."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._limit = min(size, MAX_HEADER_BYTES)
        self._whole = size <= MAX_HEADER_BYTES
        self._data = bytearray()
        self._strings = 0
        self.at = 0

    def need(self, count: int) -> int:
        """Make `count` more bytes readable, step over them, and return where they start."""
        start, end = self.at, self.at + count
        if end > len(self._data):
            if end > self._limit:
                raise _DamagedError(
                    f"it ends in the middle of its header, at byte {self._limit:,}"
                    if self._whole
                    else f"its header is larger than {MAX_HEADER_BYTES >> 20} MiB"
                )
            self._data += self._file.read(max(end - len(self._data), _READ_BYTES))
            if end > len(self._data):
                raise _DamagedError("it became shorter while it was read")
        self.at = end
        return start

    def u32(self) -> int:
        return int(_U32.unpack_from(self._data, self.need(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack_from(self._data, self.need(8))[0])

    def scalar(self, code: int) -> int | float | bool:
        form = _SCALARS[code]
        value: int | float = struct.unpack_from(form, self._data, self.need(struct.calcsize(form)))[
            0
        ]
        return bool(value) if code == _BOOL else value

    def string(self, what: str) -> str:
        length = self.u64()
        if length > MAX_STRING_BYTES:
            raise _DamagedError(f"{what} claims {length:,} bytes")
        start = self.need(length)
        return self._data[start : self.at].decode("utf-8", "replace")

    def skip_strings(self, count: int, what: str) -> None:
        self._strings += count
        if self._strings > MAX_STRINGS:
            raise _DamagedError(f"{what} claims {count:,} strings")
        for _ in range(count):
            length = self.u64()
            if length > MAX_STRING_BYTES:
                raise _DamagedError(f"a string of {what} claims {length:,} bytes")
            self.need(length)


def _parse(cursor: _Cursor, size: int) -> GgufHeader:
    magic = cursor.u32().to_bytes(4, "little")
    if magic != b"GGUF":
        page = " (a web page)" if magic.lstrip()[:1] == b"<" else ""
        raise _DamagedError(f"it starts with {magic!r}{page} instead of b'GGUF'")
    version = cursor.u32()
    if version not in (2, 3):
        swapped = version.to_bytes(4, "little") in (b"\0\0\0\2", b"\0\0\0\3")
        raise _DamagedError("it is big-endian" if swapped else f"version {version} (known: 2, 3)")
    tensor_count, key_count = cursor.u64(), cursor.u64()
    if not 1 <= tensor_count <= MAX_ENTRIES or key_count > MAX_ENTRIES:
        raise _DamagedError(f"it claims {tensor_count:,} tensors and {key_count:,} metadata keys")
    metadata, arrays = _metadata(cursor, key_count)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
        raise _DamagedError(f"general.alignment is {alignment!r}")
    tensors, data_bytes = _tensors(cursor, tensor_count, alignment)
    data_start = -(-cursor.at // alignment) * alignment
    if data_start + data_bytes > size:
        raise _DamagedError(
            f"its tensors end at byte {data_start + data_bytes:,}, and it has {size:,}; "
            "it was probably cut short: fetch it again"
        )
    return GgufHeader(
        version=version,
        architecture=str(metadata.get("general.architecture", "")),
        name=str(metadata.get("general.name", "")),
        metadata=metadata,
        arrays=arrays,
        tensors=tensors,
        parameters=sum(t.elements for t in tensors),
        bytes=size,
    )


def _metadata(cursor: _Cursor, count: int) -> tuple[dict[str, Scalar], dict[str, int]]:
    scalars: dict[str, Scalar] = {}
    arrays: dict[str, int] = {}
    for _ in range(count):
        key = cursor.string("a metadata key")
        what = f'metadata key "{key[:80]}"'
        if key in scalars or key in arrays:
            raise _DamagedError(f"{what} comes twice")
        code = cursor.u32()
        if code == _STRING:
            scalars[key] = cursor.string(what)
        elif code == _ARRAY:
            arrays[key] = _skip_array(cursor, what)
        elif code in _SCALARS:
            scalars[key] = cursor.scalar(code)
        else:
            raise _DamagedError(f"{what} has the unknown type {code}")
    return scalars, arrays


def _skip_array(cursor: _Cursor, what: str) -> int:
    code, count = cursor.u32(), cursor.u64()
    if code == _STRING:
        cursor.skip_strings(count, what)
    elif code in _SCALARS:
        cursor.need(struct.calcsize(_SCALARS[code]) * count)
    else:
        raise _DamagedError(f"{what} is an array of type {code}")
    return count


def _tensors(cursor: _Cursor, count: int, alignment: int) -> tuple[tuple[TensorInfo, ...], int]:
    """The tensors, and the bytes that the furthest of them needs after the header."""
    tensors: dict[str, TensorInfo] = {}
    furthest = 0
    for _ in range(count):
        name = cursor.string("a tensor's name")
        what = f'tensor "{name[:80]}"'
        if name in tensors:
            raise _DamagedError(f"{what} comes twice")
        dims = cursor.u32()
        if not 1 <= dims <= MAX_DIMS:
            raise _DamagedError(f"{what} has {dims:,} dimensions")
        shape = tuple(cursor.u64() for _ in range(dims))
        tensors[name] = _tensor(name, what, shape, cursor.u32())
        offset = cursor.u64()
        if offset % alignment:
            raise _DamagedError(f"{what} starts at {offset:,}, not a multiple of {alignment}")
        furthest = max(furthest, offset + tensors[name].bytes)
    return tuple(tensors.values()), furthest


def _tensor(name: str, what: str, shape: tuple[int, ...], code: int) -> TensorInfo:
    kind = TENSOR_TYPES.get(code)
    if kind is None:
        raise _DamagedError(f"{what} has type {code}, which this version does not know")
    elements = 1
    for dim in shape:
        elements *= dim
    if not 1 <= elements < 1 << 48 or shape[0] % kind.block_elements:
        raise _DamagedError(f"{what} has the shape {shape}, which {kind.name} cannot have")
    return TensorInfo(
        name=name,
        shape=shape,
        type_name=kind.name,
        elements=elements,
        bytes=elements // kind.block_elements * kind.block_bytes,
    )
