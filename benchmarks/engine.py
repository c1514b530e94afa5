"""Compare the engine's speed with lm-eval's backends and with llama.cpp's bare loop.

The same weights (SmolLM2-135M in bfloat16) and the same seeded items on every side, in turns on one
machine; times are seconds an item, medians of the rounds; the outputs are compared, too. Needs the
extras `llamacpp`, `hf` and `bench`:

    python benchmarks/engine.py [--quick] [--growth] [--seed N] [--json] > figures.json
    python benchmarks/engine.py --markdown figures.json

Quick takes about a minute. Its few items share less: the ratios of MMLU, where all items of a
subject share one preamble, are lower than in the whole run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.growth import growth
from benchmarks.questions import Questions, ask, the_table
from benchmarks.report import Agreement, Comparison, agree, as_json, compare, markdown
from benchmarks.sides import Limit, LmEval, Ours, Run, Side, child, ours
from evals.suites import SuiteTask

STARTED = time.perf_counter()
THREADS = 2
TINY_CONTEXT = 2048
TRIED = 8
"""One of so many items is asked at each batch size of lm-eval's `hf`, to find its best."""
GGUF, HF, OUR_HF, LIMIT = "lm-eval gguf", "lm-eval hf", "lm-eval hf, our hf", "the limit"
TARGETS = {
    GGUF: (70.0, 300.0, 50.0),
    HF: (1.5, 5.0, 0.95),
    OUR_HF: (2.0, 5.0, 1.1),
    LIMIT: (0.85, 0.85, 0.85),
}
"""Wanted speed-up over the other side, on HellaSwag, MMLU and BoolQ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Amount of work to measure."""

    items: tuple[int, int, int]
    """Items of HellaSwag, of each subject of MMLU, and of BoolQ."""
    subjects: int
    rounds: int
    hf_rounds: int
    """Rounds of lm-eval's `hf`."""
    gguf_items: tuple[int, int, int]
    """Items for lm-eval's `gguf` in a round, other ones in each."""
    gguf_rounds: int
    batch_sizes: tuple[int, ...]
    """Batch sizes of lm-eval's `hf`: tried on an eighth of the items, the fastest runs."""
    planned: tuple[int, ...]
    """Numbers of HellaSwag items that are planned, to see how time and memory grow."""
    evaluated: tuple[int, ...]
    """Numbers of `planned` whose items are scored, too."""


QUICK = Plan(
    items=(8, 12, 12), subjects=1, rounds=3, hf_rounds=1, gguf_items=(2, 0, 0), gguf_rounds=1,
    batch_sizes=(4,), planned=(100, 1000), evaluated=(),
)  # fmt: skip
WHOLE = Plan(
    items=(60, 50, 60), subjects=4, rounds=3, hf_rounds=3, gguf_items=(2, 1, 2), gguf_rounds=3,
    batch_sizes=(1, 4, 16, 64), planned=(100, 1000, 10_000),
    evaluated=(100, 1000),
)  # fmt: skip


