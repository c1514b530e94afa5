from __future__ import annotations

from typing import Any

from leaderboard.pages.machines.figure import multiples
from leaderboard.pages.machines.tables import accuracy_grid, metric_grid, relative_grid
from leaderboard.rows.across import across, suites_on_several_machines
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row, merged
from leaderboard.units import MISSING
from tests.leaderboard.conftest import Maker

NAMES = {"a": "m-a", "b": "m-b"}


def on(made: Maker, machine: str, digest: str, score: float, decode: float, **given: Any) -> Row:
    record = made.record(
        NAMES[digest],
        tasks={"t": made.task(score)},
        decode=decode,
        candidate={"digest": digest},
        machine={"fingerprint": machine, "cpu_model": machine.upper()},
        **given,
    )
    return merged([record])[0]


def rows(made: Maker) -> list[Row]:
    return [
        on(made, "x", "a", 0.60, 40.0),
        on(made, "x", "b", 0.50, 80.0),
        on(made, "y", "a", 0.62, 100.0),
    ]


def suite(made: Maker) -> str:
    return made.base.suite.digest


def test_a_candidate_stands_beside_itself_on_another_machine(made: Maker):
    found = across(rows(made), suite(made))
    assert list(found.machines) == ["x", "y"]  # x has two candidates
    assert found.ratio("a", "y", "decode") == 2.5
    assert found.ratio("b", "y", "decode") is None
    assert found.spread("a") == (0.60, 0.62)


def test_what_has_no_budget_comes_before_what_has_one(made: Maker):
    limited = on(
        made, "y", "a", 0.6, 10.0, run_id="20290101T000000-a",
        budget={"name": "pi", "memory_bytes": 2**30},
    )  # fmt: skip
    found = across([*rows(made), limited], suite(made))
    assert found.rows["a"]["y"].value("decode") == 100.0


def test_only_suites_that_two_machines_share_are_offered(made: Maker):
    assert list(suites_on_several_machines(rows(made))) == [suite(made)]
    assert suites_on_several_machines(rows(made)[:2]) == {}


def test_the_tables_have_differences_and_ratios(made: Maker):
    found = across(rows(made), suite(made))
    accuracy = accuracy_grid(found, NAMES)
    assert [[cell.text for cell in row] for row in accuracy.rows] == [
        ["m-a", "60.0 to 62.0", "2.0", "2"],
        ["m-b", "50.0", MISSING, "1"],
    ]
    decode = metric_grid(found, NAMES, METRICS["decode"])
    assert [[cell.text for cell in row] for row in decode.rows] == [
        ["m-a", "40.0", "100 (2.50x)"],
        ["m-b", "80.0", "\N{EN DASH}"],
    ]


def test_the_panels_share_their_axis(made: Maker):
    figure = multiples(across(rows(made), suite(made)), NAMES, METRICS["decode"])
    assert [list(trace.x) for trace in figure.data] == [[40.0, 80.0], [100.0]]
    assert figure.layout.xaxis.matches == "x2"


def test_candidates_are_related_to_one_on_the_same_machine(made: Maker):
    found = across(rows(made), suite(made))
    # On x `b` decodes 80 tokens/s where `a` decodes 40; on y only `a` was measured.
    assert found.relative("b", "a", "x", "decode") == 2.0
    assert found.relative("b", "a", "y", "decode") is None
    assert found.on_several == ("a",)
    grid = relative_grid(found, NAMES, "a", [METRICS["decode"]])
    assert [[cell.text for cell in row] for row in grid.rows] == [["m-b", "2.00x", MISSING]]
