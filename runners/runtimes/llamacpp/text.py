"""A GGUF file's vocabulary: text into tokens, and tokens back into text, by lm-eval's rules."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp

from runners.engine.answer_text import looks_special
from runners.worker.runtime import WorkerError


class Text:
    """The vocabulary of a loaded model, with the special tokens that its header names.

    Where the header is silent llama.cpp fills in token 11 for BOS and EOS of a BPE vocabulary, and
    1 and 2 in SentencePiece's. These are believed only under SentencePiece's own names for them.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._vocab = model, llama_cpp.llama_model_get_vocab(model)
        self._buffer = ctypes.create_string_buffer(512)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self._vocab))
        self.bos = self._said("bos", llama_cpp.llama_vocab_bos(self._vocab), "<s>")
        self.eos = self._said("eos", llama_cpp.llama_vocab_eos(self._vocab), "</s>")
        self.add_bos = self.bos >= 0 and bool(llama_cpp.llama_vocab_get_add_bos(self._vocab))
        self.prefix_token = self._prefix_token()
        """Token that stands for an empty context: BOS, else EOS, as in lm-eval's HFLM."""
        self._no_end = self._made_up_end()
        self._drops_one_space, self._drops_spaces = self._dropped_spaces()
        self.template = self.meta("tokenizer.chat_template")
        self._turn_end = -1

    def meta(self, key: str) -> str:
        """A value of the file's header, or an empty string."""
        size = 1 + int(llama_cpp.llama_model_meta_val_str(self._model, key.encode(), None, 0))
        if size <= 0:
            return ""
        text = ctypes.create_string_buffer(size)
        llama_cpp.llama_model_meta_val_str(self._model, key.encode(), text, size)
        return text.value.decode("utf-8", "replace")

    def encode(self, text: str, add_special: bool) -> list[int]:
        """Token ids; special tokens in the text count as such, as transformers' tokenisers do.

        BOS is added when asked for, where the model's own settings want one and the text does
        not start with it. EOS never is: nothing could be asked after it.
        """
        if self._drops_spaces and text[:1] == " " and not text.isspace():
            text = text[1:]  # llama.cpp puts one before it again; transformers' Metaspace does not
        # Half a surrogate pair is no text that a tokeniser knows.
        raw = text.encode("utf-8", "replace")
        ids = (llama_cpp.llama_token * (len(raw) + 8))()
        n = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), ids, len(ids), False, True)
        if n < 0:
            raise WorkerError(f"llama.cpp cannot tokenise a text of {len(raw)} bytes")
        found = list(ids[:n])
        if add_special and self.add_bos and found[:1] != [self.bos]:
            found.insert(0, self.bos)
        return found

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of one token within a text; special tokens are empty unless `special`."""
        size = len(self._buffer)
        n = llama_cpp.llama_token_to_piece(self._vocab, token, self._buffer, size, 0, special)
        if n < 0:
            self._buffer = ctypes.create_string_buffer(-n)
            n = llama_cpp.llama_token_to_piece(self._vocab, token, self._buffer, -n, 0, special)
        piece = self._buffer.raw[:n]
        # Llama.cpp shows some tokens of gpt-oss, for which it has no other place.
        return b"" if not special and self._is_hidden(token, piece) else piece

    def first_piece(self, token: int) -> bytes:
        """The bytes of a token that a text begins with, without the space that marks its word."""
        piece = self.piece(token)
        if self._drops_spaces:
            return piece.replace(b" ", b"")
        return piece.removeprefix(b" ") if self._drops_one_space else piece

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens as text, without control tokens; half a character at an end is replaced."""
        shown = [token for token in tokens if self.piece(token)]
        pieces = [*map(self.first_piece, shown[:1]), *map(self.piece, shown[1:])]
        return b"".join(pieces).decode("utf-8", "replace")

    def text_of(self, token: int) -> str:
        """One token as text, special tokens included; empty for no token."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def ends(self, token: int) -> bool:
        """True for a token that ends a generation (EOS, end of turn)."""
        ended = bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))
        return (ended and token != self._no_end) or token == self._turn_end

    def close_turns(self, text: str) -> None:
        """Let a generation end at the special token that a text begins with, too.

        Args:
            text: what the chat template writes after a message; of ordinary tokens: none is added.
        """
        first = self.encode(text, False)[0] if text else -1
        self._turn_end = first if first >= 0 and not self.piece(first) else -1

    def _is_hidden(self, token: int, piece: bytes) -> bool:
        """True for an added token with a special one's name, which llama.cpp would show."""
        if not piece.startswith(b"<") or not looks_special(piece.decode("utf-8", "replace")):
            return False
        added = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
        return bool(int(llama_cpp.llama_vocab_get_attr(self._vocab, token)) & added)

    def _said(self, key: str, found: int, usual: str) -> int:
        """A special token that the header names, or that has the usual name; -1 for none."""
        named = self.meta(f"tokenizer.ggml.{key}_token_id") == str(found)
        return int(found) if named or self.text_of(found) == usual else -1

    def _prefix_token(self) -> int:
        for token in (self.bos, self.eos, int(llama_cpp.llama_vocab_eot(self._vocab))):
            if token >= 0:
                return token
        raise WorkerError(
            "the file's header names neither a BOS nor an EOS token, so that nothing can stand for "
            "an empty context: convert it again, or set tokenizer.ggml.eos_token_id"
        )

    def _made_up_end(self) -> int:
        """The ordinary token that llama.cpp takes for EOS where the header names none; -1: none."""
        found = int(llama_cpp.llama_vocab_eos(self._vocab))
        if self.eos >= 0 or found < 0:
            return -1
        attributes = int(llama_cpp.llama_vocab_get_attr(self._vocab, found))
        return -1 if attributes & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL else found

    def _dropped_spaces(self) -> tuple[bool, bool]:
        """Say if a text's first token loses its first space, and if it loses all of its spaces.

        Where SentencePiece puts a space before a text, transformers' decoders take it away again:
        `Strip` one in a BPE vocabulary, `Metaspace` all of the token in a unigram one.
        """
        kind = int(llama_cpp.llama_vocab_type(self._vocab))
        said = self.meta("tokenizer.ggml.add_space_prefix")
        spm, ugm = llama_cpp.LLAMA_VOCAB_TYPE_SPM, llama_cpp.LLAMA_VOCAB_TYPE_UGM
        return kind == spm and said != "false", kind == ugm and said == "true"
