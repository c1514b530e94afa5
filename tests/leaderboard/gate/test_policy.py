from __future__ import annotations

import math
from pathlib import Path

import pytest

from evals.errors import SpecError
from leaderboard.gate.policy import Policy, Rule, fewest_pairs, read_policy


def policy(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    return read_policy(file)


def test_what_a_file_leaves_out_is_the_default(tmp_path: Path):
    found = policy(
        tmp_path,
        "on_cannot_tell: pass\nmetrics: {peak_bytes: {margin: 7.5%}, task: {severity: ignore}}",
    )
    assert found.metrics.peak_bytes == Rule(margin=0.075, minimum=8 * 2**20, severity="fail")
    assert found.metrics.task.margin == 0.03
    assert (found.metrics.task.severity, found.on_cannot_tell, found.alpha) == (
        "ignore",
        "pass",
        0.05,
    )
    assert found.metrics.accuracy == Policy().metrics.accuracy == Rule(margin=0.01)


def test_amounts_with_units(tmp_path: Path):
    found = policy(
        tmp_path,
        "metrics: {ttft_s: {minimum: 5ms}, cold_start_s: {minimum: 0.2 s}, "
        "peak_bytes: {minimum: 1GiB}, decode_tokens_per_s: {minimum: 3}}",
    )
    rules = found.metrics
    assert (rules.ttft_s.minimum, rules.cold_start_s.minimum) == (0.005, 0.2)
    assert (rules.peak_bytes.minimum, rules.decode_tokens_per_s.minimum) == (2**30, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics: {ttft: {margin: 5%}}", 'unknown key "ttft" in "metrics" .did you mean "ttft_s"'),
        ("metrics: {ttft_s: {margins: 5%}}", 'unknown key "margins"'),
        ("metrics: {ttft_s: {margin: 0}}", "greater than 0"),
        ("metrics: {ttft_s: {margin: .nan}}", "metrics.ttft_s.margin"),
        ("metrics: {ttft_s: {margin: much}}", "valid number"),
        ("metrics: {ttft_s: {severity: error}}", "'fail', 'warn', 'auto' or 'ignore'"),
        ("metrics: {ttft_s: {minimum: -1}}", "greater than or equal to 0"),
        ("metrics: [ttft_s]", '"metrics"'),
        ("alpha: 0.5", "less than or equal to 0.25"),
        ("on_cannot_tell: shrug", "'pass', 'warn' or 'fail'"),
        ("tasks: []", "at least 1 item"),
        ("levels: 3", 'unknown key "levels"'),
        ("- 1", "expected keys and values"),
    ],
)
def test_a_wrong_policy_is_one_line(tmp_path: Path, text: str, message: str):
    with pytest.raises(SpecError, match=message) as caught:
        policy(tmp_path, text)
    assert "policy.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_policy(tmp_path: Path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_policy(tmp_path / "none.yaml")


def test_the_wider_of_share_and_minimum_counts():
    rule = Rule(margin=0.10, minimum=5)
    # 10 % of 100 are more than 5; of 20, 5 are a quarter.
    assert rule.log_margin(100, more_is_better=False) == pytest.approx(math.log(1.1))
    assert rule.log_margin(20, more_is_better=False) == pytest.approx(math.log(1.25))
    # From 20 a second down to 15: each takes 20/15 of the time.
    assert rule.log_margin(20, more_is_better=True) == pytest.approx(math.log(20 / 15))
    assert rule.log_margin(5, more_is_better=True) == math.inf


@pytest.mark.parametrize(("alpha", "pairs"), [(0.25, 2), (0.2, 3), (0.05, 5), (0.01, 7)])
def test_fewest_pairs(alpha: float, pairs: int):
    assert fewest_pairs(alpha) == pairs
    assert 0.5**pairs <= alpha < 0.5 ** (pairs - 1)
