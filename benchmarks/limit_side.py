"""The limit in a process: `python -m benchmarks.limit_side GGUF THREADS`.

How fast llama.cpp itself evaluates a task's distinct tokens: what all requests begin with, once;
then batches of 512 in one sequence, each right after that beginning, which every token has to
attend to; with as many rows of logits as the task needs. Nothing else: no plan, no copies of
sequences, no softmax, no text. Lines of JSON as in `lm_eval_side.py`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import llama_cpp

from benchmarks.plain import Plain
from runners.engine.encoding import Scoring, encode_pair
from runners.engine.token_tree import shared_length

BATCH = 512
LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work that no engine can avoid."""

    tokens: list[int]
    """Each distinct prefix's last token: what is left when everything shared is shared."""
    preamble: int
    """Number of leading tokens that all sequences begin with."""
    rows: int
    """Number of tokens whose logits are needed."""


def distinct(scorings: Iterable[Scoring]) -> Work:
    """The nodes of the tree of all sequences, and how many of them predict a scored token."""
    tokens: list[int] = []
    needed: set[int] = set()
    path: list[int] = []  # nodes of the sequence before, by position
    last: tuple[int, ...] | None = None
    preamble = None  # what is shared by all, and of which no logits are needed
    for scoring in sorted(scorings, key=lambda scoring: scoring.read):
        read = scoring.read
        shared = 0 if last is None else shared_length(last, read)
        preamble = scoring.first - 1 if preamble is None else min(preamble, shared)
        preamble = min(preamble, scoring.first - 1)
        path = [*path[:shared], *range(len(tokens), len(tokens) + len(read) - shared)]
        tokens += read[shared:]
        needed.update(path[scoring.first - 1 :])
        last = read
    return Work(tokens=tokens, preamble=preamble or 0, rows=len(needed))


class Bare:
    """A context of one sequence, as candidates have it: F16 cache, flash attention."""

    def __init__(self, path: str, threads: int) -> None:
        self.model = llama_cpp.llama_model_load_from_file(
            os.fsencode(path), llama_cpp.llama_model_default_params()
        )
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = LONGEST + BATCH
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.memory = llama_cpp.llama_get_memory(self.context)

    def seconds(self, work: Work) -> float:
        """Evaluate all of it; the batches are made before the clock starts."""
        cuts = [*range(0, work.preamble, BATCH), *range(work.preamble, len(work.tokens), BATCH)]
        ends = [*cuts[1:], len(work.tokens)]
        batches = [
            (min(start, work.preamble), _batch(work, start, end))
            for start, end in zip(cuts, ends, strict=True)
        ]
        started = time.perf_counter()
        llama_cpp.llama_memory_clear(self.memory, False)
        for depth, batch in batches:
            llama_cpp.llama_memory_seq_rm(self.memory, 0, depth, -1)
            if llama_cpp.llama_decode(self.context, batch):
                raise SystemExit("llama.cpp cannot evaluate a batch")
            llama_cpp.llama_synchronize(self.context)
        seconds = time.perf_counter() - started
        for _, batch in batches:
            llama_cpp.llama_batch_free(batch)
        return seconds


def _batch(work: Work, start: int, end: int) -> llama_cpp.llama_batch:
    """Tokens that follow the preamble or are part of it; rows spread evenly behind it."""
    depth = min(start, work.preamble)
    behind = len(work.tokens) - work.preamble
    batch = llama_cpp.llama_batch_init(end - start, 0, 1)
    batch.n_tokens = end - start
    for place, token in enumerate(work.tokens[start:end]):
        batch.token[place], batch.pos[place] = token, depth + place
        batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        past = start + place - work.preamble
        batch.logits[place] = past >= 0 and (
            (past + 1) * work.rows // behind > past * work.rows // behind
        )
    return batch


def main() -> None:
    """Answer lines until there are no more; `parts` are tasks, which share nothing."""
    path, threads = sys.argv[1], int(sys.argv[2])
    bare = Bare(path, threads)
    text = Plain(Path(path), length=BATCH)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = [
            distinct(
                encode_pair(
                    text.encode, context, continuation,
                    prefix_token=text.prefix_token, max_length=asked["context"],
                )
                for context, continuation in part
            )
            for part in asked["parts"]
        ]  # fmt: skip
        reply = {
            "seconds": sum(bare.seconds(work) for work in found),
            "tokens": sum(len(work.tokens) for work in found),
            "rows": sum(work.rows for work in found),
        }
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
