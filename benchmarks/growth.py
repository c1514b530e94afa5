"""Does an item cost the same among 10,000 as among 100? The engine, and its planner by itself.

The engine runs twice: on the benchmark's model, and on a random one of a third of a megabyte,
where nearly all of an item's time is ours and 10,000 items take minutes instead of an hour.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plain import Plain
from benchmarks.questions import Questions
from benchmarks.sides import Ours
from runners.engine.encoding import Scoring, encode_pair
from runners.engine.plan import Limits, plan
from runners.worker import protocol


def growth(
    counts: Sequence[int],
    timed: Sequence[int],
    questions: Questions,
    *,
    engine: Ours,
    tiny: Ours,
    path: Path,
) -> list[dict[str, Any]]:
    """Figures for the first 100, 1,000, … items.

    Args:
        counts: how many items to plan, and to score with the tiny model.
        timed: of these, which are scored with the benchmark's model, too.
        path: that model's file, for its tokenizer.
    """
    opened = engine.opened
    limits = Limits(
        wave_tokens=opened.batch_tokens,
        sequences=opened.sequences,
        cells=opened.cells,
        shared=True,
    )
    text = Plain(path, length=32)
    found = []
    for count in counts:
        part = questions.first(count)
        planner_s, peak = _planner(part, text, limits, engine.loaded.context)
        found.append(
            {
                "items": count,
                "ours_s": engine.run(part).seconds / count if count in timed else None,
                "tiny_s": tiny.run(part).seconds / count,
                "planner_s": planner_s / count,
                "planner_peak_bytes": peak,
            }
        )
    text.close()
    return found


def _planner(part: Questions, text: Plain, limits: Limits, length: int) -> tuple[float, int]:
    """Seconds for all windows, one after the other as the worker has them; the largest peak."""
    seconds, peak = 0.0, 0
    for question in part.windows():
        window = _scorings(text, question, length)
        # What lm-eval keeps here is not there in the worker: the collector shall not look at it.
        gc.freeze()
        started = time.perf_counter()
        _plan(window, limits)
        seconds += time.perf_counter() - started
        gc.unfreeze()
        peak = max(peak, _peak_bytes(window, limits))
    return seconds, peak


def _plan(window: list[Scoring], limits: Limits) -> None:
    for _ in plan(window, limits).waves:
        pass


def _peak_bytes(window: list[Scoring], limits: Limits) -> int:
    tracemalloc.start()
    try:
        _plan(window, limits)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _scorings(text: Plain, question: protocol.Score, length: int) -> list[Scoring]:
    return [
        encode_pair(
            text.encode, item.contexts[context], continuation,
            prefix_token=text.prefix_token, max_length=length,
        )
        for item in question.items
        for context, continuation in item.continuations
    ]  # fmt: skip
