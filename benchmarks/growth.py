"""Does an item cost the same among 10,000 as among 100? Our engine, and its planner by itself."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plain import Plain
from benchmarks.questions import Questions
from benchmarks.sides import Ours
from runners.worker import protocol
from runners.worker.encoding import Scoring, encode_pair
from runners.worker.prefix_tree import Limits, plan


def growth(
    counts: Sequence[int], timed: Sequence[int], questions: Questions, ours: Ours, path: Path
) -> list[dict[str, Any]]:
    """Figures for the first 100, 1,000, … items.

    Args:
        counts: how many items to plan.
        timed: of these, which are evaluated, too.
    """
    opened = ours.opened
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
        windows = [_scorings(text, question, ours.loaded.context) for question in part.windows()]
        started = time.perf_counter()
        for window in windows:
            _plan(window, limits)
        planner_s = time.perf_counter() - started
        peak = max(_peak_bytes(window, limits) for window in windows)
        seconds = ours.run(part).seconds / count if count in timed else None
        found.append(
            {
                "items": count,
                "ours_s": seconds,
                "planner_s": planner_s / count,
                "planner_peak_bytes": peak,
            }
        )
    text.close()
    return found


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
