"""A tokenizer of OpenVINO's by lm-eval's conventions (HFLM), and tokens back into text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openvino_genai

from runners.engine.answer_text import looks_special
from runners.worker import protocol
from runners.worker.runtime import WorkerError

MANY, KEPT = 1000, 0.98
"""From so many tokens on a text's bytes are counted, and so many of them must be in its tokens.
A tokenizer of OpenVINO's may have a limit, and drops what is over it without a word."""
SPACE = "\u2581"
"""SentencePiece's sign for a space."""
BYTE = re.compile(rb"<0x([0-9A-F]{2})>")
"""Its notation for a byte of a character that the vocabulary lacks."""


class Text:
    """The tokenizer of a folder."""

    def __init__(self, path: str, *, ends: Sequence[int]) -> None:
        """Load it.

        Args:
            path: the folder.
            ends: tokens besides EOS that end a generation.

        Raises:
            WorkerError: it is damaged, or has no token for an empty context.
        """
        try:
            self._tokenizer: Any = openvino_genai.Tokenizer(path)
            self._pieces = _pieces(self._tokenizer.get_vocab())
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise WorkerError(f"OpenVINO cannot load the tokenizer: {reason}") from error
        told = _told(Path(path))
        self.template = str(
            told.get("chat_template") or self._tokenizer.get_original_chat_template() or ""
        )
        self.bos, self.eos = (
            int(token)
            for token in (self._tokenizer.get_bos_token_id(), self._tokenizer.get_eos_token_id())
        )
        if self.bos < 0 and self.eos < 0:
            raise WorkerError("the tokenizer has neither a BOS nor an EOS token")
        self._ends = frozenset([*ends, self.eos])
        self._turn_end: int | None = None
        self._special: dict[int, bool] = {}
        around = self._ids("a", True)
        self._suffix = len(around) - 1 - _last(around, self._ids("a", False)[-1])
        self._adds_bos = bool(told.get("add_bos_token")) and self.bos >= 0

    @property
    def prefix_token(self) -> int:
        """Token that stands for an empty context: BOS, else EOS."""
        return self.bos if self.bos >= 0 else self.eos

    def encode(self, text: str, add_special: bool) -> list[int]:
        """Token ids; BOS where the model wants one and the text brings none; never EOS behind it.

        Raises:
            WorkerError: the text is longer than the tokenizer takes.
        """
        ids = self._ids(text, add_special)
        if add_special and self._suffix and ids:
            del ids[-self._suffix :]
        if add_special and ids[:2] == [self.bos, self.bos]:
            del ids[0]  # the text brings its own
        if len(ids) >= MANY and self._has_dropped(text, ids):
            raise WorkerError(
                f"this tokenizer of OpenVINO's gives {len(ids):,} tokens at most and drops the "
                f"rest: a text of {len(text):,} characters is too long for it"
            )
        if add_special and self._adds_bos and ids[:1] != [self.bos]:
            ids.insert(0, self.bos)
        return ids

    encode_prompt = encode

    def _has_dropped(self, text: str, ids: Sequence[int]) -> bool:
        kept = sum(len(self._pieces.get(token, b"")) for token in ids)
        return kept < KEPT * len(text.encode("utf-8", "replace"))

    def _ids(self, text: str, add_special: bool) -> list[int]:
        sound = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text
        if not sound:
            return []
        found = self._tokenizer.encode(sound, add_special_tokens=add_special).input_ids
        return [int(token) for token in found.data[0]]

    def ends(self, token: int) -> bool:
        """True for a token that ends a generation: EOS, or one in the model's own settings."""
        return token in self._ends or token == self._turn_end

    def close_turns(self, text: str) -> None:
        """Let a generation end at the special token that a text begins with, too."""
        first = self.encode(text, False)[0] if text else None
        self._turn_end = first if first is not None and not self.piece(first) else None

    def text_of(self, token: int) -> str:
        """One token as text, special tokens included."""
        return self._pieces.get(token, b"").decode("utf-8", "replace")

    def piece(self, token: int) -> bytes:
        """The bytes of one token within a text; none for a special token."""
        return b"" if self._is_special(token) else self._pieces.get(token, b"")

    def first_piece(self, token: int) -> bytes:
        """The bytes of a token that a text begins with, without the space that marks its word."""
        piece = self.piece(token)
        if piece[:1] == b" " and not self._decoded(token, skip=True).startswith(" "):
            return piece[1:]
        return piece

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens as text, without special tokens; half a character at an end is replaced."""
        shown = [token for token in tokens if self.piece(token)]
        pieces = [*map(self.first_piece, shown[:1]), *map(self.piece, shown[1:])]
        return b"".join(pieces).decode("utf-8", "replace")

    def chat_template(self) -> protocol.ChatTemplate:
        """The template, and the texts of the tokens that it is told."""
        return protocol.ChatTemplate(
            text=self.template,
            bos=self.text_of(self.bos) if self.bos >= 0 else "",
            eos=self.text_of(self.eos) if self.eos >= 0 else "",
        )

    def _is_special(self, token: int) -> bool:
        """True for a token that decoding leaves out; a part of a character is none."""
        if token not in self._special:
            shown = self._decoded(token, skip=False)
            hidden = bool(shown) and not self._decoded(token, skip=True)
            self._special[token] = hidden or looks_special(shown)
        return self._special[token]

    def _decoded(self, token: int, *, skip: bool) -> str:
        return str(self._tokenizer.decode([token], skip_special_tokens=skip))


def _pieces(vocabulary: dict[bytes, int]) -> dict[int, bytes]:
    """Bytes of each token; SentencePiece's own signs stand for what they mean."""
    space = SPACE.encode()
    if not any(piece.startswith(space) for piece in vocabulary):
        return {int(token): bytes(piece) for piece, token in vocabulary.items()}
    found = {}
    for piece, token in vocabulary.items():
        byte = BYTE.fullmatch(piece)
        found[int(token)] = bytes([int(byte[1], 16)]) if byte else piece.replace(space, b" ")
    return found


def _last(tokens: Sequence[int], token: int) -> int:
    """Index of the last appearance of a token; the last index where it has none."""
    places = [n for n, one in enumerate(tokens) if one == token]
    return places[-1] if places else len(tokens) - 1


def _told(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
