"""A transformers tokenizer by lm-eval's conventions (HFLM), and tokens back into text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runners.engine.answer_text import looks_special
from runners.worker import protocol
from runners.worker.runtime import WorkerError

SPACE = "\u0120"
"""Byte-level vocabularies' sign for a space."""
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""Other vocabularies' notation for a byte of a character that they lack."""


class Text:
    """The tokenizer of a folder."""

    def __init__(self, tokenizer: Any, *, ends: Sequence[int | None], rows: int) -> None:
        """Take a tokenizer of transformers.

        Args:
            tokenizer: a fast one as a rule.
            ends: tokens besides EOS that end a generation.
            rows: of the embedding.

        Raises:
            WorkerError: it has no token for an empty context, or more tokens than the model.
        """
        self.tokenizer = tokenizer
        if self.prefix_token is None:
            raise WorkerError("the tokenizer has neither a BOS nor an EOS token")
        self._rows = rows
        """Tokens that the embedding has; a few added ones more may do no harm."""
        if self.tokenizer.vocab_size > rows:
            raise WorkerError(_not_of_one_model(f"{self.tokenizer.vocab_size:,} tokens", rows))
        self._suffix = _suffix(self.tokenizer)
        self._prefix_text = str(self.tokenizer.decode(self.prefix_token))
        added = self.tokenizer.added_tokens_decoder
        named = (n for n, token in added.items() if token.special or looks_special(token.content))
        self._special = frozenset([*self.tokenizer.all_special_ids, *named])
        self._added = frozenset(self.tokenizer.get_added_vocab().values())
        self._anchor = self.tokenizer.encode("a", add_special_tokens=False)[-1]
        self._bytes = _byte_characters() if _is_byte_level(self.tokenizer) else {}
        self._ends = frozenset([*ends, self.tokenizer.eos_token_id])
        self._turn_end: int | None = None

    @property
    def prefix_token(self) -> Any:
        """Token that stands for an empty context: BOS, else EOS; None is refused on loading."""
        bos = self.tokenizer.bos_token_id
        return self.tokenizer.eos_token_id if bos is None else bos

    @property
    def length(self) -> int:
        """The tokenizer's own idea of the longest text, tokens."""
        return int(self.tokenizer.model_max_length)

    def encode(self, text: str, add_special: bool) -> list[int]:
        """Token ids; the tokenizer's own special tokens unless the text brings the first one.

        As HFLM's `tok_encode`, which looks for the text of the prefix token, but without what the
        tokenizer puts behind a text.
        """
        return self._encode(text, add_special and not text.startswith(self._prefix_text))

    def encode_prompt(self, text: str, add_special: bool) -> list[int]:
        """Encode a prompt as HFLM's `tok_batch_encode` does for generations, which looks for BOS
        alone.
        """
        bos = self.tokenizer.bos_token
        return self._encode(text, add_special and (bos is None or not text.startswith(bos)))

    def _encode(self, text: str, add: bool) -> list[int]:
        tokens = list(self.tokenizer.encode(_sound(text), add_special_tokens=add))
        if add and self._suffix:
            # With EOS at its end a context would be split from its continuation one token late,
            # so that every one-token choice is EOS; and a prompt would be over.
            del tokens[-len(self._suffix) :]
        if tokens and max(tokens) >= self._rows:
            raise WorkerError(_not_of_one_model(f"a token {max(tokens):,}", self._rows))
        return tokens

    def ends(self, token: int) -> bool:
        """True for a token that ends a generation: EOS, or one in the model's own settings."""
        return token in self._ends or token == self._turn_end

    def close_turns(self, text: str) -> None:
        """Let a generation end at the special token that a text begins with, too.

        Args:
            text: what the chat template writes after a message; of ordinary tokens: none is added.
        """
        first = self.encode(text, False)[0] if text else None
        self._turn_end = first if first in self._special else None

    def text_of(self, token: int) -> str:
        """One token as text, special tokens included."""
        return str(self.tokenizer.decode([token]))

    def piece(self, token: int) -> bytes:
        """The bytes of one token within a text; none for a special token."""
        name = self.tokenizer.convert_ids_to_tokens(token)
        if token in self._special or name is None:
            return b""
        if token not in self._added:
            if self._bytes and all(character in self._bytes for character in name):
                return bytes(self._bytes[character] for character in name)
            if found := BYTE.fullmatch(name):
                return bytes([int(found[1], 16)])
        # A tokenizer leaves out the space before a token that stands first.
        both, before = self.tokenizer.decode([self._anchor, token]), self.text_of(self._anchor)
        return str(both).removeprefix(before).encode()

    def first_piece(self, token: int) -> bytes:
        """The bytes of a token that a text begins with, without the space that marks its word."""
        piece = self.piece(token)
        return piece if self._bytes or piece[:1] != b" " else self.text_of(token).encode()

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens as text, without special tokens: as HFLM's `tok_decode`."""
        shown = [token for token in tokens if token not in self._special]
        return str(self.tokenizer.decode(shown, skip_special_tokens=True))

    @property
    def template(self) -> str:
        """The chat template; empty where there is none."""
        found = self.tokenizer.chat_template
        if isinstance(found, dict):
            found = found.get("default")
        return found or ""

    def chat_template(self) -> protocol.ChatTemplate:
        """The template, and the texts of the tokens that it is told."""
        return protocol.ChatTemplate(
            text=self.template,
            bos=self.tokenizer.bos_token or "",
            eos=self.tokenizer.eos_token or "",
        )


def _suffix(tokenizer: Any) -> list[int]:
    """Tokens that the tokenizer appends to every text, EOS as a rule; empty for most."""
    plain, whole = (tokenizer.encode("a", add_special_tokens=add) for add in (False, True))
    starts = range(len(whole) - len(plain) + 1)
    start = next((n for n in starts if whole[n : n + len(plain)] == plain), len(whole))
    return list(whole[start + len(plain) :])


def _not_of_one_model(has: str, rows: int) -> str:
    return (
        f"the tokenizer has {has} and the weights' embedding {rows:,} rows: the files are not of "
        "one model, or the weights were not resized; take both from the same place"
    )


def _is_byte_level(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = getattr(backend, "decoder", None)
    return decoder is not None and decoder.decode([SPACE]) == " "


def _byte_characters() -> dict[str, int]:
    """The byte that each character of a byte-level vocabulary stands for.

    GPT-2's table: printable Latin-1 stands for itself, the others follow from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    shown = [*plain, *range(0x100, 0x100 + len(others))]
    return dict(zip(map(chr, shown), [*plain, *others], strict=True))


def _sound(text: str) -> str:
    """Half a surrogate pair is no text that a tokeniser knows."""
    return text.encode("utf-8", "replace").decode("utf-8")
