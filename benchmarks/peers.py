"""Hold the engine against its peers on llama.cpp: Evalution, and llama.cpp's own scoring.

The same GGUF and the same seeded items on every side, in turns on one machine; times are seconds an
item, medians of the rounds; the outputs are compared, too:

    pip install Evalution==0.0.17
    python tools/llama_server.py --program llama-perplexity
    python benchmarks/peers.py [--quick] [--type F16|Q8_0|Q4_1|…] [--seed N] [--json]

Evalution is asked twice: with the texts, as its user would, and with the tokens that we score, so
that its numbers can be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import models, multiple_choice
from benchmarks.plain import Plain
from benchmarks.questions import Questions, the_table
from benchmarks.report import Comparison, agree, as_json, compare, markdown
from benchmarks.sides import Child, Ours, Run, child, ours
from runners.engine.encoding import encode_pair
from runners.runtimes.llama_server.build import built_folders

THREADS = 2
PROGRAM = "llama-perplexity"
LLAMA_CPP, EVALUTION = "llama.cpp multiple-choice", "Evalution"
AHEAD = 1.0
"""Wanted: at least as fast as a peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameRight:
    """Items that both sides get right, or both wrong, by the peer's own rule."""

    against: str
    task: str
    items: int
    same: int
    tokenised_otherwise: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few items, one round")
    parser.add_argument("--type", default="F16", help="quantisation of SmolLM2-135M-Instruct")
    parser.add_argument("--seed", type=int, default=0, help="draws the items")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    items, rounds, few = (
        ((8, 8, 8), 1, (2, 1, 2)) if asked.quick else ((40, 20, 40), 3, (20, 4, 20))
    )
    path = models.gguf(asked.type)
    found = measure(path, the_table(seed=asked.seed, items=items, subjects=2), rounds, few)
    if asked.json:
        print(json.dumps(found))
    else:
        print(markdown(found), "", same_right(found["right"]), sep="\n")


def measure(
    path: Path, table: list[Questions], rounds: int, few: tuple[int, ...]
) -> dict[str, list[dict]]:
    """Every comparison.

    Args:
        few: items of each task that Evalution is asked a round, since it evaluates each choice
            whole; ours are timed on all.
    """
    rows: list[Comparison] = []
    alike, right = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = stack.enter_context(ours("llamacpp", path, threads=THREADS))
        peer = stack.enter_context(child("evalution_side", str(path), threads=THREADS))
        for questions, asked in zip(table, few, strict=True):
            print(f"{questions.name}: {len(questions.items)} items", file=sys.stderr, flush=True)
            engine.run(questions.first(2))
            mine, theirs, answers = _in_turns(engine, path, questions, folder, rounds)
            rows.append(_row(LLAMA_CPP, questions, mine, theirs))
            right.append(_same_right(engine, path, questions, answers))
            part = questions.first(asked)
            as_texts = [_evalution(peer, part.requests) for _ in range(rounds)]
            rows.append(_row(EVALUTION, questions, mine, as_texts, asked=part))
            alike.append(agree(f"{EVALUTION}, texts", part, engine.run(part), as_texts[0]))
            tokens = _evalution(peer, _tokens(path, part, engine.loaded.context))
            alike.append(agree(f"{EVALUTION}, tokens", part, engine.run(part), tokens))
    return as_json(rows, alike, right=[asdict(one) for one in right])


def _in_turns(
    engine: Ours, path: Path, questions: Questions, folder: Path, rounds: int
) -> tuple[list[Run], list[Run], tuple[bool, ...]]:
    """Our runs, llama.cpp's, and which items llama.cpp got right."""
    asked = folder / "questions.bin"
    multiple_choice.as_file(questions, asked)
    mine, theirs, right = [], [], ()
    for _ in range(rounds):
        mine.append(engine.run(questions))
        done = multiple_choice.run(_program(), path, asked, threads=THREADS)
        theirs.append(Run(seconds=done.seconds, logprobs=()))
        right = done.right
    return mine, theirs, right


def _program() -> Path:
    found = next((f / PROGRAM for f in built_folders() if (f / PROGRAM).is_file()), None)
    if found is None:
        raise SystemExit(f"{PROGRAM} is missing: python tools/llama_server.py --program {PROGRAM}")
    return found


def _row(
    against: str, questions: Questions, mine: list[Run], theirs: list[Run], *,
    asked: Questions | None = None,
) -> Comparison:  # fmt: skip
    counts = len(questions.items), len((asked or questions).items)
    return compare(against, questions.name, mine, theirs, items=counts, target=AHEAD)


def _evalution(peer: Child, requests: list) -> Run:
    reply = peer.ask({"requests": requests})
    return Run(seconds=reply["seconds"], logprobs=tuple(reply["answers"]))


def _tokens(path: Path, questions: Questions, context: int) -> list[tuple[list[int], list[int]]]:
    """The tokens that our engine reads and scores, a pair a request."""
    plain = Plain(path, length=32)
    found = []
    for text, choice in questions.requests:
        one = encode_pair(
            plain.encode, text, choice, prefix_token=plain.prefix_token, max_length=context
        )
        found.append((list(one.tokens[: one.first]), list(one.tokens[one.first :])))
    plain.close()
    return found


def _same_right(
    engine: Ours, path: Path, questions: Questions, theirs: tuple[bool, ...]
) -> SameRight:
    mine = multiple_choice.ours_right(engine, path, questions.items)
    both = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None]
    return SameRight(
        against=LLAMA_CPP, task=questions.name, items=len(both),
        same=sum(a == b for a, b in both), tokenised_otherwise=len(mine) - len(both),
    )  # fmt: skip


def same_right(found: list[dict]) -> str:
    """A table of `SameRight`."""
    lines = [
        "| against | task | items | both right or both wrong | cut otherwise |",
        "|---|---|--:|--:|--:|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, one.values()))} |" for one in found)])


if __name__ == "__main__":
    main()
