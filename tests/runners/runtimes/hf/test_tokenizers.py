"""Tokenizers of folders: what they append, what their decoding drops, what the weights lack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.worker.runtime import WorkerError
from tests.support import tiny_kinds

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # transformers' own
ENDLESS = 10**6


def text(kind: tiny_kinds.Kind, path: Path, *, rows: int = ENDLESS) -> Any:
    from runners.engine.folder_text import Text
    from runners.runtimes.hf.model import load_tokenizer

    folder, *_ = tiny_kinds.write(kind, path)
    return Text(load_tokenizer(str(folder), trust=False), ends=[], rows=rows)


@pytest.mark.parametrize("bos", [None, "<s>"])
def test_what_a_tokenizer_appends_is_taken_off(tmp_path: Path, bos: str | None) -> None:
    kind = tiny_kinds.byte_level(bos=bos, adds_bos=bos is not None, adds_eos=True)
    found = text(kind, tmp_path)
    assert found.tokenizer.encode("the sky")[-1] == 1
    before = [0] if bos else []
    plain = found.encode("the sky", False)
    assert found.encode("the sky", True) == found.encode_prompt("the sky", True) == before + plain
    # An EOS of the text's own stays.
    assert found.encode("the sky</s>", True) == [*before, *plain, 1]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (tiny_kinds.sentencepiece(prefix=True), b"yes"),
        (tiny_kinds.sentencepiece(prefix=False), b" yes"),
        (tiny_kinds.unigram(), b"yes"),
        (tiny_kinds.byte_level(bos=None), b" yes"),
    ],
    ids=["prefix", "no prefix", "unigram", "byte level"],
)
def test_the_first_piece_is_what_decoding_shows(
    tmp_path: Path, kind: tiny_kinds.Kind, shown: bytes
) -> None:
    found = text(kind, tmp_path)
    yes, it, *_ = kind.says
    assert (found.first_piece(yes), found.piece(yes)) == (shown, b" yes")
    assert found.decode([yes, it]).encode() == shown + b" it"


def test_bytes_of_a_character_are_pieces_at_the_beginning_too(tmp_path: Path) -> None:
    kind = tiny_kinds.sentencepiece(prefix=True)
    found = text(kind, tmp_path)
    both = [kind.tokens.index("<0xC3>"), kind.tokens.index("<0xA9>")]
    assert [found.first_piece(both[0]), found.piece(both[1])] == [b"\xc3", b"\xa9"]
    assert found.decode(both) == "é"


def test_a_tokenizer_larger_than_the_embedding_is_said_to_be(tmp_path: Path) -> None:
    kind = tiny_kinds.byte_level(bos=None, user=["<tool>"])
    base = len(kind.tokens) - 1
    with pytest.raises(
        WorkerError, match=rf"has {base} tokens and the weights' embedding 100 rows"
    ):
        text(kind, tmp_path / "small", rows=100)
    # Gemma 3 has an added token too many, which no text names.
    found = text(kind, tmp_path / "added", rows=base)
    assert found.encode("the sky", True)
    with pytest.raises(WorkerError, match=rf"has a token {base} and the weights' embedding {base}"):
        found.encode("the <tool>", True)
