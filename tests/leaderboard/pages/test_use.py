from __future__ import annotations

import ast
from typing import Any

from leaderboard.pages.blocks import Code
from leaderboard.pages.overview.use import use, verify
from runners.records.record import CandidateInfo
from tests.leaderboard.conftest import Maker


def candidate(made: Maker, **given: Any) -> CandidateInfo:
    usual = {"runtime": "llamacpp", "made_from": None, "settings": {"context": 2048}}
    return made.record("m", candidate={**usual, **given}).candidate


def commands(found: CandidateInfo) -> list[str]:
    return [one.text for one in use(found) if isinstance(one, Code)]


def test_a_file_of_the_hub_is_named_by_its_repository(made: Maker):
    server, python, modelfile = commands(candidate(made, source="hf:org/name#a-q4.gguf"))
    assert server == "llama-server -hfr org/name -hff a-q4.gguf -c 2048"
    assert "Llama.from_pretrained('org/name', 'a-q4.gguf', n_ctx=2048)" in python
    assert modelfile == 'FROM "a-q4.gguf"\nPARAMETER num_ctx 2048'


def test_a_path_stands_as_it_was_given(made: Maker):
    server, python, _ = commands(candidate(made, source="my models/a.gguf"))
    assert server == "llama-server -m 'my models/a.gguf' -c 2048"
    assert "Llama('my models/a.gguf', n_ctx=2048)" in python


def test_what_was_made_here_is_found_by_fetch(made: Maker):
    found = candidate(made, source="pypi:x==1#x.gguf", made_from="other (Q4_1)")
    fetch, server, *_ = commands(found)
    assert fetch == "weighin fetch m"
    assert server == "llama-server -m MODEL.gguf -c 2048"


def test_the_cache_type_goes_along_where_it_is_not_the_usual_one(made: Maker):
    settings = {"context": 512, "kv_cache_type": "q8_0"}
    server = commands(candidate(made, source="a.gguf", settings=settings))[0]
    assert server == "llama-server -m a.gguf -c 512 -ctk q8_0 -ctv q8_0"


def test_a_hostile_name_is_an_argument_and_a_string(made: Maker):
    source = "$(rm -rf ~)'\"; import os\n.gguf"
    server, python, _ = commands(candidate(made, source=source))
    assert server.startswith("llama-server -m '$(rm -rf ~)'\"'\"'\"; import os .gguf' -c")
    assert len(ast.parse(python).body) == 4  # an import, a model, messages, a print


def test_openvino_is_given_the_file_that_was_named(made: Maker):
    told: dict[str, Any] = {"runtime": "openvino", "source": "my models/a.gguf"}
    converted = "a.gguf (Q8_0), converted by openvino-genai 2026.4.1.0"
    (code,) = commands(candidate(made, **told, made_from=converted))
    assert "LLMPipeline('my models/a.gguf', 'CPU')" in code
    # What was quantised here before it was converted is no file that a user named.
    quantised = "a-q4_1 (Q4_1), converted by openvino-genai 2026.4.1.0"
    (code,) = commands(candidate(made, **told, made_from=quantised))
    assert "LLMPipeline('MODEL.gguf', 'CPU')" in code
    assert len(ast.parse(code).body) == 4


def test_mlx_is_given_a_folder_or_a_repository(made: Maker):
    (code,) = commands(candidate(made, runtime="mlx", source="hf:org/name-4bit"))
    assert "load('org/name-4bit')" in code
    assert len(ast.parse(code).body) == 5
    # A folder that was made of a GGUF is in Weighin's cache.
    assert commands(candidate(made, runtime="mlx", source="a.gguf", made_from="a.gguf (F16)")) == []


def test_a_runtime_of_weighins_own_has_no_command(made: Maker):
    assert commands(candidate(made, runtime="fake", source=None)) == []


def test_it_is_verified_inside_the_limit_that_is_set(made: Maker):
    found = candidate(made)
    assert [one.text for one in verify(found, 819.2) if isinstance(one, Code)] == [
        "weighin run m --memory 819MiB",
        "weighin fit m",
    ]
    assert [one.text for one in verify(found, None) if isinstance(one, Code)] == ["weighin fit m"]
