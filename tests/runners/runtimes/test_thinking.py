"""A tiny model that says what it is told, thought and all: the same texts from both runtimes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runners.engine.thought import HARMONY, Marks, thinking_for
from runners.worker import protocol
from tests.support import tiny_kinds
from tests.support.cpp_settings import cpp_settings

for library in ("torch", "transformers", "llama_cpp"):
    pytest.importorskip(library)
pytestmark = [pytest.mark.filterwarnings("default")]  # transformers' own
THINK = Marks(start="<think>", end="</think>")
HARMONY_TOKENS = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>")
SETTINGS: dict[str, dict[str, Any]] = {
    "llamacpp": cpp_settings(),
    "hf": {"context": None, "threads": 1, "dtype": "float32", "device": "cpu",
           "trust_remote_code": False},
}  # fmt: skip


def opened(runtime: str, kind: tiny_kinds.Kind, script: Sequence[str], folder: Path) -> Any:
    """A runtime with a model that says these tokens, one after the other, and ends."""
    told = replace(kind, says=[kind.tokens.index(token) for token in script])
    hf, _, gguf = tiny_kinds.write(told, folder, says=True)
    if runtime == "hf":
        from runners.runtimes.hf.runtime import Hf as Runtime
    else:
        from runners.runtimes.llamacpp.runtime import LlamaCpp as Runtime  # type: ignore[assignment]
    found = Runtime()
    path = hf if runtime == "hf" else gguf
    found.load(protocol.Load(path=str(path), settings=SETTINGS[runtime]))
    found.open_engine(protocol.OpenEngine(memory_bytes=2**24))
    return found


@pytest.fixture(params=["llamacpp", "hf"])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def closing() -> Iterator[list[Any]]:
    made: list[Any] = []
    yield made
    for one in made:
        one.close()


def answers(
    model: Any, marks: Marks | None, *, turn_end: str = "", prompt: str = "the sky",
    **changes: Any,
) -> protocol.ItemText:  # fmt: skip
    """The answer to one prompt, which packing does not change."""
    asked = {"until": [], "max_tokens": 20, "temperature": 0, "top_k": 0, "top_p": 1, "seed": 0}
    item = protocol.GenerateItem(
        prompt=prompt, **{**asked, **changes}, thinking=thinking_for(marks, prompt, 20)
    )
    alone, packed = (
        model.generate(
            protocol.Generate(items=[item], packed=packed, turn_end=turn_end), lambda _: None
        ).items[0]
        for packed in (False, True)
    )
    assert replace(alone, times=None) == packed
    assert alone.times is not None
    assert len(alone.times.token_s) == alone.new_tokens
    return alone


def test_tags_of_ordinary_tokens(runtime: str, tmp_path: Path, closing: list[Any]):
    kind = tiny_kinds.byte_level(bos=None, user=["<think>", "</think>"])
    letters = {word: "".join(tiny_kinds.byte_characters()[b] for b in word.encode())
               for word in (" no", " yes", "\n")}  # fmt: skip
    script = ["<think>", letters[" no"], "</think>", letters["\n"], letters[" yes"]]
    model = opened(runtime, kind, script, tmp_path)
    closing.append(model)
    found = answers(model, THINK, until=[" no", "\n"])
    # " no" of the thought stops nothing, nor does the white space before the answer.
    assert (found.text, found.raw, found.stop) == (
        "yes", "<think> no</think>\n yes", "end of sequence",
    )  # fmt: skip
    assert (found.thought_tokens, found.first_answer, found.new_tokens) == (3, 4, 5)
    plain = answers(model, None, until=[" no"])
    assert (plain.text, plain.stop, plain.thought_tokens) == ("<think>", "until", 0)
    cut = answers(model, replace(THINK, end="never"))
    assert (cut.text, cut.stop, cut.thought_tokens) == ("", "end of sequence", 5)


def test_harmony_of_special_tokens(runtime: str, tmp_path: Path, closing: list[Any]):
    kind = tiny_kinds.byte_level(bos=None, more=HARMONY_TOKENS)
    yes, no = ("".join(tiny_kinds.byte_characters()[b] for b in word.encode())
               for word in (" yes", " no"))  # fmt: skip
    script = [no, "<|end|>", "<|start|>", "<|channel|>", *"final", "<|message|>", yes, "<|return|>"]
    model = opened(runtime, kind, script, tmp_path)
    closing.append(model)
    found = answers(model, HARMONY, turn_end="<|return|>")
    # Special tokens are in the raw text, and never in the answer.
    assert found.text == "yes"
    assert found.raw == " no<|end|><|start|><|channel|>final<|message|> yes"
    assert (found.stop, found.thought_tokens, found.first_answer) == ("end of sequence", 10, 10)
    # Without a word about thought they are left out, as lm-eval does.
    plain = answers(model, None, turn_end="<|return|>")
    assert (plain.text, plain.raw) == (" nofinal yes", found.raw)


def test_the_token_that_ends_a_turn_ends_the_answer(
    runtime: str, tmp_path: Path, closing: list[Any]
):
    kind = tiny_kinds.byte_level(bos=None, more=["<|im_done|>"])
    yes, no = ("".join(tiny_kinds.byte_characters()[b] for b in word.encode())
               for word in (" yes", " no"))  # fmt: skip
    model = opened(runtime, kind, [yes, "<|im_done|>", no], tmp_path)
    closing.append(model)
    assert answers(model, None).text == " yes no"
    found = answers(model, None, turn_end="<|im_done|>\n")
    assert (found.text, found.stop, found.new_tokens) == (" yes", "end of sequence", 1)
    # What a template writes of ordinary tokens ends nothing.
    assert answers(model, None, turn_end=" no").text == " yes no"
