"""The most layers on a GPU: the search on rules, and on real workers of the fake."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import MeasureError, RuntimeFailure
from runners.batches.fit_layers import (
    LayersFit,
    fit_layers,
    judged,
    most_layers,
    sentence,
    used_bytes,
)
from runners.candidates.spec import Candidate
from runners.records.circumstances import VerdictInfo

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

MIB = 2**20


def fitted(bench: Bench, limit_bytes: int | None, **told: Any) -> LayersFit:
    fake = {"device": "A card", "layer_bytes": 10 * MIB, "layers": 4, **told}
    settings = {"fake": fake, "threads": 1}
    one = Candidate.model_validate({"name": "fake", "runtime": "fake", "settings": settings})
    ((job, _),) = bench.jobs(one, tasks=("tiny_choice",))
    return fit_layers(job, bench.options(), bench.steps.append, limit_bytes=limit_bytes)


@given(st.integers(0, 130), st.integers(1, 128), st.data())
def test_the_edge_is_found_and_tried_twice(edge: int, total: int, data: st.DataObject):
    tried: Counter[int] = Counter()

    def works(layers: int, _again: int) -> bool:
        assert 1 <= layers <= total
        tried[layers] += 1
        return layers <= edge

    found, confirmed = most_layers(works, total=total, guess=data.draw(st.integers(1, total)))
    assert (found, confirmed) == (min(edge, total), True)
    assert tried[found] >= 2 or found == 0
    assert tried[found + 1] >= 2 or found == total
    # Bisection: 128 layers take 7 halvings, beside the climb and the second tries.
    assert sum(tried.values()) <= 22


def test_what_works_once_of_two_times_is_not_confirmed():
    # All 8 work at the first try alone; 7 always.
    found = most_layers(lambda layers, again: layers < 8 or again == 0, total=8, guess=1)
    assert found == (7, False)


def test_real_runs_under_a_limit(bench: Bench):
    found = fitted(bench, 25 * MIB, most_layers=3)
    # 2 layers take 20 MiB, 3 take 30; all of them are 3, since the fake puts no more there.
    assert (found.layers, found.layers_in_all, found.confirmed) == (2, 4, True)
    tried = [one.layers for one in found.probes]
    assert (tried.count(2), tried.count(3), tried.count("all")) == (2, 2, 1)
    assert found.best is not None
    assert used_bytes(found.best.record) == 20 * MIB
    assert sentence(found).startswith(
        "fake: 2 of 4 layers are the most that work on the GPU in 25MiB; 3: over vram (tried twice"
    )
    # Each probe is another candidate, with its budget, and the one beside them has no GPU.
    assert found.reference.gpu is None
    assert {one.record.budget.vram_bytes for one in found.probes if one.record.budget} == {25 * MIB}
    # In words, of other ends of the search.
    none, every = replace(found, layers=0), replace(found, layers=4, limit_bytes=None)
    assert "not one of its 4 layers works on the GPU in 25MiB" in sentence(none)
    assert sentence(every).startswith("fake: all 4 layers work on the GPU (tried twice)")
    # Judged: fewer than were asked for, and memory that nobody tells.
    fewer = next(one.record for one in found.probes if one.layers == "all")
    assert judged(fewer.model_copy(update={"verdict": None})) == (False, "only 3 are on the GPU")
    unknown = VerdictInfo(verdict="not enforced", reason="no counter")
    with pytest.raises(MeasureError, match="no counter"):
        judged(fewer.model_copy(update={"verdict": unknown}))


def test_without_a_gpu_nothing_runs(bench: Bench):
    with pytest.raises(RuntimeFailure, match="fake asks for a GPU"):
        fitted(bench, None, device="")
    assert bench.steps == []
