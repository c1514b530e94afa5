"""Special tokens and spaces of a GGUF's vocabulary, as its header says them and as it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("llama_cpp")
pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")

from runners.runtimes.llamacpp.runtime import LlamaCpp
from runners.runtimes.llamacpp.text import Text
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support import tiny_kinds
from tests.support.cpp_settings import cpp_settings


@contextmanager
def loaded(kind: tiny_kinds.Kind, path: Path) -> Iterator[LlamaCpp]:
    runtime = LlamaCpp()
    *_, file = tiny_kinds.write(kind, path)
    runtime.load(protocol.Load(path=str(file), settings=cpp_settings(context=64)))
    try:
        yield runtime
    finally:
        runtime.close()


@pytest.fixture
def text(tmp_path: Path) -> Iterator[Callable[[tiny_kinds.Kind], Text]]:
    """The vocabulary of a kind, read from its file."""
    with ExitStack() as stack:
        yield lambda kind: stack.enter_context(loaded(kind, tmp_path))._model.text


def without(kind: tiny_kinds.Kind, *keys: str) -> tiny_kinds.Kind:
    return replace(kind, header={k: v for k, v in kind.header.items() if k not in keys})


def test_without_a_bos_the_prefix_is_eos(text: Any) -> None:
    found = text(tiny_kinds.byte_level(bos=None))
    # llama.cpp says 11, which is the byte ")" here.
    assert (found.bos, found.eos, found.prefix_token, found.add_bos) == (-1, 1, 1, False)
    assert (found.text_of(found.bos), found.text_of(found.eos)) == ("", "</s>")


def test_a_token_that_llama_cpp_makes_up_ends_nothing(text: Any) -> None:
    kind = without(tiny_kinds.byte_level(bos="<s>"), "eos_token_id")
    found = text(kind)
    assert (found.bos, found.eos, found.prefix_token) == (0, -1, 0)
    assert [token for token in range(len(kind.tokens)) if found.ends(token)] == [1]  # </s>, by name


def test_sentencepieces_own_names_are_believed(text: Any) -> None:
    kind = without(tiny_kinds.sentencepiece(prefix=True), "bos_token_id", "eos_token_id")
    found = text(kind)
    assert (found.bos, found.eos, found.add_bos) == (1, 2, True)


def test_another_token_in_their_place_is_not(text: Any) -> None:
    kind = without(tiny_kinds.sentencepiece(prefix=True), "bos_token_id")
    special = {"eos_token": "</s>"}
    tokens = ["<unk>", "<pad>", *kind.tokens[2:]]
    found = text(replace(kind, tokens=tokens, special=special, before=[]))
    assert (found.bos, found.eos, found.prefix_token, found.add_bos) == (-1, 2, 2, False)


def test_a_vocabulary_without_any_special_token_is_refused(tmp_path: Path) -> None:
    kind = without(tiny_kinds.byte_level(bos=None), "eos_token_id")
    plain = replace(kind, tokens=["<a>", "<b>", "<c>", *kind.tokens[3:]], special={})
    with (
        pytest.raises(WorkerError, match="names neither a BOS nor an EOS token"),
        loaded(plain, tmp_path),
    ):
        pass


def test_eos_is_never_appended(text: Any) -> None:
    found = text(tiny_kinds.sentencepiece(prefix=True, adds_eos=True))
    assert found.encode("the sky", True) == [1, *found.encode("the sky", False)]
    assert found.encode("the sky", False)[-1] != found.eos


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (lambda: tiny_kinds.sentencepiece(prefix=True), "yes it"),
        (lambda: tiny_kinds.sentencepiece(prefix=False), " yes it"),
        (tiny_kinds.unigram, "yes it"),
        (lambda: tiny_kinds.byte_level(bos=None), " yes it"),
        (tiny_kinds.rwkv, " yes it"),
    ],
)
def test_the_space_that_stands_for_a_word_is_dropped_once(make: Any, first: str, text: Any) -> None:
    kind = make()
    found = text(kind)
    yes, it, *_ = kind.says
    assert found.decode([yes, it]) == first
    assert found.decode([found.eos, yes, it]) == first  # a control token shows nothing
    assert found.decode([it, it]) == first.replace("yes", "it")
    assert found.decode([]) == ""
    assert found.piece(yes) == b" yes"


def test_only_one_space_of_several_is_dropped(text: Any) -> None:
    kind = tiny_kinds.sentencepiece(prefix=True)
    found = text(kind)
    space = kind.tokens.index(tiny_kinds.SPACE)
    assert found.decode([space, kind.says[0]]) == " yes"
    assert found.decode([space, space, space]) == "  "
