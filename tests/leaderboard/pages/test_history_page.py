"""History draws what the checks allow, and rings what regressed."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaderboard.gate.history import allowed
from leaderboard.gate.past import gates_of
from leaderboard.pages.blocks import Figure, Note, Shown
from leaderboard.pages.history.page import page
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.view import View
from runners.records.store import Store
from tests.leaderboard.conftest import Maker
from tests.support.stores import good, nightly

__all__ = ["good", "nightly"]


def drawn(store: Path, **view: Any) -> Any:
    blocks = list(page(StoredLibrary([store]), View(**view)))
    return next(one for one in blocks if isinstance(one, Figure)).draw(False)


def report(store: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(max((store / "gates").iterdir()).read_text())
    return found


def test_the_regressed_run_has_a_ring_and_the_band_is_the_baselines(nightly: Path) -> None:
    figure = drawn(nightly)
    ring = next(one for one in figure.data if one.name == "regressed in its check")
    assert list(ring.x) == ["2026-01-08T02:00:00+00:00"]
    assert list(ring.y) == pytest.approx([48.0])
    assert ring.hovertext[0].startswith("nightly against nightly: regressed: accuracy")
    # The baseline scored 60 of 100, and a point of loss is allowed.
    band = next(one for one in figure.layout.shapes if one.type == "rect")
    assert (band.y0, band.y1) == pytest.approx((59.0, 60.0))


def test_the_band_of_a_time_reaches_up_and_of_a_rate_down(nightly: Path) -> None:
    judged = {one["metric"]: one for one in report(nightly)["metrics"]}
    ttft = judged["ttft_s:8+4"]
    band = next(one for one in drawn(nightly, history="ttft").layout.shapes if one.type == "rect")
    # In ms; a tenth more is allowed.
    assert band.y0 == pytest.approx(1e3 * ttft["baseline"])
    assert band.y1 == pytest.approx(1e3 * ttft["baseline"] * 1.1)
    rate = judged["decode_tokens_per_s:8+4"]
    band = next(one for one in drawn(nightly, history="decode").layout.shapes if one.type == "rect")
    assert band.y0 == pytest.approx(rate["baseline"] / 1.1)
    assert band.y1 == pytest.approx(rate["baseline"])


def test_without_a_check_there_is_neither(good: Path) -> None:
    figure = drawn(good)
    assert not figure.layout.shapes
    assert [one.name for one in figure.data if "regressed" in one.name] == []


def test_the_page_says_that_the_newest_check_regressed(nightly: Path) -> None:
    notes = [one for one in page(StoredLibrary([nightly]), View()) if isinstance(one, Note)]
    assert notes[0].kind == "error"


@pytest.mark.parametrize("value", [None, "x", True, -1, float("nan"), 1e300])
def test_an_edited_report_has_no_band(nightly: Path, value: Any) -> None:
    gates, _ = gates_of([nightly], "nightly")
    place = (gates[0].machine or "", gates[0].suite)
    assert allowed(gates, METRICS["accuracy"], None, place)
    edited = [replace(one, report=deepcopy(one.report)) for one in gates]
    for gate in edited:
        for one in gate.report["metrics"]:
            one["baseline"] = value
    assert allowed(edited, METRICS["accuracy"], None, place) is None


def test_a_check_of_another_machine_is_none_of_this_line(nightly: Path) -> None:
    gates, _ = gates_of([nightly], "nightly")
    assert allowed(gates, METRICS["accuracy"], None, ("elsewhere", gates[0].suite)) is None


def test_it_opens_on_what_was_checked_last_else_on_what_was_measured_most(
    nightly: Path, made: Maker
) -> None:
    def opened(store: Path) -> str:
        blocks = page(StoredLibrary([store]), View())
        return str(next(one for one in blocks if isinstance(one, Shown)).changes["name"])

    store = Store(nightly)
    for batch in "abcdefghij":
        store.add(made.record("often", batch=batch, run_id=f"20260201T000000-often-{batch}"), None)
    assert opened(nightly) == "nightly"
    for gate in (nightly / "gates").iterdir():
        gate.unlink()
    assert opened(nightly) == "often"  # ten batches against eight
