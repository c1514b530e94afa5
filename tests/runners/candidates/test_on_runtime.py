"""A candidate's weights on another runtime, by one word on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import SpecError
from runners.candidates.on_runtime import on_runtime
from runners.candidates.spec import Candidate


def candidate(**told: object) -> Candidate:
    return Candidate.model_validate({"name": "tiny", "weights": "/models/tiny.gguf", **told})


def test_weights_and_shared_settings_are_kept_under_another_name(tmp_path: Path):
    weights = str(tmp_path / "tiny.gguf")
    one = candidate(weights=weights, settings={"context": 512, "kv_cache_type": "q8_0"})
    other = on_runtime(one, "llama-server")
    assert (other.name, other.family) == ("tiny-llama-server", "tiny")
    assert other.runtime == "llama-server"
    assert other.weights == weights
    assert other.settings.model_dump(exclude_defaults=True) == {
        "context": 512, "kv_cache_type": "q8_0",
    }  # fmt: skip


def test_a_quantisation_stays_one():
    one = candidate(weights=None, quantize={"from": "other", "type": "Q8_0"}, family="f")
    other = on_runtime(one, "llama-server")
    assert other.quantize == one.quantize
    assert other.family == "f"


def test_its_own_runtime_changes_nothing():
    one = candidate()
    assert on_runtime(one, "llamacpp") is one


@pytest.mark.parametrize(
    ("told", "runtime", "says"),
    [
        ({}, "lama-server", r'no runtime "lama-server" \(did you mean "llama-server"'),
        ({"settings": {"kv_cache_type": "f32"}}, "hf", "its file sets kv_cache_type, which"),
        ({}, "own-server", r'on runtime own-server: key "settings.serve" is missing'),
        ({}, "fake", "on runtime fake: runtime fake takes neither weights nor quantize"),
    ],
)
def test_what_cannot_be(told: dict[str, object], runtime: str, says: str):
    with pytest.raises(SpecError, match=says):
        on_runtime(candidate(**told), runtime)
