"""Split the engine's time into llama.cpp's decoding and everything that is ours.

The worker's own code in this process, over the items of `benchmarks/engine.py`. What is not
decoding is what a faster planner, tokenizer or softmax could win at most:

    python benchmarks/engine_profile.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks import models
from benchmarks.questions import Questions, the_table
from benchmarks.sides import ENGINE_MEMORY, UNRELATED
from runners.engine import scoring
from runners.engine.plan import Plan, plan
from runners.runtimes.llamacpp import runtime as llamacpp
from runners.runtimes.llamacpp.api import Context
from runners.runtimes.table import find_runtime
from runners.worker import protocol

THREADS = 2
DECODE, ENCODE, SOFTMAX, PLAN = "llama.cpp", "tokenizer", "log-softmax", "planner"


def main() -> None:
    """Profile each task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="eight items a task")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    table = the_table(seed=0, items=(8, 8, 8) if asked.quick else (60, 50, 60), subjects=1)
    spent: Counter[str] = Counter()
    _clock(Context, "decode", DECODE, spent)
    _clock(llamacpp.LlamaCpp, "_scorings", ENCODE, spent)
    _clock(scoring, "target_logprobs", SOFTMAX, spent)
    scoring.plan = lambda *given: _planned(spent, *given)
    found = [_profile(questions, spent) for questions in table]
    if asked.json:
        print(json.dumps({"profile": found}))
        return
    for one in found:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in one["shares"].items())
        print(f"{one['task']}: {one['seconds']:.2f} s, {one['tokens']} tokens: {shares}")


def _profile(questions: Questions, spent: Counter[str]) -> dict[str, Any]:
    worker = llamacpp.LlamaCpp()
    settings = {**find_runtime("llamacpp").settings().model_dump(), "threads": THREADS}
    worker.load(protocol.Load(path=str(models.gguf("BF16")), settings=settings))
    worker.open_engine(protocol.OpenEngine(memory_bytes=ENGINE_MEMORY))
    worker.score([UNRELATED], lambda _done: None)
    spent.clear()
    started = time.perf_counter()
    tokens = sum(
        worker.score(window.items, lambda _done: None).distinct_tokens
        for window in questions.windows()
    )
    seconds = time.perf_counter() - started
    worker.close()
    shares = {name: spent[name] / seconds for name in (DECODE, ENCODE, SOFTMAX, PLAN)}
    shares["the rest"] = 1 - sum(shares.values())
    return {"task": questions.name, "seconds": seconds, "tokens": tokens, "shares": shares}


def _planned(spent: Counter[str], *given: Any) -> Plan:
    """The plan, its waves made at once: as an iterator its time would count elsewhere."""
    started = time.perf_counter()
    laid_out = plan(*given)
    waves = list(laid_out.waves)
    spent[PLAN] += time.perf_counter() - started
    return Plan(preamble=laid_out.preamble, waves=iter(waves))


def _clock(owner: Any, name: str, part: str, spent: Counter[str]) -> None:
    """Count the time of every call of `owner.name`."""
    original: Callable[..., Any] = getattr(owner, name)

    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*given, **named)
        finally:
            spent[part] += time.perf_counter() - started

    setattr(owner, name, timed)


if __name__ == "__main__":
    main()
