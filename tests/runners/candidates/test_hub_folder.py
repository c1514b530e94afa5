"""Repositories of models, against a small hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import fake_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

HEADER = b'{"a":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]}}'
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}",
    "model.safetensors": len(HEADER).to_bytes(8, "little") + HEADER + bytes(16),
    "README.md": b"a word",
    "pytorch_model.bin": b"pickled",
    "original/consolidated.safetensors": b"another format",
}
GRAPH = (
    b'<net><layers><layer><data element_type="u4" shape="4, 2, 32" offset="0" size="128"/></layer>'
    b'<layer><data element_type="f16" shape="4, 2, 1" offset="128" size="16"/></layer>'
    b"</layers></net>"
)
IR = {
    "config.json": b'{"model_type": "llama"}',
    "openvino_model.xml": GRAPH,
    "openvino_model.bin": bytes(144),
    **{f"openvino_{n}tokenizer.{end}": b"-" for n in ("", "de") for end in ("xml", "bin")},
    "openvino_config.json": b"{}",
    "README.md": b"a word",
}
REPOS = {
    "org/tiny": FILES,
    "org/ir": IR,
    "org/ggufs": {"config.json": b"{}", "a.gguf": b"GGUF"},
}
ASK = """
import json, sys
from evals.errors import ArtifactError
from runners.candidates.hub_folder import fetch_hub_folder
answers = []
for uri, offline in json.loads(sys.argv[1]):
    try:
        kind = "ir" if uri.endswith("/ir") else "folder"
        found = fetch_hub_folder(uri, kind, offline=offline, progress=None)
        names = sorted(path.name for path in found.path.iterdir())
        answers.append([found.sha256, found.parameters, names])
    except ArtifactError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    with fake_hub.serving(REPOS, tmp_path, monkeypatch) as asked:
        yield asked


def ask(*requests: tuple[str, bool]) -> list[Any]:
    return fake_hub.ask(ASK, requests)


def test_a_repository_is_fetched_once_and_only_what_matters(hub: list[str]) -> None:
    first, compiled = ask(("hf:org/tiny", False), ("hf:org/ir", False))
    assert first[1:] == [8, ["config.json", "model.safetensors", "tokenizer.json"]]
    # Four rows of two groups of 32 numbers; eight scales are none of the model's numbers.
    assert compiled[1:] == [256, sorted(set(IR) - {"README.md"})]
    so_far = len(hub)
    assert so_far
    assert ask(("hf:org/tiny", False), ("hf:org/tiny", True)) == [first, first]
    assert len(hub) == so_far  # nobody was asked again


def test_a_copy_that_is_not_whole_is_completed(hub: list[str], tmp_path: Path) -> None:
    (first,) = ask(("hf:org/tiny", False))
    (weights,) = (tmp_path / "hf").rglob(f"snapshots/{fake_hub.COMMIT}/model.safetensors")
    weights.unlink()
    offline, online = ask(("hf:org/tiny", True), ("hf:org/tiny", False))
    assert "not in the hub's cache, and offline" in offline
    assert online == first


def test_what_cannot_be_had_is_one_line(hub: list[str]) -> None:
    missing, ggufs, cold = ask(
        ("hf:org/nothing", False), ("hf:org/ggufs", False), ("hf:org/tiny", True)
    )
    assert missing.startswith("hf:org/nothing: no such repository as org/nothing")
    assert ggufs.endswith(
        "has no model.safetensors; of its GGUF files, name one, e.g. hf:org/ggufs#a.gguf: a.gguf"
    )
    assert cold.startswith("hf:org/tiny: not in the hub's cache, and offline")


def test_a_damaged_part_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<html>log in</html>"
    repos = {"org/tiny": {**FILES, "model.safetensors": page}}
    etags = dict.fromkeys((page, FILES["model.safetensors"]), "the-same")
    with fake_hub.serving(repos, tmp_path, monkeypatch, etags=etags):
        (refused,) = ask(("hf:org/tiny", False))
        assert "cut short or no safetensors" in refused
        repos["org/tiny"] = FILES
        (right,) = ask(("hf:org/tiny", False))
    assert right[1] == 8
