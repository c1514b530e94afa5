from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.runs.timings import (
    NO_FLOOR,
    cold_starts,
    ecdf,
    noise_floor,
    phase_bytes,
    run_times,
    tensor_shares,
    timings,
    workloads,
)
from runners.records.record import MemoryPhase, QuantisationInfo
from runners.records.timed import RequestTimesInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def request(*tokens: float) -> RequestTimesInfo:
    return RequestTimesInfo(prefill_s=0.1, token_s=list(tokens))


def with_requests(made: Maker, *requests: RequestTimesInfo, **given: Any) -> Any:
    record = made.record(**given)
    workload = record.latency["8+4"].model_copy(update={"repeats": list(requests)})
    return record.model_copy(update={"latency": {"8+4": workload}})


def test_raw_times_count_from_the_first_token_with_text_as_the_record_does(made: Maker) -> None:
    """Tokens at 0.5, 0.75, 1.25 and 1.75 s, of which the third is the first with text: TTFT is
    1.25 s and the only gap 0.5 s (docs/metrics.md), as the record's own summaries say.
    """
    shown = RequestTimesInfo(prefill_s=0.1, token_s=[0.5, 0.75, 1.25, 1.75], first_text=2)
    empty = RequestTimesInfo(prefill_s=0.1, token_s=[])
    backwards = RequestTimesInfo(prefill_s=0.1, token_s=[1.0, 0.5])
    (run,) = run_times([with_requests(made, shown, empty, backwards)], "8+4")
    assert (run.ttft_s, run.gaps_s) == ((1.25,), (0.5,))


def test_raw_times_stay_with_their_run_and_warm_ups_are_left_out(made: Maker) -> None:
    first = with_requests(made, request(1.0, 1.5), request(2.0))
    second = with_requests(made, request(3.0, 3.25), repeat=1)
    assert first.latency["8+4"].warmups
    found = run_times([first, second], "8+4")
    assert [(run.repeat, run.ttft_s, run.gaps_s) for run in found] == [
        (0, (1.0, 2.0), (0.5,)),
        (1, (3.0,), (0.25,)),
    ]
    assert run_times([first], "512+64") == ()


def test_a_timing_is_over_runs_and_not_over_requests(made: Maker) -> None:
    runs = [made.record(repeat=i, ttft_s=t) for i, t in enumerate((0.1, 0.2, 0.3))]
    ttft = timings(runs, "8+4")[0]
    assert ttft.metric == "ttft_s"
    assert ttft.p50 == pytest.approx(0.2)
    assert ttft.runs == 3
    assert ttft.values == 3 * runs[0].latency["8+4"].ttft_s.n
    # t(2) = 4.303, s = 0.1, sqrt(3) = 1.732: 0.2 ± 0.248.
    assert ttft.interval
    assert ttft.interval.high == pytest.approx(0.2 + 4.303 * 0.1 / 3**0.5, abs=1e-4)
    assert timings(runs[:1], "8+4")[0].interval is None
    assert timings(runs, "512+64") == ()


def test_workloads_come_by_the_length_of_their_prompt(made: Maker) -> None:
    record = made.record()
    short = record.latency["8+4"]
    long = short.model_copy(update={"prompt_tokens": 512})
    longer_name_first = record.model_copy(update={"latency": {"512+64": long, "8+4": short}})
    assert workloads([longer_name_first]) == ("8+4", "512+64")
    assert workloads([]) == ()


def test_memory_keeps_the_order_of_the_phases_and_says_why_a_split_is_missing(made: Maker) -> None:
    phases = {
        "load": MemoryPhase(peak_bytes=10, anon_bytes=4, file_bytes=6),
        "latency": MemoryPhase(
            peak_bytes=20, anon_bytes=None, file_bytes=None, split_unknown="psutil"
        ),
        "scoring": MemoryPhase(peak_bytes=30, anon_bytes=None, file_bytes=None),
    }
    record = made.record()
    memory = record.memory.model_copy(update={"phases": phases})
    found = phase_bytes(record.model_copy(update={"memory": memory}))
    assert [(p.phase, p.peak_bytes, p.anon_bytes) for p in found] == [
        ("load", 10, 4),
        ("latency", 20, None),
        ("scoring", 30, None),
    ]
    assert [p.reason for p in found] == ["", "psutil", "the record does not say why"]
    assert phase_bytes(record.model_copy(update={"memory": None})) == ()


def test_cold_start_is_shown_for_the_runs_that_have_one(made: Maker) -> None:
    record = made.record(repeat=2)
    found = cold_starts([record, record.model_copy(update={"load": None})])
    assert len(found) == 1
    assert found[0].repeat == 2
    assert found[0].load_s == record.load.load_s
    assert found[0].total_s == record.load.cold_start_s


def test_tensor_types_come_by_their_share(made: Maker) -> None:
    quantisation = QuantisationInfo(
        name="Q2_K", bits_per_weight=5.1, share={"F32": 0.01, "Q4_0": 0.59, "Q8_0": 0.4}
    )
    record = made.record(candidate={"quantisation": quantisation})
    assert tensor_shares(record) == (("Q4_0", 0.59), ("Q8_0", 0.4), ("F32", 0.01))
    assert tensor_shares(made.record(candidate={"quantisation": None})) == ()


def test_a_missing_noise_floor_has_a_reason(made: Maker) -> None:
    assert noise_floor(made.record()).share is None
    assert noise_floor(made.record()).reason == NO_FLOOR
    # None changed is a measurement, not a missing one.
    assert noise_floor(made.record(noise_floor=made.floor(0.0))).share == 0.0
    assert noise_floor(made.record(noise_floor=made.floor(0.0))).reason == ""


def test_a_distribution_function_climbs_to_one() -> None:
    assert ecdf([3.0, 1.0, 1.0, 2.0]) == ((1.0, 1.0, 2.0, 3.0), (0.25, 0.5, 0.75, 1.0))
    assert ecdf([]) == ((), ())