class Figures:
    """Comparisons and agreement measured so far."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.agreement: list[Agreement] = []

    def add(
        self, against: str, place: int, questions: Questions, mine: list[Run], theirs: list[Run],
        asked_theirs: Questions | None = None,
    ) -> None:  # fmt: skip
        """One row of the table.

        Args:
            place: the task's, among the targets.
            asked_theirs: what the other side was asked a round, where that is less.
        """
        counts = len(questions.items), len((asked_theirs or questions).items)
        target = TARGETS[against][place]
        self.comparisons.append(
            compare(against, questions.name, mine, theirs, items=counts, target=target)
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few items, about a minute")
    parser.add_argument("--growth", action="store_true", help="only how time and memory grow")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", metavar="JSON", help="measure nothing: print a file's tables")
    parser.add_argument("--seed", type=int, default=0, help="draws the items")
    asked = parser.parse_args()
    if asked.markdown:
        print(markdown(json.loads(Path(asked.markdown).read_text(encoding="utf-8"))))
        return
    plan = QUICK if asked.quick else WHOLE
    figures = Figures() if asked.growth else measure(plan, seed=asked.seed)
    found = as_json(figures.comparisons, figures.agreement, growth=grown(plan, seed=asked.seed))
    print(json.dumps(found) if asked.json else markdown(found))


def measure(plan: Plan, *, seed: int) -> Figures:
    """Every comparison of the table."""
    table = the_table(seed=seed, items=plan.items, subjects=plan.subjects)
    path, folder = models.gguf("BF16"), models.safetensors()
    figures = Figures()
    with ExitStack() as stack:
        side = stack.enter_context
        engine = side(ours("llamacpp", path, threads=THREADS))
        hf = LmEval(child=side(child("lm_eval_side", "hf", str(folder), threads=THREADS)))
        gguf = LmEval(child=side(child("lm_eval_side", "gguf", str(path), threads=THREADS)))
        limit = side(child("limit_side", str(path), threads=THREADS))
        sides: dict[str, Side] = {
            "ours": engine,
            "our hf": side(ours("hf", folder, threads=THREADS, dtype="bfloat16")),
            LIMIT: Limit(child=limit, context=engine.loaded.context),
        }
        for place, questions in enumerate(table):
            _say(f"{questions.name}: {len(questions.items)} items")
            sides[HF] = hf.at_best(questions.first(len(questions.items) // TRIED), plan.batch_sizes)
            rounds = {**dict.fromkeys(sides, plan.rounds), HF: plan.hf_rounds}
            runs = in_turns(sides, questions, rounds)
            _say(f"{questions.name}: {_spent(runs)}")
            otherwise = models.cut_otherwise(questions.requests, path, folder)
            _hf_and_limit(figures, place, questions, runs, otherwise)
            if plan.gguf_items[place]:
                parts = [
                    questions.first(plan.gguf_items[place], start=number * plan.gguf_items[place])
                    for number in range(plan.gguf_rounds)
                ]
                _say(f"{questions.name}: lm-eval gguf, {len(parts)} x {len(parts[0].items)} items")
                _gguf(figures, place, questions, runs["ours"], engine, gguf, parts)
    return figures


def grown(plan: Plan, *, seed: int) -> list[dict[str, Any]]:
    """Cost of an item among few and among many, drawn at random."""
    _say("growth")
    many = ask("HellaSwag", [SuiteTask(task="hellaswag", limit=max(plan.planned))], seed=seed)
    path = models.gguf("BF16")
    with (
        ours("llamacpp", path, threads=THREADS) as engine,
        ours("llamacpp", models.tiny(), threads=THREADS, context=TINY_CONTEXT) as tiny,
    ):
        return growth(
            plan.planned, plan.evaluated, many.shuffled(seed), engine=engine, tiny=tiny, path=path
        )


def _spent(runs: dict[str, list[Run]]) -> str:
    medians = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in medians.items())


def _say(text: str) -> None:
    print(f"{time.perf_counter() - STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


def in_turns(
    sides: dict[str, Side], questions: Questions, rounds: dict[str, int]
) -> dict[str, list[Run]]:
    """Each side once a round, after two items that are not counted.

    The order turns with the rounds, so that a machine that slows down slows every side.
    """
    names = list(sides)
    for name in names:
        sides[name].run(questions.first(2))
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(max(rounds.values())):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            if number < rounds[name]:
                runs[name].append(sides[name].run(questions))
    return runs


def _hf_and_limit(
    figures: Figures, place: int, questions: Questions, runs: dict[str, list[Run]],
    otherwise: set[tuple[str, str]],
) -> None:  # fmt: skip
    mine, theirs = runs["ours"], runs[HF]
    figures.add(HF, place, questions, mine, theirs)
    figures.agreement.append(agree(HF, questions, mine[0], theirs[0], otherwise=otherwise))
    figures.add(OUR_HF, place, questions, runs["our hf"], theirs)
    figures.agreement.append(agree(OUR_HF, questions, runs["our hf"][0], theirs[0]))
    figures.add(LIMIT, place, questions, mine, runs[LIMIT])


def _gguf(
    figures: Figures, place: int, questions: Questions, mine: list[Run], engine: Ours,
    gguf: LmEval, parts: list[Questions],
) -> None:  # fmt: skip
    """Against a side so slow that it gets a few items; ours were timed on all."""
    theirs = [gguf.run(part) for part in parts]
    figures.add(GGUF, place, questions, mine, theirs, asked_theirs=parts[0])
    for part, run in zip(parts, theirs, strict=True):
        figures.agreement.append(agree(GGUF, part, engine.run(part), run))


if __name__ == "__main__":
    main()
