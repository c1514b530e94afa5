"""One more entry of the table is one more metric everywhere: joules a token, from outside."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.compare.comparison import Side
from leaderboard.compare.run_metrics import compare_axes
from leaderboard.gate.gate import judge
from leaderboard.gate.policy import Policy, read_policy
from leaderboard.gate.report import as_dict
from leaderboard.pages.blocks import Bar
from leaderboard.pages.controls import PickNumber
from leaderboard.pages.history.tables import measured_cells, measured_heads
from leaderboard.pages.overview.columns import known_columns
from leaderboard.pages.overview.filters import filters
from leaderboard.pages.overview.tradeoff import tradeoff, unplotted
from leaderboard.publish.flat import flat_record
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.address import read_query, write_query
from leaderboard.rows.metric import Limit, Metric, Tolerance, mean_of_runs
from leaderboard.rows.metrics import METRICS, axes, gated, named
from leaderboard.rows.row import Row, merged
from leaderboard.rows.view import View
from leaderboard.units import Unit, format_rate
from runners.records.parts import EnergyInfo
from runners.records.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.leaderboard.conftest import Maker


def joules_a_token(record: Record, _workload: str) -> float | None:
    """Joules of the latency phase over the tokens that were generated in it."""
    joules = record.energy.joules.get("latency") if record.energy else None
    tokens = sum(one.new_tokens * len(one.repeats) for one in record.latency.values())
    return None if joules is None or not tokens else joules / tokens


ENERGY = Metric(
    key="energy",
    name="joules_per_token",
    title="energy a token",
    short="energy",
    hint="Energy of the latency phase over the tokens generated in it.",
    unit=Unit(symbol="J", text=lambda value: format_rate(value, "J")),
    better="lower",
    over="runs",
    run=joules_a_token,
    combine=mean_of_runs,
    usual=True,
    axis=True,
    limit=Limit(address="joules_per_token", label="energy, J", what="energy a token", part="do"),
    gate=Tolerance(what="energy a token", margin=0.10),
)


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, ENERGY.key, ENERGY)


def runs(made: Maker, name: str, joules: float) -> list[Record]:
    """Five runs; the example's workload generates `new_tokens` in each of its requests."""
    workload = made.base.latency["8+4"]
    tokens = workload.new_tokens * len(workload.repeats)
    used = EnergyInfo(source="fake counter", joules={"latency": joules * tokens})
    tasks = {"t": made.task(0.5)}
    return [made.record(name, repeat=i, tasks=tasks, energy=used) for i in range(5)]


def rows(made: Maker) -> list[Row]:
    return merged([*runs(made, "thrifty", 0.5), *runs(made, "greedy", 2.0)])


def test_a_row_has_it_with_its_interval(made: Maker):
    thrifty, greedy = (row.number("energy") for row in rows(made))
    assert (thrifty.value, greedy.value) == (0.5, 2.0)
    assert thrifty.interval is not None
    assert made.row("a").value("energy") is None


def test_it_is_a_column_and_in_the_summaries(made: Maker):
    found = rows(made)
    lines = look(gather(found), View()).lines
    column = known_columns(found)["energy"]
    assert (column.header, column.unit) == ("energy", "J")
    assert {column.cell(line).text for line in lines} == {"0.500", "2.00"}
    assert [head.text for head in measured_heads()][-1] == "energy"
    assert measured_cells(found[1])[-1].text == "2.00"


def test_it_is_a_limit_with_a_slider_and_a_place_in_the_address(made: Maker):
    found = rows(made)
    view, problems = read_query({"joules_per_token": ["1"]})
    assert (view.limits, problems) == ((("energy", 1.0),), ())
    assert write_query(view) == {"joules_per_token": ["1"]}
    (bar,) = filters(found, view)
    assert isinstance(bar, Bar)
    boxes = [one for one in bar.blocks if isinstance(one, PickNumber)]
    assert 1.0 in [one.chosen for one in boxes if "energy" in one.label]
    inside, outside = look(gather(found), view).lines
    assert inside.row.record.candidate.name == "thrifty"
    assert [one.text for one in outside.reasons] == ["energy a token 2.00 J (at most 1.00 J)"]


def test_it_is_an_axis_of_the_plot(made: Maker):
    found = rows(made)
    assert axes()[-1] == "energy"
    lines = look(gather(found), View(x="energy")).lines
    figure, absent = tradeoff(lines, "energy"), unplotted(lines, "energy")
    assert figure.layout.xaxis.title.text.startswith("energy a token, J (log scale")
    assert sorted(x for trace in figure.data if trace.customdata for x in trace.x) == [0.5, 2.0]
    assert absent == ()


def test_it_is_compared_and_judged(made: Maker, tmp_path: Path):
    a, b = runs(made, "thrifty", 0.5), runs(made, "greedy", 2.0)
    (axis,) = [one for one in compare_axes(a, b) if one.axis == "joules_per_token"]
    assert axis.ratio is not None
    assert axis.ratio.ratio == pytest.approx(4.0)
    gate = judge(Side(runs=tuple(a)), Side(runs=tuple(b)), Policy())
    (judged,) = [one for one in gate.judged if one.metric == "joules_per_token"]
    assert judged.verdict == "regressed"
    said = as_dict(gate, created_at="now")
    (shown,) = [one for one in said["metrics"] if one["metric"] == "joules_per_token"]
    # 2 J against 0.5 J: three times as much again.
    assert shown["sentence"].startswith("energy a token: 300% worse (loss ")
    path = tmp_path / "policy.yaml"
    path.write_text("metrics: {joules_per_token: {severity: ignore}}", encoding="utf-8")
    rule = read_policy(path).metrics.rule("joules_per_token")
    assert (rule.severity, rule.margin) == ("ignore", 0.10)


def test_it_is_downloaded(made: Maker):
    found = rows(made)
    (line, _) = flat_lines(look(gather(found), View()).lines)
    assert line["joules_per_token"] in (0.5, 2.0)
    assert line["joules_per_token.low"] is not None
    assert flat_record(runs(made, "greedy", 2.0)[0])["joules_per_token"] == 2.0


def test_names_and_addresses_are_each_one_metrics():
    names = [one.name for one in METRICS.values()]
    addresses = [one.limit.address for one in METRICS.values() if one.limit]
    assert len(set(names)) == len(names)
    assert len(set(addresses)) == len(addresses)
    assert all(key == one.key == named(one.name).key for key, one in METRICS.items())


def test_what_varies_is_read_from_a_run_and_what_is_a_fact_from_the_file(made: Maker):
    record = made.record()
    facts = [one for one in METRICS.values() if not one.varies]
    assert {one.key for one in facts} == {"disk", "parameters", "bits", "works_from", "gpu_layers"}
    assert all(one.of_runs([record]).interval is None for one in METRICS.values())
    assert {metric.key for metric, _ in gated()} >= {"ttft", "decode", "memory", "disk", "energy"}


def test_an_entry_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENERGY.key = "other"  # type: ignore[misc]
