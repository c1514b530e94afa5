"""The slow end of a candidate's requests: those of all its runs together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.rows.requests import request_values, workload_tail
from leaderboard.rows.row import merged
from runners.records.latency import by_request
from runners.records.timed import RequestTimesInfo

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.leaderboard.conftest import Maker


def of_times(made: Maker, repeat: int, ttft_s: list[float]) -> Record:
    """A run with a time to first token a request, and twice their inverse as its rate."""
    record = made.record("a", repeat=repeat)
    one = record.latency["8+4"]
    rates = [2 / value for value in ttft_s]
    changed = {
        "ttft_s": one.ttft_s.model_copy(update={"values": ttft_s}),
        "decode_tokens_per_s": one.decode_tokens_per_s.model_copy(update={"values": rates}),
    }
    return record.model_copy(update={"latency": {"8+4": one.model_copy(update=changed)}})


def test_five_requests_have_a_maximum_and_25_a_90th_percentile(made: Maker):
    runs = [of_times(made, i, [0.1, 0.2, 0.3, 0.4, 0.5 + i]) for i in range(5)]
    (alone,) = merged(runs[:1])
    assert (alone.number("ttft_tail").value, alone.number("ttft_tail").basis) == (
        0.5,
        "maximum of 5",
    )
    (row,) = merged(runs)
    # 25 values: five each of 0.1 to 0.4, then 0.5, 1.5, 2.5, 3.5, 4.5. Rank 0.9 * 24 = 21.6 from 0:
    # 1.5 + 0.6 * (2.5 - 1.5).
    found = row.number("ttft_tail")
    assert (found.value, found.basis) == (pytest.approx(2.1), "p90 of 25")
    assert found.interval is None


def test_rates_show_their_slow_end(made: Maker):
    (row,) = merged([of_times(made, 0, [0.1, 0.2, 0.4])])
    # 2 / 0.4
    assert row.number("decode_tail").value == pytest.approx(5.0)
    assert row.number("decode_tail").basis == "minimum of 3"


def test_other_runs_are_drawn_about_it_with_the_spread_of_the_runs_own(made: Maker):
    (row,) = merged([of_times(made, 0, [0.1, 0.9]), of_times(made, 1, [0.1, 1.1])])
    drawn = row.number("ttft_tail").drawn
    # Maxima 0.9 and 1.1: mean 1.0, s = 0.141421, s / sqrt(2) = 0.1, t(1) = 12.7062: half 1.27062,
    # cut at 0, of 1.1 that is 1.397682.
    assert drawn is not None
    assert drawn.interval is not None
    assert (drawn.value, drawn.interval.half) == (1.1, pytest.approx(1.397682, rel=1e-5))


def test_raw_times_give_the_same_as_what_a_reader_keeps(made: Maker):
    workload = made.base.latency["8+4"]
    assert request_values(workload, "ttft_s")
    for name in ("ttft_s", "decode_tokens_per_s", "prefill_tokens_per_s"):
        values = request_values(workload, name)  # type: ignore[arg-type]
        assert max(values) == pytest.approx(getattr(workload, name).maximum)
        assert min(values) == pytest.approx(getattr(workload, name).minimum)
    assert workload_tail([made.base], "no such", "ttft_s", "high") is None


def test_a_request_whose_times_are_not_whole_is_left_out():
    # The second's clock ran backwards; the third has no token.
    raw = [RequestTimesInfo(prefill_s=0.5, token_s=s) for s in ([0.5, 0.75], [0.5, 0.25], [])]
    found = by_request(raw, 10)
    assert found == {"ttft_s": [0.5], "decode_tokens_per_s": [4.0], "prefill_tokens_per_s": [20.0]}
