"""Scoring as plainly as llama.cpp allows: one sequence at a time, from an empty cache.

It stands on llama.cpp's own C functions and shares with the engine only how lm-eval cuts texts and
what llama.cpp logs, so that tests and benchmarks can hold the engine against it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import llama_cpp
import numpy as np

from runners.engine.encoding import Scoring, encode_pair, rolling_windows
from runners.runtimes.llamacpp.api import LOG
from runners.worker import protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

GGML_F32 = 0  # enum ggml_type


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainScore:
    """One continuation."""

    nats: float
    """Sum of its tokens' log-probabilities."""
    greedy: bool
    """Each token is the most likely one."""
    margin: float
    """Nats, over its tokens the least distance between the token and its best rival: where it is
    tiny, `greedy` is a matter of rounding."""


class Plain:
    """A model, and one context of one sequence, of `length` tokens, with an F32 KV cache."""

    def __init__(self, path: Path, *, length: int, threads: int = 1) -> None:
        model = llama_cpp.llama_model_default_params()
        model.n_gpu_layers = 0
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), model)
        if not self._model:
            raise OSError(f"llama.cpp cannot load {path}: {LOG.why()}")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = context.n_batch = context.n_ubatch = length
        context.n_threads = context.n_threads_batch = threads
        context.type_k = context.type_v = GGML_F32
        # It would cast the cache to F16.
        context.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        if not self._context:
            raise OSError(f"llama.cpp cannot make a context of {length} tokens: {LOG.why()}")
        self._length = length
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(self._vocab)
        bos = llama_cpp.llama_vocab_bos(self._vocab)
        self.prefix_token = bos if bos >= 0 else llama_cpp.llama_vocab_eos(self._vocab)

    def encode(self, text: str, add_special: bool) -> list[int]:
        """llama.cpp's own tokens of a text, with its own BOS where it adds one."""
        raw = text.encode()
        ids = (llama_cpp.llama_token * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(
            self._vocab, raw, len(raw), ids, len(ids), add_special, True
        )
        return list(ids[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of one token."""
        buffer = ctypes.create_string_buffer(256)
        count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, True)
        return buffer.raw[:count]

    def scorings(self, item: protocol.ScoreItem) -> list[Scoring]:
        """An item's token sequences, by lm-eval's conventions."""
        if item.rolling:
            tokens = self.encode(item.contexts[0], True)
            return rolling_windows(tokens, prefix_token=self.prefix_token, max_length=self._length)
        return [
            encode_pair(
                self.encode, item.contexts[context], text,
                prefix_token=self.prefix_token, max_length=self._length,
            )
            for context, text in item.continuations
        ]  # fmt: skip

    def score(self, scoring: Scoring) -> PlainScore:
        """Evaluate one sequence; an empty continuation costs nothing and is greedy."""
        targets = scoring.tokens[scoring.first :]
        if not targets:
            return PlainScore(nats=0.0, greedy=True, margin=np.inf)
        rows = self.logits(scoring.tokens[:-1], scoring.first - 1)
        places = np.arange(len(targets)), np.asarray(targets)
        best = rows.max(axis=1)
        nats = rows[places] - best - np.log(np.exp(rows - best[:, None]).sum(axis=1))
        greedy = rows.argmax(axis=1) == targets
        chosen = rows[places].copy()
        rows[places] = -np.inf
        return PlainScore(
            nats=float(nats.sum()),
            greedy=bool(greedy.all()),
            margin=float(np.abs(chosen - rows.max(axis=1)).min()),
        )

    def logits(self, tokens: Sequence[int], first: int) -> NDArray[np.float64]:
        """The logits of positions `first` to the last, shape (positions, vocabulary)."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for place, token in enumerate(tokens):
                batch.token[place], batch.pos[place] = token, place
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
                batch.logits[place] = place >= first
            if llama_cpp.llama_decode(self._context, batch):
                raise OSError(f"llama.cpp cannot evaluate {len(tokens)} tokens: {LOG.why()}")
            rows = [
                np.ctypeslib.as_array(
                    llama_cpp.llama_get_logits_ith(self._context, place), (self._vocabulary,)
                ).astype(np.float64)
                for place in range(first, len(tokens))
            ]
        finally:
            llama_cpp.llama_batch_free(batch)
        return np.array(rows)

    def close(self) -> None:
        """Free the context and the weights."""
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)
