"""Numbers that no measurement gives: a record of anybody may hold them, and the page stays up."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runners.record import MemoryPhase, QuantisationInfo
from runners.record_parts import NoiseFloorInfo
from runners.store import RECORD, Store
from tests.leaderboard.panels.conftest import page_text

if TYPE_CHECKING:
    from runners.record import Record
    from tests.leaderboard.panels.conftest import Board

PANELS = {
    "candidate": "8+4, 2 runs",
    "compare": "small against big",
    "ladder": "Against",
    "history": "no time",
    "method": "small",
}
"""Panel -> a text that only the drawn page has."""


def floor(number: float) -> NoiseFloorInfo:
    return NoiseFloorInfo(items=1, share=number, largest_nats=number)


def with_number(record: Record, number: float) -> Record:
    """The record with one number in every place that takes a float."""
    workload = record.latency["8+4"]
    summary = dict.fromkeys(("p50", "p95", "mean", "minimum", "maximum"), number)
    summaries = {
        name: getattr(workload, name).model_copy(update=summary)
        for name in ("ttft_s", "tpot_s", "itl_s", "prefill_tokens_per_s", "decode_tokens_per_s")
    }
    times = workload.repeats[0].model_copy(update={"token_s": [number, number]})
    latency = {"8+4": workload.model_copy(update={**summaries, "repeats": [times]})}
    task = record.accuracy["t"].model_copy(
        update={"value": number, "stderr": number, "chance": number}
    )
    assert record.load
    assert record.memory
    seconds = dict.fromkeys(("ready_s", "load_s", "first_token_s", "cold_start_s"), number)
    quantisation = QuantisationInfo(name="Q", bits_per_weight=number, share={"F32": number})
    candidate = record.candidate.model_copy(update={"quantisation": quantisation})
    phases = {"latency": MemoryPhase(peak_bytes=-1, anon_bytes=-1, file_bytes=None)}
    memory = record.memory.model_copy(
        update={"phases": phases, "series": [(number, -1, None, None)]}
    )
    return record.model_copy(
        update={
            "latency": latency,
            "accuracy": {"t": task},
            "load": record.load.model_copy(update=seconds),
            "memory": memory,
            "candidate": candidate,
            "noise_floor": floor(number),
            "created_at": "no time",
        }
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -1.0, 0.0])
@pytest.mark.parametrize("panel", PANELS)
def test_a_strange_number_does_not_take_the_page_down(
    board: Board, good: Path, panel: str, number: float
) -> None:
    store = Store(good)
    for name in ("big", "small"):
        record = store.read(f"20260101T000000-{name}")
        strange = with_number(record, number)
        text = json.dumps(strange.model_dump())  # NaN and Infinity stay as they are
        (good / record.run_id / RECORD).write_text(text, encoding="utf-8")
    assert PANELS[panel] in page_text(board(panel, good))
