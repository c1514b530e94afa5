import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import MeasureError
from runners.records.latency import (
    awaited,
    by_request,
    percentile,
    prefill_tokens_per_s,
    request_latency,
    summary,
    token_latency,
)
from runners.records.timed import RequestTimesInfo

finite = st.floats(0, 1e6, allow_nan=False)


def test_one_generation() -> None:
    # Asked at 10.0; tokens at 10.5, 10.75, 11.0, 11.5.
    found = token_latency(10.0, [10.5, 10.75, 11.0, 11.5])
    assert found.ttft_s == 0.5
    assert found.itl_s == (0.25, 0.25, 0.5)
    assert found.e2e_s == 1.5
    assert found.tpot_s == pytest.approx(1 / 3)  # (1.5 - 0.5) / 3
    assert found.decode_tokens_per_s == 3.0  # 3 / (1.5 - 0.5)


def test_one_token_has_no_gap() -> None:
    found = token_latency(1.0, [1.25])
    assert (found.ttft_s, found.e2e_s) == (0.25, 0.25)
    assert found.itl_s == ()
    assert found.tpot_s is None
    assert found.decode_tokens_per_s is None


def test_tokens_without_text_are_waited_for() -> None:
    # Asked at 10.0; the tokens at 10.5 and 10.75 are empty, text comes at 11.0, 11.5 and 11.75.
    found = token_latency(10.0, [10.5, 10.75, 11.0, 11.5, 11.75], first_text=2)
    assert found.ttft_s == 1.0
    assert found.itl_s == (0.5, 0.25)
    assert found.e2e_s == 1.75
    assert found.tpot_s == pytest.approx(0.375)  # (1.75 - 1.0) / 2
    assert found.decode_tokens_per_s == pytest.approx(2 / 0.75)


@pytest.mark.parametrize(
    ("first_text", "tokens", "index"),
    [(0, 4, 0), (2, 4, 2), (3, 4, None), (None, 4, None), (0, 1, None)],
)
def test_which_token_is_awaited(first_text: int | None, tokens: int, index: int | None) -> None:
    assert awaited(first_text, tokens) == index


def test_tokens_at_one_instant_have_no_rate() -> None:
    found = token_latency(1.0, [2.0, 2.0])
    assert found.tpot_s == 0.0  # measured, on a coarse clock
    assert found.decode_tokens_per_s is None


def test_no_token() -> None:
    with pytest.raises(MeasureError, match="0 tokens arrived"):
        token_latency(1.0, [])
    with pytest.raises(
        MeasureError, match="1 tokens arrived, the first with text would be number 2"
    ):
        token_latency(1.0, [1.5], first_text=1)


@pytest.mark.parametrize("tokens", [[0.5], [2.0, 1.5], [2.0, math.nan]])
def test_a_clock_that_runs_backwards(tokens: list[float]) -> None:
    with pytest.raises(MeasureError, match="ran backwards: output token"):
        token_latency(1.0, tokens)


@given(st.lists(finite, min_size=2, max_size=50).map(sorted))
def test_the_parts_make_the_whole(times: list[float]) -> None:
    start, *tokens = times
    found = token_latency(start, tokens)
    assert found.ttft_s + math.fsum(found.itl_s) == pytest.approx(found.e2e_s, abs=1e-6)
    assert len(found.itl_s) == len(tokens) - 1


def test_prefill() -> None:
    assert prefill_tokens_per_s(512, 0.5) == 1024.0
    for tokens, seconds in ((0, 0.5), (512, 0.0), (512, math.nan)):
        with pytest.raises(MeasureError, match="no prefill rate"):
            prefill_tokens_per_s(tokens, seconds)


def test_summary_of_five() -> None:
    # Sorted 1 2 3 4 10; p95: rank 4 * 0.95 = 3.8, 4 + 0.8 * (10 - 4) = 8.8.
    found = summary([3.0, 1.0, 10.0, 2.0, 4.0])
    assert found.n == 5
    assert found.p50 == 3.0
    assert found.p95 == pytest.approx(8.8)
    assert found.p99 is None
    assert (found.mean, found.minimum, found.maximum) == (4.0, 1.0, 10.0)


def test_p99_from_a_hundred_values() -> None:
    assert summary([float(i) for i in range(99)]).p99 is None
    # 0 .. 99: rank 99 * 0.99 = 98.01.
    assert summary([float(i) for i in range(100)]).p99 == pytest.approx(98.01)


def test_one_value_is_its_own_percentiles() -> None:
    found = summary([7.0])
    assert (found.n, found.p50, found.p95) == (1, 7.0, 7.0)


def test_nothing_to_summarise() -> None:
    with pytest.raises(MeasureError, match="no values"):
        summary([])
    with pytest.raises(MeasureError, match="finite"):
        summary([1.0, math.nan])


@given(st.lists(finite, min_size=2, max_size=60).map(sorted))
def test_percentiles_are_the_standard_librarys_inclusive_ones(values: list[float]) -> None:
    theirs = statistics.quantiles(values, n=100, method="inclusive")
    for cut in (50, 95, 99):
        assert percentile(values, cut / 100) == pytest.approx(theirs[cut - 1], abs=1e-6)


def streamed(token_s: list[float], counted: int | None) -> RequestTimesInfo:
    return RequestTimesInfo(prefill_s=None, token_s=token_s, streamed=True, counted=counted)


def test_pieces_of_a_servers_answer_are_tokens_where_it_counts_as_many():
    one = request_latency(streamed([0.5, 0.75, 1.0], counted=3))
    assert (one.ttft_s, one.tpot_s, one.itl_s) == (0.5, 0.25, (0.25, 0.25))


def test_tokens_that_share_a_piece_have_no_gaps_of_their_own():
    # five tokens in two pieces: four gaps in 1 s
    one = request_latency(streamed([0.5, 1.5], counted=5))
    assert (one.tpot_s, one.decode_tokens_per_s, one.itl_s, one.e2e_s) == (0.25, 4.0, (), 1.5)


@pytest.mark.parametrize(("token_s", "counted"), [([0.5, 1.5], None), ([0.5], 5), ([0.5, 1.5], 1)])
def test_what_nobody_counted_or_came_at_once_has_no_rate(token_s, counted):
    one = request_latency(streamed(token_s, counted))
    assert (one.ttft_s, one.tpot_s, one.decode_tokens_per_s) == (0.5, None, None)


def test_without_counts_there_is_no_prefill_rate():
    raw = [streamed([0.5, 1.0], counted=2)]
    assert by_request(raw, 10)["prefill_tokens_per_s"] == []
    known = [RequestTimesInfo(prefill_s=0.5, token_s=[0.5, 1.0])]
    assert by_request(known, None)["prefill_tokens_per_s"] == []


def test_a_record_says_of_a_request_only_that_it_was_streamed():
    assert "streamed" not in RequestTimesInfo(prefill_s=0.5, token_s=[0.5]).model_dump()
    assert streamed([0.5], counted=None).model_dump()["counted"] is None
