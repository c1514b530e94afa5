"""A real model in real groups: mapped weights that are larger than the limit."""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.candidates.weights import resolve
from runners.compute.budget_use import ad_hoc
from tests.support.groups import needs_groups, ours

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.runners.conftest import Bench

pytestmark = [pytest.mark.model, needs_groups]
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rungs:
    """Rungs in files of this test's own: what another process has mapped stays in the cache."""

    folder: Path

    def rung(self, name: str, context: int | None = None) -> Candidate:
        path = resolve(find_candidate(f"smollm2-135m-instruct-{name}")).path
        assert path is not None
        own = self.folder / f"{name}.gguf"
        if not own.exists():
            shutil.copyfile(path, own)
        settings = {"threads": 1, "context": context}
        return Candidate.model_validate({"name": name, "weights": str(own), "settings": settings})


@pytest.fixture(scope="module")
def rungs(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rungs]:
    """The rungs are made from the embedded default."""
    folder = tmp_path_factory.mktemp("rungs")
    yield Rungs(folder=folder)
    shutil.rmtree(folder)


def under(bench: Bench, limit_mib: int, candidate: Candidate) -> Record:
    budget = ad_hoc(memory_bytes=limit_mib * MIB)
    (outcome,) = bench.outcomes(candidate, tasks=("tiny_choice",), budget=budget, timeout_s=120)
    assert ours() == []
    return outcome.record


def test_f16_under_128_mib_never_fits(bench: Bench, rungs: Rungs):
    record = under(bench, 128, rungs.rung("f16"))
    assert record.verdict
    assert record.verdict.verdict == "out of memory"
    # Its context of 4,096 tokens alone takes 90 MiB, beside an interpreter and the runtime.
    assert record.verdict.phase == "latency"


def test_f16_with_a_short_context_does_not_fit_either(bench: Bench, rungs: Rungs):
    # Little that cannot be dropped: the weights' pages come and go. Warm they would run at once.
    record = under(bench, 128, rungs.rung("f16", context=512))
    assert record.verdict
    assert record.verdict.verdict == "thrashes"
    assert record.load
    assert record.load.page_cache == "cold"
    assert record.verdict.refaulted_bytes > 258 * MIB
    free = bench.store.read(record.verdict.unlimited_run)
    assert (free.budget, free.job.batch) == (None, record.job.batch)
    assert record.verdict.decode_tokens_per_s < free.latency["8+4"].decode_tokens_per_s.p50 / 2


def test_weights_that_others_keep_warm_do_not_defeat_the_limit(bench: Bench, rungs: Rungs):
    # Mapped, they would be charged to this process and run under any limit.
    candidate = rungs.rung("f16", context=512)
    assert candidate.weights
    with Path(candidate.weights).open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            for at in range(0, len(mapped), mmap.PAGESIZE):
                mapped[at]
            record = under(bench, 128, candidate)
        finally:
            mapped.close()
    assert record.candidate.settings["mmap"] is False
    assert record.verdict
    assert (record.verdict.page_cache, record.verdict.verdict) == ("warm", "out of memory")


def test_f16_under_1_gib_fits(bench: Bench, rungs: Rungs):
    record = under(bench, 1024, rungs.rung("f16"))
    assert record.verdict
    assert (record.verdict.verdict, record.verdict.oom_kills) == ("fits", 0)
    assert record.accuracy["tiny_choice"].n == 12
    assert record.memory
    charged = record.memory.phases["latency"].group_peak_bytes
    assert charged
    assert charged > 258 * MIB  # cold weights are charged to the group that maps them


def test_the_engine_needs_hardly_more_than_the_deployment(bench: Bench, rungs: Rungs):
    record = under(bench, 512, rungs.rung("q4_1"))
    assert record.verdict
    assert record.verdict.verdict == "fits"
    assert record.memory
    assert record.engine
    latency, scoring = record.memory.phases["latency"], record.memory.phases["scoring"]
    # Eight rows of 49,152 logits of four bytes, twice: 3 MiB; a plain run's engine takes 256 MiB.
    assert record.engine.output_bytes == 2 * 8 * 49152 * 4
    assert scoring.peak_bytes < latency.peak_bytes + 16 * MIB
