"""A model in several files is one model: read, digested and loaded by its first part."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from evals.errors import ArtifactError
from runners.candidates.catalogue import find_candidate
from runners.candidates.gguf_parts import read_model
from runners.candidates.weights import resolve
from tests.support import tiny_gguf


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    tiny_gguf.write(tmp_path / "tiny.gguf", "llama", part=8)
    return sorted(tmp_path.glob("tiny-*.gguf"))


def test_the_parts_are_one_model(parts: list[Path], tmp_path: Path) -> None:
    whole = read_model(tiny_gguf.write(tmp_path / "whole.gguf", "llama"))
    # Two layers of nine tensors, embeddings and a norm: 20 tensors, eight a part.
    assert [path.name[-23:] for path in parts] == [
        f"tiny-{n:05d}-of-00003.gguf"[-23:] for n in (1, 2, 3)
    ]
    candidate = find_candidate(str(parts[0]))
    assert candidate.name == "tiny"
    found = resolve(candidate)
    assert found.parameters == whole.parameters
    assert found.bytes == sum(path.stat().st_size for path in parts)
    lines = "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in parts)
    assert found.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert not found.verified
    assert found.path == parts[0]


def test_llama_cpp_loads_them(parts: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    from benchmarks.plain import Plain

    whole = tiny_gguf.write(tmp_path / "whole.gguf", "llama")
    with closing(Plain(parts[0], length=8)) as split, closing(Plain(whole, length=8)) as one:
        assert (split.logits([5, 6, 7], 2)[0] == one.logits([5, 6, 7], 2)[0]).all()


def test_a_part_that_is_not_the_first_or_not_there(parts: list[Path]) -> None:
    with pytest.raises(ArtifactError, match=r"of 3 parts; name the first: tiny-00001-of-00003"):
        read_model(parts[1])
    parts[2].rename(parts[2].with_name("elsewhere.gguf"))
    with pytest.raises(ArtifactError, match=r"1 of its 3 parts are not beside it, e.g. tiny-00003"):
        read_model(parts[0])
    other = parts[0].rename(parts[0].with_name("renamed.gguf"))
    with pytest.raises(ArtifactError, match=r"which is not called NAME-00001-of-00003\.gguf"):
        read_model(other)
