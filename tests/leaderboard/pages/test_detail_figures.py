"""Figures of the Candidate panel: each number is where it belongs, in the unit of its axis."""

from __future__ import annotations

import pytest

from leaderboard.pages.candidate.deadline_figure import deadline_figure
from leaderboard.pages.candidate.latency_figure import times_figure
from leaderboard.pages.candidate.memory_figures import limits_figure, phases_figure, series_figure
from leaderboard.pages.candidate.part_figures import cold_start_figure, tensors_figure
from leaderboard.pages.candidate.tasks_figure import tasks_figure
from leaderboard.pages.frame import scaled, shade, whiskers
from leaderboard.pages.theme import LIGHT
from leaderboard.rows.score import Score
from leaderboard.runs.deadline import DeadlineCurve
from leaderboard.runs.memory_limits import LimitPoint
from leaderboard.runs.timings import ColdStart, PhaseBytes
from leaderboard.stats.intervals import Interval

MIB = 2**20
HOSTILE = "<img src=x>"


def score(name: str, value: float | None, **given: object) -> Score:
    usual = {
        "metric": "acc", "stderr": 0.1, "n": 10, "chance": 0.25, "told_from_chance": True,
        "interval": None if value is None else Interval(low=value - 0.1, high=value + 0.2),
    }  # fmt: skip
    return Score(name=name, value=value, **{**usual, **given})  # type: ignore[arg-type]


def test_tasks_are_in_per_cent_with_their_limits_and_the_line_of_chance() -> None:
    scores = [score("a", 0.5), score("none", None), score(HOSTILE, 0.25, told_from_chance=False)]
    figure = tasks_figure(scores, dark=False)
    chance, dots = figure.data
    assert list(chance.x) == [25.0, 25.0]
    assert list(dots.x) == [50.0, 25.0]
    assert list(dots.error_x.array) == pytest.approx([20.0, 20.0])
    assert list(dots.error_x.arrayminus) == pytest.approx([10.0, 10.0])
    # Not told from guessing: hollow.
    assert list(dots.marker.color) == [LIGHT.accent, LIGHT.background]
    assert list(figure.layout.yaxis.ticktext) == ["a", "&lt;img src=x&gt;"]


def test_a_run_is_a_distribution_and_all_of_them_are_a_histogram() -> None:
    figure = times_figure([("run 1", [0.2, 0.1]), ("run 2", [0.3])], unit="requests", dark=False)
    first, second, pooled = figure.data
    assert list(first.x) == [100.0, 200.0]
    assert list(first.y) == [50.0, 100.0]
    assert list(second.y) == [100.0]
    # Forty bins of 5 ms from 100 to 300 ms: the first, the middle and the last hold a value each.
    assert (pooled.width, pooled.x[0], pooled.x[-1]) == pytest.approx((5.0, 102.5, 297.5))
    assert [i for i, count in enumerate(pooled.y) if count] == [0, 20, 39]


def test_a_long_distribution_is_drawn_in_two_hundred_steps_with_both_ends() -> None:
    figure = times_figure([("run 1", [i / 1000 for i in range(1, 1001)])], unit="gaps", dark=False)
    steps, pooled = figure.data
    assert len(steps.x) == len(steps.y) == 200
    assert (steps.x[0], steps.x[-1]) == pytest.approx((1.0, 1000.0))
    assert (steps.y[0], steps.y[-1]) == pytest.approx((0.1, 100.0))
    assert sum(pooled.y) == 1000


def test_a_phase_without_a_split_has_its_peak_alone() -> None:
    phases = [
        PhaseBytes(phase="load", peak_bytes=4 * MIB, anon_bytes=MIB, file_bytes=2 * MIB, reason=""),
        PhaseBytes(
            phase="latency", peak_bytes=8 * MIB, anon_bytes=None, file_bytes=None, reason="no"
        ),
    ]
    anon, file, peak = phases_figure(phases, dark=False).data
    assert (list(anon.x), list(anon.y)) == ([1.0], [0])
    assert (list(file.x), list(file.y)) == ([2.0], [0])
    assert list(peak.x) == [4.0, 8.0]


def test_the_curve_is_split_only_where_the_whole_split_is_known() -> None:
    known = series_figure([(0.0, 3 * MIB, MIB, 2 * MIB), (1.0, 4 * MIB, MIB, 3 * MIB)], dark=False)
    assert [list(one.y) for one in known.data] == [[1.0, 1.0], [2.0, 3.0], [3.0, 4.0]]
    unknown = series_figure([(0.0, 3 * MIB, None, None)], dark=False)
    assert [one.name for one in unknown.data] == ["resident"]


def limit(mib: int | None, verdict: str, rate: float | None) -> LimitPoint:
    return LimitPoint(
        limit_bytes=None if mib is None else mib * MIB, verdict=verdict, reason="", note="",
        enforced="", decode_tokens_per_s=rate, decode_interval=None, peak_bytes=None, runs=1,
        run_ids=(),
    )  # fmt: skip


def test_a_verdict_is_a_shape_and_no_limit_is_a_line() -> None:
    points = [limit(64, "out of memory", None), limit(128, "fits", 50.0), limit(None, "", 60.0)]
    figure = limits_figure(points, dark=False)
    dead, fits = figure.data
    assert (dead.name, dead.marker.symbol, list(dead.x)) == ("out of memory", "x", [64.0])
    assert (fits.name, fits.marker.symbol, list(fits.y)) == ("fits", "circle", [50.0])
    assert "no token came" in dead.hovertext[0]
    assert figure.layout.shapes[0].y0 == 60.0


def test_a_deadline_is_a_staircase_with_a_band() -> None:
    curve = DeadlineCurve(
        task="gsm",
        times_s=(1.0, 2.0),
        gained=(1.0, 1.0),
        n=2,
        asked=2,
        scores=(1.0, 0.0),
        clusters=(0, 1),
    )
    low, high, line = deadline_figure([curve], dark=False).data
    assert list(line.x) == [0.0, 1.0, 2.0]
    assert list(line.y) == [0.0, 50.0, 50.0]
    assert line.line.shape == "hv"
    assert all(a <= b <= c for a, b, c in zip(low.y, line.y, high.y, strict=True))


def test_tensor_types_are_shares_of_one_bar() -> None:
    figure = tensors_figure([("Q4_0", 0.75), ("F32", 0.01)], dark=False)
    assert [list(bar.x) for bar in figure.data] == [[75.0], [1.0]]
    # The small share has no room for its name.
    assert [bar.text for bar in figure.data] == ["Q4_0 75%", ""]


def test_a_cold_start_is_its_stages() -> None:
    starts = [
        ColdStart(run_id="a", repeat=0, ready_s=0.1, load_s=0.2, first_token_s=0.3, total_s=0.6,
                  page_cache="cold"),
        ColdStart(run_id="b", repeat=1, ready_s=0.4, load_s=0.5, first_token_s=None, total_s=None,
                  page_cache="cold"),
    ]  # fmt: skip
    ready, load, first = cold_start_figure(starts, dark=True).data
    assert list(ready.x) == [0.1, 0.4]
    assert list(load.x) == [0.2, 0.5]
    assert (list(first.x), list(first.y)) == ([0.3], [0])


def test_whiskers_are_distances_and_none_where_nothing_is_known() -> None:
    found = whiskers([5.0, 5.0], [Interval(low=3.0, high=9.0), None], LIGHT.accent)
    assert found["array"] == [4.0, 0.0]
    assert found["arrayminus"] == [2.0, 0.0]
    assert scaled(None, float) is None
    assert shade("#FF8000", 0.5) == "rgba(255,128,0,0.5)"
