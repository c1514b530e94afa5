"""Does packing change a score? The engine against plain scoring, on real weights and real items.

F16 weights, F32 KV cache on both sides: our worker scores whole windows, `plain.py` one sequence
after the other from an empty cache. A fixed text's perplexity is compared, too: ours in lm-eval's
rolling windows against the same windows, cut by lm-eval and scored plainly. Exit code 1 where a
target is missed. Needs the extra `llamacpp`:

    python benchmarks/correctness.py [--quick] [--seed N] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.plain import Plain
from benchmarks.questions import Questions, ask
from benchmarks.report import agree
from benchmarks.sides import ROOT, Ours, Run, ours
from evals.suites import SuiteTask
from runners.engine.encoding import Scoring, encode_pair
from runners.worker import protocol

TASKS = ("arc_easy", "openbookqa", "piqa", "winogrande", "commonsense_qa", "hellaswag")
ITEMS, QUICK_ITEMS = 340, 10
THREADS, CONTEXT = 2, 1024
DIFFERENCE_NATS, SAME_CHOICE, PERPLEXITY_OFF = 0.05, 0.995, 0.005
"""Targets: at most so far apart, at least so many alike, at most this share off."""
TEXT = ROOT / "LICENSE"  # fixed, plain English, longer than the context


def main() -> int:
    """Measure and print; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ITEMS} items a task")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0, help="draws the items")
    asked = parser.parse_args()
    count = QUICK_ITEMS if asked.quick else ITEMS
    path = models.gguf("F16")
    plain = Plain(path, length=CONTEXT, threads=THREADS)
    settings = {"kv_cache_type": "f32", "context": CONTEXT}
    with ours("llamacpp", path, threads=THREADS, **settings) as engine:
        rows = [_task(name, count, asked.seed, engine, plain) for name in TASKS]
        text = _perplexity(TEXT, engine, plain)
    items = sum(row["items"] for row in rows)
    alike = sum(row["items"] * row["same_choice"] for row in rows) / items
    found = {"comparisons": [*rows, text], "agreement": {"items": items, "same_choice": alike}}
    if asked.json:
        print(json.dumps(found))
    else:
        _show(found)
    missed = [row["task"] for row in rows if row["largest_difference"] > DIFFERENCE_NATS]
    missed += ["same choice"] if alike < SAME_CHOICE else []
    missed += ["perplexity"] if abs(text["ratio"] - 1) > PERPLEXITY_OFF else []
    if missed:
        print(f"targets missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _task(name: str, count: int, seed: int, engine: Ours, plain: Plain) -> dict[str, Any]:
    questions = ask(name, [SuiteTask(task=name, limit=count)], seed=seed)
    mine = engine.run(questions)
    theirs = Run(seconds=0.0, logprobs=tuple(_alone(plain, questions)))
    found = agree("plain scoring", questions, mine, theirs)
    return {
        "against": found.against,
        "task": name,
        "items": found.items,
        "requests": found.requests,
        "same_choice": found.same_choice,
        "largest_difference": found.largest_difference,
        "target": DIFFERENCE_NATS,
    }


def _alone(plain: Plain, questions: Questions) -> list[float]:
    """Nats of each request, each evaluated by itself."""
    return [
        plain.score(
            encode_pair(
                plain.encode, context, continuation,
                prefix_token=plain.prefix_token, max_length=CONTEXT,
            )
        ).nats
        for context, continuation in questions.requests
    ]  # fmt: skip


def _perplexity(path: Path, engine: Ours, plain: Plain) -> dict[str, Any]:
    """Perplexity of a text, exp(-nats a token), by our engine and by plain scoring of lm-eval's
    windows.
    """
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    text = path.read_text(encoding="utf-8")
    tokens = plain.encode(text, True)
    item = protocol.ScoreItem(contexts=[text], continuations=[], rolling=True)
    nats = engine.score(item).logprobs[0]
    windows = get_rolling_token_windows(
        token_list=tokens, prefix_token=plain.prefix_token, max_seq_len=CONTEXT, context_len=1
    )
    alone = sum(
        plain.score(Scoring(tokens=(*context, *scored), first=len(context), truncated=False)).nats
        for context, scored in map(make_disjoint_window, windows)
    )
    mine, theirs = math.exp(-nats / len(tokens)), math.exp(-alone / len(tokens))
    return {
        "against": "lm-eval's windows, plainly",
        "task": f"perplexity of {path.name}",
        "tokens": len(tokens),
        "ours": mine,
        "theirs": theirs,
        "ratio": mine / theirs,
        "target": 1.0,
    }


def _show(found: dict[str, Any]) -> None:
    *rows, text = found["comparisons"]
    for row in rows:
        print(
            f"{row['task']:16} items {row['items']:4}  same choice {row['same_choice']:.1%}  "
            f"largest difference {row['largest_difference']:.5f} nats "
            f"over {row['requests']} continuations"
        )
    total = found["agreement"]
    print(f"{'all':16} items {total['items']:4}  same choice {total['same_choice']:.2%}")
    print(f"{text['task']}: ours {text['ours']:.4f}, plainly {text['theirs']:.4f}")


if __name__ == "__main__":
    sys.exit(main())
