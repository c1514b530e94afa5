"""Folders of safetensors, written here byte by byte."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ArtifactError, SpecError
from runners.candidates.catalogue import find_candidate
from runners.candidates.model_folder import read_folder


def write_tensors(path: Path, **tensors: tuple[str, list[int], int]) -> None:
    """Each: type, shape, bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (kind, shape, size) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(at))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    model = tmp_path / "My Model"
    model.mkdir()
    config = {"model_type": "llama", "max_position_embeddings": 2048}
    (model / "config.json").write_text(json.dumps(config))
    (model / "tokenizer.json").write_text("{}")
    write_tensors(
        model / "model.safetensors", a=("BF16", [4, 6], 48), b=("F32", [8], 32), c=("BF16", [], 2)
    )
    return model


def test_what_a_folder_says(folder: Path) -> None:
    found = read_folder(folder)
    # 24 + 1 BF16 values and 8 F32: (25 x 16 + 8 x 32) / 33 bits a weight.
    assert (found.parameters, found.quantisation.name) == (33, "BF16")
    assert found.quantisation.bits_per_weight == pytest.approx(656 / 33, abs=1e-3)
    assert found.quantisation.share == {"BF16": 0.7576, "F32": 0.2424}
    assert (found.architecture, found.trained_context) == ("llama", 2048)
    assert found.bytes == (folder / "model.safetensors").stat().st_size
    assert not found.chat_template


def test_the_digest_covers_what_matters(folder: Path) -> None:
    before = read_folder(folder).sha256
    (folder / "README.md").write_text("a word")
    (folder / ".gitattributes").write_text("a word")
    assert read_folder(folder).sha256 == before
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    with_template = read_folder(folder)
    assert with_template.chat_template
    (folder / "tokenizer.json").write_text('{"a": 1}')
    write_tensors(folder / "model.safetensors", a=("BF16", [5], 10))
    assert len({before, with_template.sha256, read_folder(folder).sha256}) == 3


def test_parts_are_those_of_the_index(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    write_tensors(folder / "model-1.safetensors", a=("F16", [3], 6), c=("F16", [1], 2))
    with pytest.raises(ArtifactError, match=r"1 of 2 parts are missing, e\.g\. model-2"):
        read_folder(folder)
    write_tensors(folder / "model-2.safetensors", b=("F16", [5], 10))
    write_tensors(folder / "consolidated.safetensors", z=("F16", [100], 200))  # of another format
    assert read_folder(folder).parameters == 9


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.safetensors", b"\xff" * 12, "cut short or no safetensors"),
        ("model.safetensors", b"\x02" + bytes(7) + b"[]", "header is damaged"),
        ("model.safetensors", b"", "cut short or no safetensors"),
        ("config.json", b"[1]", "expected an object, found list"),
        ("config.json", b"{", "is not usable JSON"),
        ("tokenizer_config.json", b"[" * 100_000, "is not usable JSON"),
    ],
)
def test_a_damaged_file_gives_one_line(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=said) as caught:
        read_folder(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": ["ab", 3]},
        {"shape": ["x" * 1000, 10**13]},
        {"shape": [[1]]},
        {"shape": [1e308, 10]},
        {"shape": [math.nan]},
        {"shape": [-4]},
        {"shape": [True]},
        {"shape": [2**40, 2**40]},
        {"shape": [1] * 100_000},
        {"shape": 4},
        {"data_offsets": ["a", "b"]},
        {"data_offsets": [None]},
        {"data_offsets": []},
        {"data_offsets": [0, -1]},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_header_that_no_tensor_can_have_is_damaged(folder: Path, change: dict[str, Any]) -> None:
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **change}
    header = json.dumps({"w": entry}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(16)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ArtifactError, match="its safetensors header is damaged"):
        read_folder(folder)


@pytest.mark.parametrize("named", [{"a": {"b": 1}}, {"a": [1]}, {"a": None}, {}, [], "x"])
def test_an_index_that_names_no_files_is_one_line(folder: Path, named: Any) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": named}))
    with pytest.raises(ArtifactError, match="names no files of this folder"):
        read_folder(folder)


def test_weights_that_were_cut_short_are_noticed(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=rf"end at byte {len(whole)}, and it has"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ("model.Q4_0.gguf", r"name the file itself: .*model\.Q4_0\.gguf"),
        ("adapter_config.json", "merge it into its base model"),
        ("pytorch_model.bin", "pickled weights are not loaded"),
        ("notes", r"has no model\.safetensors$"),
    ],
)
def test_a_folder_of_something_else_says_what_to_do(folder: Path, beside: str, said: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / beside).write_text("")
    with pytest.raises(ArtifactError, match=said):
        read_folder(folder)


def test_a_folder_is_a_candidate(folder: Path, tmp_path: Path) -> None:
    found = find_candidate(str(folder))
    assert (found.name, found.family, found.runtime) == ("my-model", "my-model", "hf")
    assert found.weights == str(folder)
    snapshot = tmp_path / "models--org--Tiny-1.5B" / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    folder.rename(snapshot)
    assert find_candidate(str(snapshot)).name == "tiny-1.5b"
    with pytest.raises(SpecError, match=r"is a folder without config\.json"):
        find_candidate(str(tmp_path))
