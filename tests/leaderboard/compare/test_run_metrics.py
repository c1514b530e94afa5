from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from evals.errors import RecordError
from leaderboard.compare.run_metrics import SINGLE_RUN, AxisComparison, compare_axes
from tests.support.users import level, users_info

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.leaderboard.conftest import Maker


def axis(found: tuple[AxisComparison, ...], name: str) -> AxisComparison:
    (one,) = [a for a in found if a.axis == name]
    return one


def test_interleaved_repeats_are_paired(made: Maker):
    # A slow minute doubles both runs of the second round: every ratio is 1.1, unpaired or not,
    # but only paired is it certain. Ratios 1.1, 1.2: sqrt(1.32) = 1.148913.
    a = [made.record("a", repeat=i, ttft_s=t) for i, t in enumerate([0.1, 0.2])]
    b = [made.record("b", repeat=i, ttft_s=t) for i, t in enumerate([0.11, 0.24])]
    found = axis(compare_axes(a, b), "ttft_s")
    assert found.ratio
    assert (found.ratio.paired, found.ratio.reference_runs, found.workload) == (True, 2, "8+4")
    assert found.ratio.ratio == pytest.approx(math.sqrt(1.1 * 1.2))
    assert found.reference == pytest.approx(math.sqrt(0.02))
    assert not found.more_is_better
    assert found.reason == ""


def test_the_order_of_runs_does_not_matter(made: Maker):
    a = [made.record("a", repeat=i, ttft_s=t) for i, t in enumerate([0.1, 0.2, 0.3])]
    b = [made.record("b", repeat=i, ttft_s=t) for i, t in enumerate([0.2, 0.4, 0.6])]
    found = axis(compare_axes(a, b[::-1]), "ttft_s").ratio
    assert found
    assert found.interval
    assert found.interval.low == pytest.approx(found.interval.high) == pytest.approx(2)


def test_runs_of_other_batches_are_not_paired(made: Maker):
    a = [made.record("a", repeat=i, decode=d) for i, d in enumerate([50, 60])]
    b = [made.record("b", repeat=i, decode=d, batch="later") for i, d in enumerate([70, 80, 90])]
    found = axis(compare_axes(a, b), "decode_tokens_per_s")
    assert found.ratio
    assert (found.ratio.paired, found.ratio.reference_runs, found.ratio.other_runs) == (False, 2, 3)
    assert found.more_is_better


def test_throughputs_of_several_users_compare_where_both_were_asked_alike(made: Maker):
    def runs(name: str, *tokens_per_s: float, users: int = 4) -> list[Record]:
        infos = [users_info(level(1, 50.0, [0.1]), level(users, x, [0.1])) for x in tokens_per_s]
        return [made.record(name, repeat=i, users=info) for i, info in enumerate(infos)]

    throughput = "output_throughput_tokens_per_s"
    found = axis(compare_axes(runs("a", 100.0, 200.0), runs("b", 110.0, 220.0)), throughput)
    assert found.ratio
    assert found.ratio.ratio == pytest.approx(1.1)
    assert found.more_is_better
    for other in (runs("b", 110.0, 220.0, users=8), [made.record("b", repeat=i) for i in (0, 1)]):
        assert throughput not in [one.axis for one in compare_axes(runs("a", 100.0, 200.0), other)]


def test_a_single_run_has_a_ratio_and_a_reason(made: Maker):
    found = axis(
        compare_axes([made.record("a", peak=100)], [made.record("b", peak=150)]), "peak_bytes"
    )
    assert found.ratio
    assert found.ratio.ratio == pytest.approx(1.5)
    assert (found.ratio.interval, found.reason) == (None, SINGLE_RUN)


def test_unlike_machines(made: Maker):
    elsewhere = made.record("b", machine={**made.base.machine.said(), "fingerprint": "other"})
    found = compare_axes([made.record("a")], [elsewhere])
    for name in ("ttft_s", "decode_tokens_per_s", "cold_start_s", "peak_bytes"):
        one = axis(found, name)
        assert one.ratio is None
        assert one.reason == "measured on unlike machines"
    size = axis(found, "weights_bytes")
    assert size.ratio
    assert (size.ratio.ratio, size.reason) == (1, "")


def test_unlike_budgets(made: Maker):
    narrow = made.record("b", budget={"name": "vps-1gb"})
    assert axis(compare_axes([made.record("a")], [narrow]), "ttft_s").reason == (
        "measured under different budgets"
    )


def test_what_one_side_lacks(made: Maker):
    found = compare_axes([made.record("a")], [made.record("b", latency={}, memory=None)])
    for name in ("ttft_s", "peak_bytes"):
        one = axis(found, name)
        assert (one.other, one.ratio) == (None, None)
        assert one.reference is not None
        assert one.reason == "was not measured on one side, or is 0"
    no_file = made.record("b", candidate={"weights_bytes": None})
    size = axis(compare_axes([made.record("a")], [no_file]), "weights_bytes")
    assert (size.ratio, size.reason) == (None, "a side has no weights file")


def test_a_side_is_one_candidate_on_one_machine(made: Maker):
    elsewhere = made.record(
        "a", repeat=1, machine={**made.base.machine.said(), "fingerprint": "other"}
    )
    with pytest.raises(RecordError, match="unlike machines"):
        compare_axes([made.record("a"), elsewhere], [made.record("b")])
    with pytest.raises(RecordError, match="the candidate differs"):
        compare_axes([made.record("a")], [made.record("b"), made.record("c", repeat=1)])


def test_a_run_whose_number_is_not_finite_counts_as_not_measured(made: Maker) -> None:
    found = compare_axes([made.record("a", ttft_s=math.inf)], [made.record("b")])
    ttft = next(axis for axis in found if axis.axis == "ttft_s")
    assert ttft.reference is None
    assert ttft.ratio is None
    assert "not measured" in ttft.reason
