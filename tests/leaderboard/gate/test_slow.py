"""Slow ends of requests and slowest runs: what means and medians do not see, and what warns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import Gate, judge
from leaderboard.gate.policy import Policy
from leaderboard.gate.report import headline, left_out, notes, shown
from leaderboard.gate.slow_runs import runs_that_show
from leaderboard.gate.verdicts import Judged
from leaderboard.gate.words import word
from runners.records.record import Record
from runners.records.timed import RequestTimesInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def request(ttft_s: float, gap_s: float = 0.02) -> RequestTimesInfo:
    times = [ttft_s + gap_s * token for token in range(4)]
    return RequestTimesInfo(prefill_s=ttft_s / 2, token_s=times)


def with_requests(record: Record, requests: list[RequestTimesInfo]) -> Record:
    workload = record.latency["8+4"].model_copy(update={"repeats": requests})
    return record.model_copy(update={"latency": {"8+4": workload}})


def side(made: Maker, name: str, ttfts: list[list[float]], **given: Any) -> Side:
    """A run for each list of its requests' TTFT; the median of a run is its headline."""
    sign = 1 if name == "a" else -1
    runs = []
    for repeat, times in enumerate(ttfts):
        wobble = 1 + sign * 0.004 * (repeat % 3 - 1)
        median = sorted(times)[len(times) // 2] * wobble
        record = made.record(
            name,
            repeat=repeat,
            ttft_s=median,
            tasks={"t": made.task(1.0, 300)} if not repeat else {},
            **given,
        )
        record = record.model_copy(update={"run_id": f"20260101T0000{repeat:02d}-{name}-batch"})
        runs.append(with_requests(record, [request(t * wobble) for t in times]))
    return Side(runs=tuple(runs), samples=made.samples({"t": [1.0] * 300}))


def of(gate: Gate, metric: str) -> Judged:
    return next(j for j in gate.judged if j.metric == metric)


STEADY = [0.1, 0.1, 0.1, 0.1, 0.1]


def test_a_request_of_five_that_is_slow_warns_where_the_medians_pass(made: Maker):
    slow = [0.1, 0.1, 0.3, 0.1, 0.1]
    gate = judge(side(made, "a", [STEADY] * 6), side(made, "b", [slow] * 6), Policy())
    assert of(gate, "ttft_s:8+4").verdict == "pass"
    found = of(gate, "ttft_tail_s:8+4")
    assert (found.verdict, found.severity, found.loss) == (
        "regressed",
        "warn",
        pytest.approx(2.0, abs=0.05),
    )
    # A request is its first token and three gaps of 20 ms: 0.36 s after 0.16 s.
    assert of(gate, "e2e_tail_s:8+4").loss == pytest.approx(1.25, abs=0.03)
    assert of(gate, "itl_tail_s:8+4").verdict == "pass"
    assert gate.verdict == "pass"
    assert "warnings: slow end of TTFT 8+4, slow end of whole requests 8+4" in headline(gate)
    assert [word(j) for j in shown(gate)[:2]] == ["regressed", "regressed"]


def test_a_slow_end_decides_where_the_policy_says_so(made: Maker):
    slow = [0.1, 0.1, 0.3, 0.1, 0.1]
    policy = Policy.model_validate({"metrics": {"tail": {"margin": 0.25, "severity": "fail"}}})
    gate = judge(side(made, "a", [STEADY] * 6), side(made, "b", [slow] * 6), policy)
    assert gate.verdict == "regressed"


def test_one_slow_run_of_ten_warns(made: Maker):
    runs = [STEADY] * 9 + [[0.2] * 5]
    gate = judge(side(made, "a", [STEADY] * 10), side(made, "b", runs), Policy())
    found = of(gate, "slowest_ttft_s:8+4")
    assert (found.verdict, found.severity) == ("regressed", "warn")
    assert found.loss == pytest.approx(1.0, abs=0.02)
    # Where the baseline has such a run, too, it is the machine's.
    again = judge(side(made, "a", runs), side(made, "b", runs), Policy())
    assert of(again, "slowest_ttft_s:8+4").verdict == "cannot tell"


def test_few_runs_do_not_rule_out_rare_slow_ones_and_say_so(made: Maker):
    gate = judge(side(made, "a", [STEADY] * 6), side(made, "b", [STEADY] * 6), Policy())
    assert gate.verdict == "pass"
    assert of(gate, "slowest_ttft_s:8+4").needed == 20
    assert "rare slow runs are not ruled out" in headline(gate)
    # (6/7)^6 = 0.397.
    line = "rare slow runs: a mode that slows one run in seven stays unseen in 40% of gates of 6"
    assert any(note.startswith(line) for note in notes(gate))
    assert not any("slowest" in j.metric for j in shown(gate))
    assert any("slow end of TTFT 8+4" in line for line in left_out(gate))


def test_twenty_runs_rule_them_out(made: Maker):
    # (6/7)^19 = 0.0535, (6/7)^20 = 0.0458.
    assert runs_that_show(0.05) == 20
    gate = judge(side(made, "a", [STEADY] * 20), side(made, "b", [STEADY] * 20), Policy())
    assert of(gate, "slowest_ttft_s:8+4").verdict == "pass"
    assert "rare slow runs" not in headline(gate)
