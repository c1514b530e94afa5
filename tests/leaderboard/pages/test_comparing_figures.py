"""Figures of the Compare, Ladder and History panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.ladder import ladder
from leaderboard.pages.compare.forest_figure import OVERALL, forest_figure
from leaderboard.pages.history.figure import Drawn, history_figure
from leaderboard.pages.ladder.figures import losses_figure, savings_figure
from leaderboard.rows.metrics import METRICS
from leaderboard.runs.history import Line, history
from runners.records.record import QuantisationInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def drawn(lines: Sequence[Line]) -> list[Drawn]:
    return [Drawn(line=line, name="here") for line in lines]


def side(made: Maker, name: str, bits: float, right: int, **given: object) -> Side:
    scores = [1.0] * right + [0.0] * (100 - right)
    quantisation = QuantisationInfo(name=name, bits_per_weight=bits, share={})
    candidate = {"quantisation": quantisation, "weights_bytes": int(bits) * MIB, "family": "f"}
    tasks = {"t": made.task(right / 100)}
    record = made.record(name, tasks=tasks, candidate=candidate, **given)  # type: ignore[arg-type]
    return Side(runs=(record,), samples=made.samples({"t": scores}))


def test_a_forest_has_a_dot_a_task_and_a_diamond_over_all(made: Maker) -> None:
    sides = [side(made, "a", 8.0, 60), side(made, "b", 4.0, 50), side(made, "c", 2.0, 70)]
    figure = forest_figure(compare(sides), ["b", "c"], dark=False)
    worse, better = figure.data
    assert list(worse.x) == pytest.approx([-10.0, -10.0])
    assert list(better.x) == pytest.approx([10.0, 10.0])
    assert list(worse.marker.symbol) == ["circle", "diamond"]
    assert list(figure.layout.yaxis.ticktext) == ["t", OVERALL]
    # Two of one line lie beside each other.
    assert list(worse.y) == [-0.25, 0.75]
    assert list(better.y) == [0.25, 1.25]


def test_a_ladder_has_its_margin_and_its_noise_floor(made: Maker) -> None:
    found = ladder(
        [side(made, "f16", 16.0, 60), side(made, "q4", 4.0, 57, noise_floor=made.floor(0.01))],
        margin=0.05,
    )
    figure = losses_figure(found, "f16", ["q4"], dark=False)
    (dots,) = figure.data
    assert list(dots.x) == pytest.approx([-3.0])
    assert dots.name == "cannot tell"
    shapes = [(shape.type, shape.x0, shape.x1) for shape in figure.layout.shapes]
    assert ("line", -5.0, -5.0) in shapes
    # 1 % of 100 choices changed: 1.96 sqrt(0.01 / 100) = 1.96 points.
    floor = next(x1 for kind, _, x1 in shapes if kind == "rect" and x1 > 0)
    assert floor == pytest.approx(1.96, abs=1e-3)
    assert ("rect", -floor, floor) in shapes
    left = figure.layout.xaxis.range[0]
    assert left < -5.0
    assert ("rect", left, -5.0) in shapes


def test_without_a_noise_floor_nothing_is_shaded_around_0(made: Maker) -> None:
    found = ladder([side(made, "f16", 16.0, 60), side(made, "q4", 4.0, 60)])
    shapes = losses_figure(found, "f16", ["q4"], dark=False).layout.shapes
    assert [shape.type for shape in shapes if shape.type == "rect"] == ["rect"]


def test_savings_are_bars_in_mib_and_ms(made: Maker) -> None:
    found = ladder(
        [
            side(made, "f16", 16.0, 60, peak=300 * MIB, ttft_s=0.1),
            side(made, "q4", 4.0, 60, peak=100 * MIB, ttft_s=0.25),
        ]
    )
    disk, memory, ttft = savings_figure(found, ["q4"], dark=False).data
    assert list(disk.x) == [12.0]
    assert list(memory.x) == pytest.approx([200.0])
    assert list(ttft.x) == pytest.approx([-150.0])


def test_a_saving_that_was_not_measured_has_no_bar(made: Maker) -> None:
    elsewhere = side(made, "q4", 4.0, 60, machine={"fingerprint": "elsewhere"})
    found = ladder([side(made, "f16", 16.0, 60), elsewhere])
    disk, memory, ttft = savings_figure(found, ["q4"], dark=False).data
    assert list(disk.x) == [12.0]
    assert not memory.x
    assert not ttft.x


@pytest.mark.parametrize(
    ("metric", "value"), [("accuracy", 50.0), ("ttft", 100.0), ("decode", 50.0), ("memory", 100.0)]
)
def test_history_is_in_the_unit_of_its_axis(made: Maker, metric: str, value: float) -> None:
    lines = history([made.record(tasks={"t": made.task(0.5)})], "a")
    (line,) = history_figure(drawn(lines), metric, dark=False).data
    assert list(line.y) == pytest.approx([value])
    assert METRICS[metric].words in line.hovertext[0]


@pytest.mark.parametrize(
    ("created", "span"),
    [
        ("2026-01-01T12:00:00+00:00", ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")),
        ("yesterday", None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_a_single_point_has_a_day_around_it(
    made: Maker, created: str, span: tuple[str, str] | None
) -> None:
    lines = history([made.record(created_at=created)], "a")
    assert history_figure(drawn(lines), "ttft", dark=False).layout.xaxis.range == span


def test_history_leaves_out_what_was_not_measured_and_marks_changes(made: Maker) -> None:
    records = [
        made.record(batch="1", created_at="2026-01-01", software={"weighin": "1"}),
        made.record(batch="2", created_at="2026-01-02", software={"weighin": "1"}, latency={}),
        made.record(batch="3", created_at="2026-01-03", software={"weighin": "2"}),
    ]
    (line,) = history_figure(drawn(history(records, "a")), "ttft", dark=False).data
    assert list(line.x) == ["2026-01-01", "2026-01-03"]
    assert list(line.marker.symbol) == ["circle", "diamond"]
    assert "weighin: 1 -&gt; 2" in line.hovertext[1]
