"""Classes of candidates, and which of them need no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import SpecError
from evals.fetch import artifact
from runners.candidates.catalogue import candidate_names
from runners.candidates.listed import listed
from runners.records.size_class import classes


def test_classes_by_parameters():
    # What is called 4B may have 4.4 billion parameters, what is called 32B up to 32.4.
    assert classes(0.135e9, off_grid=True) == ("tiny-titan", "32b", "off-grid")
    assert classes(4.49e9, off_grid=False) == ("tiny-titan", "32b")
    assert classes(4.51e9, off_grid=True) == ("32b", "off-grid")
    assert classes(33e9, off_grid=True) == ("off-grid",)
    assert classes(None, off_grid=False) == ()


def test_a_list_is_narrowed_by_class_and_family():
    names = candidate_names()
    assert len(listed(names)) == len(names)
    tiny = {one.candidate.name for one in listed(names, of_class="tiny-titan")}
    assert {"minicpm5-1b-q4_k_m", "qwen3-4b-q4_k_m", "smollm2-135m-instruct-q4_1"} <= tiny
    assert "gpt-oss-20b-mxfp4" not in tiny
    assert [one.candidate.name for one in listed(names, family="minicpm5-1b")] == [
        "minicpm5-1b-q4_k_m", "minicpm5-1b-q8_0",
    ]  # fmt: skip
    assert {one.size_class for one in listed(names, family="gpt-oss")} == {"32b"}
    with pytest.raises(SpecError, match=r'no family "qwen9".*did you mean "qwen3'):
        listed(names, family="qwen9")


def test_offline_is_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    names = ["smollm2-135m-instruct-q4_1", "smollm2-135m-instruct-q8_0", "qwen3-0.6b-q4_k_m"]
    assert not any(one.offline for one in listed(names))
    assert listed(names, offline=True) == []
    (source,) = [one.candidate for one in listed(names[:1])]
    folder = artifact._folder(source.weights or "")
    folder.mkdir(parents=True)
    (folder / "m.gguf").write_bytes(b"GGUF")
    artifact.write_json(folder / "artifact.json", {"uri": source.weights, "path": "m.gguf"})
    # What is made from it needs no network either.
    assert [one.offline for one in listed(names)] == [True, True, False]
    assert len(listed(names, offline=True)) == 2


def test_a_file_is_here_where_it_is(tmp_path: Path):
    path = tmp_path / "m.gguf"
    assert not artifact.is_here(str(path))
    path.write_bytes(b"GGUF")
    assert artifact.is_here(str(path))
    assert artifact.is_here(f"file:{path}")
