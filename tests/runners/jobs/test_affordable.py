"""Requests of a workload that there is time for."""

from __future__ import annotations

import pytest

from runners.jobs.affordable import affordable
from runners.worker.protocol import LatencyTimes, RequestTimes, RunLatency

LONG = RunLatency(prompt_tokens=512, new_tokens=64, warmups=1, repeats=2)
# 32 tokens are read in 0.32 s, and 63 more come at 0.1 s each: 512 + 64 take 5.12 + 6.4 = 11.52 s.
TIMES = [0.32 + 0.1 * n for n in range(64)]
SHORT = LatencyTimes(
    warmups=[], repeats=[RequestTimes(prefill_s=0.3, token_s=TIMES, first_text=0)],
    evaluated_tokens=32, first_token_ns=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("left_s", "warmups", "repeats"),
    [(40.0, 1, 2), (30.0, 1, 1), (23.1, 1, 1), (23.0, 0, 1), (11.6, 0, 1)],
)
def test_requests_go_before_the_workload_does(left_s: float, warmups: int, repeats: int):
    found = affordable(LONG, SHORT, 32, left_s)
    assert found is not None
    assert (found.warmups, found.repeats) == (warmups, repeats)


def test_what_not_even_one_request_has_time_for_is_left_out():
    assert affordable(LONG, SHORT, 32, 11.5) is None
    assert affordable(LONG, SHORT, 32, -5.0) is None
    # The first workload is always asked: nothing tells how long it takes.
    assert affordable(LONG, None, 1, -5.0) == LONG
