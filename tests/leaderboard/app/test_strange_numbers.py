"""Numbers that no measurement gives: the record is named, and the page shows the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runners.records.store import RECORD, Store
from tests.leaderboard.app.conftest import page_text
from tests.support.records import IMPOSSIBLE, replaced

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board

PANELS = {
    "": "Ship small",
    "candidate": "8+4, 2 runs",
    "compare": "small against big",
    "ladder": "Against",
    "history": "One point so far",
    "method": "small",
}
"""Panel -> a text that only the drawn page has."""
RAW = ("latency.*.repeats.0.token_s.0", "memory.series.0.1")
EDGES = [
    ("accuracy.*.value", 0.0),
    ("accuracy.*.value", 1e100),
    ("accuracy.*.value", -1e100),
    ("accuracy.*.value", None),
    ("accuracy.*.stderr", 0.0),
    ("accuracy.*.stderr", 1e100),
    ("accuracy.*.n", 0),
    ("accuracy.*.n", 2**63 - 1),
    ("accuracy.*.chance", 0.0),
    ("accuracy.*.chance", 1.0),
    ("accuracy.*.metrics", {}),
    ("candidate.weights_bytes", 0),
    ("candidate.weights_bytes", 2**60),
    ("candidate.parameters", 0),
    ("candidate.quantisation.bits_per_weight", 0.0),
    ("latency.*.ttft_s.p50", 0.0),
    ("latency.*.ttft_s.p50", 1e12),
    ("latency.*.decode_tokens_per_s.p50", 0.0),
    ("latency.*.decode_tokens_per_s.p50", 1e-12),
    ("latency.*.decode_tokens_per_s.p50", 1e12),
    ("latency.*.repeats", []),
    ("load.cold_start_s", 1e9),
    ("memory.phases.latency.peak_bytes", 0),
    ("memory.phases.latency.peak_bytes", 2**60),
    ("machine", {}),
    ("budget", {"memory_bytes": 0}),
    ("noise", {}),
    ("created_at", "0001-01-01"),
    ("suite.tasks", []),
]
"""The least and the most that a record may hold."""


def beside(store: Path, changes: list[tuple[str, Any]]) -> list[str]:
    """Add a copy of the small candidate's scored run for each change; their run ids."""
    content = json.loads((store / "20260101T000000-small" / RECORD).read_text(encoding="utf-8"))
    samples = (store / "20260101T000000-small" / "samples.parquet").read_bytes()
    added = []
    for number, (place, value) in enumerate(changes):
        run_id = f"20260103T{number:06d}-odd"
        copy = replaced(content, place.split("."), value)
        copy["run_id"] = run_id
        copy["candidate"] = {**copy["candidate"], "name": f"odd-{number}", "digest": f"o{number}"}
        (store / run_id).mkdir()
        (store / run_id / RECORD).write_text(json.dumps(copy), encoding="utf-8")
        (store / run_id / "samples.parquet").write_bytes(samples)
        added.append(run_id)
    return added


@pytest.mark.parametrize("panel", PANELS)
def test_an_impossible_number_hides_no_other_record(board: Board, good: Path, panel: str) -> None:
    """One field at a time, each in a record of its own."""
    added = beside(good, IMPOSSIBLE)
    text = page_text(board(panel, good, candidate=["big", "small"]))
    assert PANELS[panel] in text
    if panel == "":
        # The raw times and the memory curve are not read for this page.
        named = [run_id for run_id in added if run_id in text]
        assert len(named) == sum(place not in RAW for place, _ in IMPOSSIBLE)
    assert len(Store(good).run_ids()) == 4 + len(IMPOSSIBLE)


@pytest.mark.parametrize("panel", ["", "history", "method", "ladder"])
def test_the_edges_of_what_a_record_may_hold_are_shown(
    board: Board, good: Path, panel: str
) -> None:
    added = beside(good, EDGES)
    text = page_text(board(panel, good))
    assert [run_id for run_id in added if f"{run_id}/{RECORD}" in text] == []


@pytest.mark.parametrize(("place", "value"), EDGES[::3])
def test_a_candidate_at_an_edge_has_its_page(
    board: Board, good: Path, place: str, value: Any
) -> None:
    beside(good, [(place, value)])
    board("candidate", good, candidate="odd-0")
    board("compare", good, candidate=["odd-0", "big"])
