"""Bisection to the smallest memory limit: the search on rules, and on real workers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import MeasureError
from runners.batches.fit import STEP_BYTES, Edges, find_edges, fit, sentence
from tests.support.groups import needs_groups, ours

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

MIB = 2**20


@given(st.integers(1, 500), st.integers(1, 700), st.integers(1, 600))
def test_the_edge_is_found_and_tried_twice(edge: int, guess: int, most: int):
    tried: Counter[int] = Counter()

    def works(steps: int, _again: int) -> bool:
        assert 1 <= steps <= most
        tried[steps] += 1
        return steps >= edge

    found = find_edges(works, guess=guess, most=most)
    if edge > most:
        assert (found.low, found.high) == (most, None)
    else:
        assert found == Edges(low=edge - 1, high=edge, confirmed=True)
        assert tried[edge] == 2
    # Bisection: 600 steps take 10 halvings, beside the climb to a limit that works.
    assert sum(tried.values()) <= 30


def test_what_works_once_of_two_times_does_not():
    # Under 5 it works at the first try alone; from 6 on always.
    def works(steps: int, again: int) -> bool:
        return steps > 5 or (steps == 5 and again == 0)

    assert find_edges(works, guess=8, most=100) == Edges(low=5, high=6, confirmed=False)


def test_a_lower_edge_that_works_the_second_time_is_not_confirmed():
    def works(steps: int, again: int) -> bool:
        return steps > 5 or (steps == 5 and again == 1)

    assert find_edges(works, guess=8, most=100) == Edges(low=5, high=6, confirmed=False)


@needs_groups
@pytest.mark.slow
def test_the_smallest_limit_of_a_real_worker(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake(memory_bytes=150 * MIB), tasks=("tiny_choice",))
    found = fit(job, bench.options(job_timeout_s=60.0), bench.steps.append)
    # 150 MiB and an interpreter of 10 to 40 MiB, part of whose pages others have in the cache.
    assert found.smallest_bytes in (160 * MIB, 176 * MIB, 192 * MIB)
    assert found.confirmed
    at = {(probe.limit_bytes, probe.record.job.repeat): probe for probe in found.probes}
    for again in (0, 1):
        assert at[found.smallest_bytes, again].works
        below = at[found.smallest_bytes - STEP_BYTES, again]
        assert (below.works, below.why) == (False, "out of memory")
    # Each probe is a record with its budget, and the reference one without.
    stored = {run_id: bench.store.read(run_id) for run_id in bench.store.run_ids()}
    limits = [r.budget.memory_bytes for r in stored.values() if r.budget]
    assert sorted(limits) == sorted(probe.limit_bytes for probe in found.probes)
    assert stored[found.reference.run_id].budget is None
    assert f"works from {found.smallest_bytes // MIB}MiB on" in sentence(found)
    assert ours() == []
    # What was probed is not run again.
    bench.steps.clear()
    again_found = fit(job, bench.options(job_timeout_s=60.0), bench.steps.append)
    assert again_found.smallest_bytes == found.smallest_bytes
    assert not [step for step in bench.steps if step.phase == "load"]


@needs_groups
def test_a_probe_that_takes_too_long_does_not_work(bench: Bench):
    slow = bench.fake(delay_per_item_s=0.2)  # 12 items: 2.4 s, with an answer every half second
    ((job, _),) = bench.jobs(slow, tasks=("tiny_choice",))
    with pytest.raises(MeasureError, match=r"fails without a limit, too: .* not done after 1 s"):
        fit(job, bench.options(job_timeout_s=1.0), bench.steps.append)


def test_without_groups_it_says_why(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("runners.compute.groups.control_groups", lambda _controller: ())
    ((job, _),) = bench.jobs(bench.fake(), tasks=("tiny_choice",))
    with pytest.raises(MeasureError, match="cannot be limited here: this system has no control"):
        fit(job, bench.options(), bench.steps.append)
