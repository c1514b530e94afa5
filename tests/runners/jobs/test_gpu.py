"""A candidate on a GPU: what its record says, how a budget of GPU memory judges it, its flags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import RuntimeFailure
from runners.candidates.spec import Candidate
from runners.compute.budget_use import ad_hoc
from runners.jobs.gpu_flags import GPU_RULES
from runners.jobs.seen import Seen
from runners.jobs.verdict import Facts, judge
from runners.measure.device_memory import BY_PROCESS, DIFFERENCE, SHARED, UNIFIED
from runners.records.gpu import DeviceInfo, DevicePhaseInfo, GpuInfo, device_own, device_peak
from runners.records.reading import parse_record
from runners.runtimes.spec import RuntimeSpec
from runners.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
MIB = 2**20
CARD = DeviceInfo(name="CUDA0", description="NVIDIA GeForce RTX 4090", backend="CUDA")


def on_gpu(layers: int | str = "all", **told: Any) -> Candidate:
    fake = {"device": "A card", "layer_bytes": 10 * MIB, **told}
    settings = {"fake": fake, "threads": 1, "gpu_layers": layers}
    return Candidate.model_validate({"name": "on-gpu", "runtime": "fake", "settings": settings})


def gpu(peak: int | None = None, own: int | None = None, **told: Any) -> GpuInfo:
    held = {} if own is None else {"weights": own}
    phase = DevicePhaseInfo(peak_bytes=peak, own_bytes=held)
    usual: dict[str, Any] = {"source": BY_PROCESS if peak is not None else None}
    return GpuInfo(devices=[CARD], phases={"latency": phase}, **{**usual, **told})


UNTOLD = "runtime own-server does not say what it puts on a GPU"


def facts(found: GpuInfo | None, untold: str = "") -> Facts:
    return Facts(
        budget=ad_hoc(vram_bytes=100 * MIB), memory_enforced=False, error=None, phase="generation",
        workload="", oom_kills=None, refaulted_bytes=None, weights_bytes=1, ttft_s=0.1,
        decode_tokens_per_s=10.0, unlimited_decode_tokens_per_s=None, gpu=found,
        gpu_untold=untold,
    )  # fmt: skip


def flagged(found: GpuInfo) -> list[tuple[str, str]]:
    example = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    whole = example.model_copy(update={"gpu": found})
    seen = Seen(truncated={})
    return [(one.name, one.detail) for rule in GPU_RULES for one in rule(whole, seen)]


def test_a_run_on_a_gpu_from_its_settings_to_its_record(bench: Bench):
    budget = ad_hoc(vram_bytes=100 * MIB)
    candidates = (on_gpu(), on_gpu(4, most_layers=3), bench.fake())
    found = bench.outcomes(*candidates, tasks=("tiny_choice",), budget=budget)
    whole, part, none = (one.record for one in found)
    assert whole.gpu is not None
    assert [one.model_dump() for one in whole.gpu.devices] == [
        {"name": "FAKE0", "description": "A card", "backend": "FAKE", "total_bytes": None}
    ]
    assert (whole.gpu.layers_asked, whole.gpu.layers, whole.gpu.layers_in_all) == ("all", 12, 12)
    # 12 layers of 10 MiB, in each phase from loading on.
    assert whole.gpu.phases.keys() == {"load", "latency", "scoring"}
    assert device_own(whole.gpu) == 120 * MIB
    assert device_peak(whole.gpu) is None
    assert (whole.candidate.settings["gpu_layers"], whole.candidate.settings["device"]) == (
        12, "FAKE0",
    )  # fmt: skip
    assert whole.candidate.chosen is not None
    assert whole.candidate.chosen["gpu_layers"] == "all"
    assert whole.verdict is not None
    assert whole.verdict.verdict == "over vram"
    assert whole.budget is not None
    assert whole.budget.said()["enforced"]["vram"] == "checked, not enforced"
    assert "GPU memory not measured" in [flag.name for flag in whole.flags]
    # Fewer than were asked for, which the runtime did without a word.
    assert part.gpu is not None
    assert (part.gpu.layers_asked, part.gpu.layers) == (4, 3)
    assert part.verdict is not None
    assert part.verdict.verdict == "fits"
    assert "fewer layers offloaded" in [flag.name for flag in part.flags]
    # Nothing of it is on a GPU: no device, no figure, and no limit that it could miss.
    assert none.gpu is None
    assert "device" not in none.candidate.settings
    assert none.verdict is not None
    assert none.verdict.verdict == "fits"


def test_a_gpu_that_is_not_here_is_refused_before_anything_runs(bench: Bench):
    with pytest.raises(RuntimeFailure, match="on-gpu asks for a GPU, and the installed fake"):
        bench.jobs(bench.fake(), on_gpu(device=""))
    assert bench.steps == []


def test_the_gpu_is_a_condition_and_layers_are_the_candidate(bench: Bench):
    jobs = [bench.jobs(one)[0][0] for one in (on_gpu(), on_gpu(device="Another"), on_gpu(3))]
    assert len({job.key for job in jobs}) == 3
    # `fake` itself is a setting here, so the second is another candidate by that.
    assert len({job.candidate_digest for job in jobs}) == 3


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (None, "fits", "within the budget"),
        (gpu(peak=100 * MIB), "fits", "within the budget"),
        (gpu(peak=101 * MIB), "over vram", "1,048,576 more than the 100MiB of the budget"),
        # The runtime's own account is a lower bound: above the limit it decides.
        (gpu(own=101 * MIB), "over vram", "by the runtime's own account"),
        (gpu(own=9 * MIB), "fits", "which lacks the driver's part"),
        (gpu(reason="no counter"), "not enforced", "GPU memory could not be measured: no counter"),
        (gpu(own=900 * MIB, unified=True, reason=UNIFIED), "not enforced", "unified memory"),
        # An integrated device's account is a lower bound, too.
        (gpu(own=101 * MIB, reason=SHARED), "over vram", "by the runtime's own account"),
    ],
)
def test_a_limit_of_gpu_memory_is_checked(found: GpuInfo | None, verdict: str, words: str):
    name, reason = judge(facts(found))
    assert name == verdict
    assert words in reason


def test_a_runtime_that_does_not_tell_of_its_gpu_is_not_said_to_fit():
    assert judge(facts(None, UNTOLD)) == (
        "not enforced", f"GPU memory could not be measured: {UNTOLD}",
    )  # fmt: skip
    # One that told of it after all is judged by that; without a limit nothing is asked of it.
    assert judge(facts(gpu(peak=MIB), UNTOLD))[0] == "fits"
    assert judge(replace(facts(None, UNTOLD), budget=ad_hoc(deadline_ttft_s=9.0)))[0] == "fits"


def test_what_others_start_or_serve_does_not_tell_of_its_gpu():
    silent = {name for name, spec in RUNTIMES.items() if not spec.tells_gpu}
    assert silent == {"own-server", "gradio", "endpoint"}
    bare = RuntimeSpec(name="a-stranger", code="a.b:C", weights="none", packages=())
    assert not bare.tells_gpu


def test_the_peak_is_that_of_the_phases_that_a_deployment_has():
    phases = {
        "load": DevicePhaseInfo(peak_bytes=3, own_bytes={"allocated": 1, "reserved": 2}),
        "latency": DevicePhaseInfo(peak_bytes=5, own_bytes={"allocated": 3, "reserved": 4}),
        "scoring": DevicePhaseInfo(peak_bytes=9, own_bytes={"allocated": 8, "reserved": 8}),
    }
    found = GpuInfo(devices=[CARD], phases=phases)
    assert device_peak(found) == 5
    assert device_own(found) == 4  # what torch allocated lies within what it reserved
    assert (device_peak(None), device_own(None)) == (None, None)


def test_what_a_reader_should_know():
    assert flagged(gpu(peak=1, layers=12, layers_in_all=12, layers_asked="all")) == []
    assert flagged(gpu(peak=1, layers=12, layers_in_all=12, layers_asked=99)) == []
    assert flagged(gpu(peak=1, layers=5, layers_in_all=12, layers_asked="all")) == [
        ("fewer layers offloaded",
         "5 of the model's 12 layers are on the GPU, 12 were asked for"),
    ]  # fmt: skip
    assert flagged(gpu(peak=1, layers=0, layers_asked="all")) == [
        ("fewer layers offloaded", "0 layers are on the GPU, all were asked for")
    ]
    ((name, detail),) = flagged(gpu(peak=1, source=DIFFERENCE, reason="a container"))
    assert (name, detail.endswith("counts, too: a container")) == ("GPU memory by difference", True)
    assert flagged(gpu(reason="no counter")) == [("GPU memory not measured", "no counter")]
    assert flagged(gpu(unified=True, reason=UNIFIED)) == []
