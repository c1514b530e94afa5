"""What a GGUF file says about itself, and what it may not make us do."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import ArtifactError
from runners.candidates.gguf_header import Quantisation, quantisation, read_header
from runners.candidates.gguf_types import TENSOR_TYPES

U32, F32, BOOL, STR, ARR, U64 = 4, 6, 7, 8, 9, 10
KEYS: list[tuple[str, int, Any]] = [
    ("general.architecture", STR, "llama"),
    ("general.name", STR, "Tiny"),
    ("general.file_type", U32, 15),
    ("llama.context_length", U32, 8192),
    ("llama.eps", F32, 0.5),
    ("add_bos", BOOL, 1),
    ("tokens", ARR, (STR, ["a", "bc", "é"])),
    ("scores", ARR, (F32, [0.5, 1.5])),
]
# (name, shape, type, offset). Q4_K: 2 blocks of 256, 144 bytes each. F32: 64 x 4 bytes.
TENSORS = [("w", (256, 2), 12, 0), ("norm", (64,), 0, 288)]
DATA_BYTES = 288 + 256
FORMS = {U32: "<I", F32: "<f", BOOL: "<B", U64: "<Q"}


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def packed(code: int, value: Any) -> bytes:
    if code == STR:
        return text(value)
    if code == ARR:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(packed(inner, i) for i in items)
    return struct.pack(FORMS[code], value)


def gguf(
    keys: list[tuple[str, int, Any]] = KEYS,
    tensors: list[tuple[str, tuple[int, ...], int, int]] = TENSORS,
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    data: int = DATA_BYTES,
) -> bytes:
    """A GGUF file by hand, as the specification lays it out."""
    head = b"GGUF" + struct.pack("<IQQ", version, *(counts or (len(tensors), len(keys))))
    for key, code, value in keys:
        head += text(key) + struct.pack("<I", code) + packed(code, value)
    for name, shape, code, offset in tensors:
        head += text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", dim) for dim in shape)
        head += struct.pack("<IQ", code, offset)
    return head + bytes(-len(head) % 32) + bytes(data)


def read(tmp_path: Path, content: bytes) -> Any:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    return read_header(path)


@pytest.mark.parametrize("version", [2, 3])
def test_a_small_header(tmp_path: Path, version: int) -> None:
    header = read(tmp_path, gguf(version=version))
    assert (header.architecture, header.name, header.version) == ("llama", "Tiny", version)
    assert header.metadata["llama.context_length"] == 8192
    assert header.metadata["add_bos"] is True
    assert dict(header.arrays) == {"tokens": 3, "scores": 2}
    assert [(t.name, t.shape, t.type_name, t.bytes) for t in header.tensors] == [
        ("w", (256, 2), "Q4_K", 288),
        ("norm", (64,), "F32", 256),
    ]
    # 512 + 64 parameters; (288 + 256) bytes x 8 / 576 = 7.556 bits; 512/576 and 64/576.
    assert header.parameters == 576
    assert quantisation(header) == Quantisation(
        name="Q4_K_M", bits_per_weight=7.556, share={"Q4_K": 0.8889, "F32": 0.1111}
    )


def test_a_guessed_and_a_missing_file_type(tmp_path: Path) -> None:
    guessed = read(tmp_path, gguf([("general.file_type", U32, 1024 + 2)]))
    assert quantisation(guessed).name == "Q4_0"
    assert quantisation(read(tmp_path, gguf([]))).name == "Q4_K"


HUGE = 2**63
BAD: dict[str, tuple[bytes, str]] = {
    "not gguf": (b"PK\3\4" + bytes(100), "starts with b'PK"),
    "empty": (b"", "ends in the middle of its header, at byte 0"),
    "version 1": (gguf(version=1), "version 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
    "tensor count": (gguf(counts=(HUGE, 1)), "claims 9,223,372,036,854,775,808 tensors"),
    "no tensor": (gguf(tensors=[]), "claims 0 tensors"),
    "key count": (gguf(counts=(1, HUGE)), "metadata keys"),
    "key twice": (gguf([KEYS[0], KEYS[0]]), '"general.architecture" comes twice'),
    "array of arrays": (gguf([("k", ARR, (ARR, []))]), '"k" is an array of type 9'),
    "alignment": (gguf([("general.alignment", U32, 0)]), "general.alignment is 0"),
    "dimensions": (gguf(tensors=[("w", (1,) * 5, 0, 0)]), '"w" has 5 dimensions'),
    "overflow": (gguf(tensors=[("w", (2**32, 2**32), 0, 0)]), "has the shape"),
    "zero": (gguf(tensors=[("w", (0,), 0, 0)]), "has the shape"),
    "block": (gguf(tensors=[("w", (100, 2), 12, 0)]), "which Q4_K cannot have"),
    "type": (gguf(tensors=[("w", (32,), 5, 0)]), "has type 5"),
    "tensor twice": (gguf(tensors=[TENSORS[0], TENSORS[0]]), '"w" comes twice'),
    "offset": (gguf(tensors=[("w", (32,), 0, 33)]), "not a multiple of 32"),
    "beyond": (gguf(tensors=[("w", (32,), 0, 2**40)]), "probably cut short: fetch it again"),
    "cut short": (gguf()[:-1], "probably cut short"),
    "cut in the header": (gguf()[:60], "in the middle of its header, at byte 60"),
}
ENTRY = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
BAD["key type"] = (ENTRY + text("k") + struct.pack("<I", 13), '"k" has the unknown type 13')
BAD["long key"] = (ENTRY + struct.pack("<Q", HUGE), "a metadata key claims")
BAD["long string"] = (ENTRY + text("k") + struct.pack("<IQ", STR, HUGE), '"k" claims')
BAD["long array"] = (ENTRY + text("k") + struct.pack("<IIQ", ARR, U64, HUGE), "in the middle")
BAD["many strings"] = (ENTRY + text("k") + struct.pack("<IIQ", ARR, STR, HUGE), '"k" claims')


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused(tmp_path: Path, case: str) -> None:
    content, says = BAD[case]
    started = time.perf_counter()
    with pytest.raises(ArtifactError, match="not a usable GGUF file") as caught:
        read(tmp_path, content)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - started < 1


@pytest.mark.slow
def test_the_most_strings_that_are_believed_take_seconds_not_minutes(tmp_path: Path) -> None:
    # A hole in the file reads as empty strings of 8 bytes each, then as a tensor without a name.
    path = tmp_path / "m.gguf"
    path.write_bytes(ENTRY + text("k") + struct.pack("<IIQ", ARR, STR, 4 << 20))
    os.truncate(path, 200 << 20)
    started = time.perf_counter()
    with pytest.raises(ArtifactError, match='tensor "" has 0 dimensions'):
        read_header(path)
    assert time.perf_counter() - started < 60  # 2 s on two cores; coverage costs tenfold


def test_a_header_larger_than_any(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(ENTRY + text("k") + struct.pack("<IIQ", ARR, U64, 10 << 20))
    os.truncate(path, 200 << 20)
    with pytest.raises(ArtifactError, match="its header is larger than 64 MiB"):
        read_header(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_header(tmp_path / "none.gguf")


CONTENT = gguf()
EDGES = [0, 1, 2, 255, 2**16, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1]


@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(CONTENT) - 9),
            st.one_of(
                st.binary(min_size=1, max_size=8),
                st.sampled_from([struct.pack("<Q", n) for n in EDGES]),
            ),
        ),
        max_size=4,
    ),
    end=st.integers(0, len(CONTENT)),
)
@settings(
    max_examples=400,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_damaged_header_is_read_or_refused(
    tmp_path: Path, edits: list[tuple[int, bytes]], end: int
) -> None:
    content = bytearray(CONTENT)
    for at, new in edits:
        content[at : at + len(new)] = new
    path = tmp_path / "m.gguf"
    path.write_bytes(content if end % 2 else content[:end])
    try:
        header = read_header(path)
    except ArtifactError:
        return
    assert quantisation(header).bits_per_weight > 0


def test_block_sizes_are_those_of_the_gguf_package() -> None:
    constants = pytest.importorskip("gguf.constants")
    theirs = {int(kind): (kind.name, *sizes) for kind, sizes in constants.GGML_QUANT_SIZES.items()}
    # ggml itself says 36 bytes for Q8_1, which is never stored in a file.
    theirs[9] = ("Q8_1", 32, 36)
    ours = {c: (t.name, t.block_elements, t.block_bytes) for c, t in TENSOR_TYPES.items()}
    assert {code: ours.get(code) for code in theirs} == theirs
