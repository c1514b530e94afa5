"""The limit in a process: `python -m benchmarks.limit_side GGUF THREADS`.

How fast llama.cpp itself evaluates a task's distinct tokens: batches of 512 in one sequence, each
from an empty cache, with as many rows of logits as the task needs, and nothing else: no plan, no
copies of sequences, no softmax, no text. Lines of JSON as in `lm_eval_side.py`.
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
from runners.worker.encoding import Scoring, encode_pair

BATCH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What cannot be avoided."""

    tokens: list[int]
    """Each distinct prefix's last token: what is left when everything shared is shared."""
    rows: int
    """Of these, how many need their logits."""


def distinct(scorings: Iterable[Scoring]) -> Work:
    """The nodes of the tree of all sequences, and how many of them predict a scored token."""
    tokens: list[int] = []
    needed: set[int] = set()
    path: list[int] = []  # nodes of the sequence before, by position
    last: tuple[int, ...] = ()
    for scoring in sorted(scorings, key=lambda scoring: scoring.read):
        read = scoring.read
        pairs = zip(last, read, strict=False)
        shared = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(last), len(read)))
        path = [*path[:shared], *range(len(tokens), len(tokens) + len(read) - shared)]
        tokens += read[shared:]
        needed.update(path[scoring.first - 1 :])
        last = read
    return Work(tokens=tokens, rows=len(needed))


class Bare:
    """A context of one sequence and 512 cells, as candidates have it: F16, flash attention."""

    def __init__(self, path: str, threads: int) -> None:
        self.model = llama_cpp.llama_model_load_from_file(
            os.fsencode(path), llama_cpp.llama_model_default_params()
        )
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.memory = llama_cpp.llama_get_memory(self.context)

    def seconds(self, work: Work) -> float:
        """Evaluate all of it; the batches are made before the clock starts."""
        batches = []
        rows = 0
        for start in range(0, len(work.tokens), BATCH):
            part = work.tokens[start : start + BATCH]
            batch = llama_cpp.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for place, token in enumerate(part):
                batch.token[place], batch.pos[place] = token, place
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
                # Spread evenly over the tokens.
                due = (start + place + 1) * work.rows // len(work.tokens)
                batch.logits[place], rows = due > rows, due
            batches.append(batch)
        started = time.perf_counter()
        for batch in batches:
            llama_cpp.llama_memory_clear(self.memory, False)
            if llama_cpp.llama_decode(self.context, batch):
                raise SystemExit("llama.cpp cannot evaluate a batch")
            llama_cpp.llama_synchronize(self.context)
        seconds = time.perf_counter() - started
        for batch in batches:
            llama_cpp.llama_batch_free(batch)
        return seconds


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
        work = Work(
            tokens=[token for one in found for token in one.tokens],
            rows=sum(one.rows for one in found),
        )
        reply = {"seconds": bare.seconds(work), "tokens": len(work.tokens), "rows": work.rows}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
