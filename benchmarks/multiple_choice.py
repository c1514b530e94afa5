"""llama.cpp's own multiple-choice scoring: `llama-perplexity --multiple-choice`.

Its file, its command and what it prints. It scores a choice by the mean log-probability of its
tokens, from the first on that not all choices share, and prints the accuracy after each item: which
item was right follows, which choice was taken does not.
"""

from __future__ import annotations

import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plain import Plain
from benchmarks.questions import Questions
from benchmarks.sides import Ours
from evals.tasks.items import Item
from runners.worker import protocol

CONTEXT, SEQUENCES = 4096, 64
"""Tokens of its one batch, shared by so many choices; it keeps a row of logits for each token."""
BEGINS, ENDS = "task\tacc_norm", "Final result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One run over the items; the weights were loaded before the clock started."""

    seconds: float
    right: tuple[bool, ...]


def run(program: Path, model: Path, questions: Path, *, threads: int) -> Answered:
    """Ask all items of a file of `as_file`.

    Raises:
        SystemExit: the program fails, or answers fewer items than it says.
    """
    command = [
        program, "--model", model, "--multiple-choice", "--binary-file", questions,
        "--ctx-size", str(CONTEXT // SEQUENCES), "--parallel", str(SEQUENCES),
        "--threads", str(threads), "--threads-batch", str(threads), "--n-gpu-layers", "0",
    ]  # fmt: skip
    started = ended = 0.0
    accuracies: list[float] = []
    said: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout:
            said.append(line)
            if line.startswith(BEGINS):
                started = time.perf_counter()
            elif started and not ended and line.count("\t") == 1:
                accuracies.append(float(line.split("\t")[1]))
            elif ENDS in line:
                ended = time.perf_counter()
    if process.returncode or not ended:
        raise SystemExit(f"{program.name} failed: {''.join(said)[-500:]}")
    counts = [round(share / 100 * (place + 1)) for place, share in enumerate(accuracies)]
    before = [0, *counts]
    return Answered(
        seconds=ended - started,
        right=tuple(now > then for now, then in zip(counts, before, strict=False)),
    )


def as_file(questions: Questions, path: Path) -> None:
    """Write the items as the program reads them: little-endian counts, lengths and UTF-8 texts.

    Raises:
        ValueError: a choice does not begin with the one space that the program writes itself.
    """
    tasks = [_task(item) for item in questions.items]
    places = [0]  # read only where some of the items are drawn, which is not asked for here
    for task in tasks[:-1]:
        places.append(places[-1] + len(task))
    path.write_bytes(struct.pack(f"<I{len(tasks)}I", len(tasks), *places) + b"".join(tasks))


def _task(item: Item) -> bytes:
    context, choices = item.instances[0].args[0], [one.args[1] for one in item.instances]
    if any(choice[:1] != " " or one.args[0] != context
           for choice, one in zip(choices, item.instances, strict=True)):  # fmt: skip
        raise ValueError(f"item {item.doc_id} has a choice that begins without a space")
    answers = [_text(choice[1:]) for choice in choices]
    labels = [int(place in golds(item)) for place in range(len(choices))]
    single = struct.pack("<I", len(answers)) + b"".join(answers)
    none = struct.pack("<I", 0)  # several right answers, which it does not score
    return _text(context) + single + struct.pack(f"<{len(labels)}i", *labels) + none


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded


def golds(item: Item) -> set[int]:
    """Places of the right choices."""
    return set(item.target) if isinstance(item.target, list) else {item.target}


def ours_right(engine: Ours, model: Path, items: Sequence[Item]) -> list[bool | None]:
    """Whether our engine takes the right choice by the same rule.

    None: the tokens before the choices part ways are no text that is cut into them again.
    """
    plain = Plain(model, length=32)
    found = [_right(engine, plain, item) for item in items]
    plain.close()
    return found


def _right(engine: Ours, plain: Plain, item: Item) -> bool | None:
    texts = ["".join(one.args) for one in item.instances]
    cut = [plain.encode(text, True) for text in texts]
    shared = next(
        place for place, column in enumerate(zip(*cut, strict=False)) if len({*column}) > 1
    )
    begins = b"".join(plain.piece(token) for token in cut[0][:shared]).decode("utf-8", "replace")
    if plain.encode(begins, True) != cut[0][:shared] or not all(
        t.startswith(begins) for t in texts
    ):
        return None
    asked = protocol.ScoreItem(
        contexts=[begins], continuations=[(0, text[len(begins) :]) for text in texts]
    )
    sums = engine.score(asked).logprobs
    means = [nats / (len(whole) - shared) for nats, whole in zip(sums, cut, strict=True)]
    return means.index(max(means)) in golds(item)
