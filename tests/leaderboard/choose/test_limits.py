from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard.choose.limits import AbilityLimit, Limits, admit, weighted_accuracy
from leaderboard.rows.metrics import METRICS, limited
from leaderboard.rows.row import row
from runners.records.answers import AnswersInfo, SummaryInfo
from runners.records.circumstances import ImportedInfo
from runners.records.gpu import DeviceInfo, DevicePhaseInfo, GpuInfo
from runners.records.record import JobError, QuantisationInfo
from runners.records.server import ServerInfo

if TYPE_CHECKING:
    from leaderboard.rows.row import Row
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def limits(**given: Any) -> Limits:
    """Limits on metrics by their keys, and on names; None: no limit."""
    bounds = {key: value for key, value in given.items() if key in METRICS and value is not None}
    names = {key: value for key, value in given.items() if key not in METRICS}
    return Limits(bounds=bounds, **names)


def the_row(made: Maker) -> Row:
    """50 % accurate, 100 MiB and 60 of a GPU, 50 tokens/s, 100 ms, 3 s to an answer, 1 MiB on disk,
    135 million of 4.5 bits.
    """
    bits = QuantisationInfo(name="Q4_0", bits_per_weight=4.5, share={"Q4_0": 1.0})
    what = {"parameters": 135_000_000, "quantisation": bits, "licence": "MIT", "family": "f"}
    what["architecture"] = "llama"
    waits = SummaryInfo(n=2, p50=3.0, p95=3.0, p99=None, mean=3.0, minimum=3.0, maximum=3.0)
    told = AnswersInfo(n=2, tokens=50, thought_tokens=40, answer_s=waits)
    return made.row("a", candidate=what, answers={"t": told}, gpu=on_gpu(60 * MIB))


def on_gpu(peak_bytes: int | None) -> GpuInfo:
    phases = {"latency": DevicePhaseInfo(peak_bytes=peak_bytes)}
    return GpuInfo(devices=[DeviceInfo(name="CUDA0")], phases=phases)


@pytest.mark.parametrize(
    ("limit", "allowed", "refused", "text"),
    [
        ("memory", 100 * MIB, 99 * MIB, "peak memory 100 MiB (at most 99.0 MiB)"),
        ("vram", 60 * MIB, 59 * MIB, "GPU memory 60.0 MiB (at most 59.0 MiB)"),
        ("decode", 50, 60, "decode speed 50.0 tokens/s (at least 60.0 tokens/s)"),
        ("ttft_tail", 0.1, 0.05, "time to first token (slow end) 100 ms (at most 50.0 ms)"),
        ("answer", 3.0, 2.0, "time to the answer 3.00 s (at most 2.00 s)"),
        ("accuracy", 0.5, 0.505, "accuracy 50.0% (at least 50.5%)"),
        ("disk", MIB, MIB / 2, "size on disk 1.00 MiB (at most 0.500 MiB)"),
        ("parameters", 135e6, 100e6, "parameters 135 million (at most 100 million)"),
        ("bits", 4.5, 4, "bits per weight 4.50 (at most 4.00)"),
        ("licences", frozenset({"MIT"}), frozenset({"Apache-2.0"}), "licence MIT"),
        ("families", frozenset({"f"}), frozenset(), "family f"),
        ("architectures", frozenset({"llama"}), frozenset({"qwen3"}), "architecture llama"),
        ("runtimes", frozenset({"fake"}), frozenset({"llamacpp"}), "runtime fake"),
        (
            "abilities",
            (AbilityLimit(ability="tools", least=0.5, shares={"t": 1.0}),),
            (AbilityLimit(ability="tools", least=0.505, shares={"t": 1.0}),),
            "tools 50.0% (at least 50.5%)",
        ),
        ("classes", frozenset({"tiny-titan"}), frozenset({"none"}), "parameters 135 million"),
    ],
)
def test_each_limit(made: Maker, limit: str, allowed: Any, refused: Any, text: str):
    one = the_row(made)
    assert admit([one], limits(**{limit: allowed})).admitted == (one,)
    found = admit([one], limits(**{limit: refused}))
    assert found.admitted == ()
    (reason,) = found.refused[0].reasons
    key = "ability:tools" if limit == "abilities" else limit
    assert (reason.limit, reason.text, reason.unknown) == (key, text, False)


def test_every_limit_is_tested_above():
    (mark,) = test_each_limit.pytestmark  # type: ignore[attr-defined]
    names = {field.name for field in fields(Limits)} - {"bounds"}
    assert {case[0] for case in mark.args[1]} == names | {one.key for one, _ in limited()}


def test_a_class_is_of_all_smaller_models(made: Maker):
    rows = [made.row(f"{n}", candidate={"parameters": n}) for n in (4_400_000_000, 8_000_000_000)]
    only = {name: limits(classes=frozenset({name})) for name in ("tiny-titan", "32b")}
    assert admit(rows, only["tiny-titan"]).admitted == (rows[0],)
    assert admit(rows, only["32b"]).admitted == tuple(rows)
    unknown = made.row("a", candidate={"parameters": None})
    (refused,) = admit([unknown], only["32b"]).refused
    assert [(r.text, r.unknown) for r in refused.reasons] == [("parameters unknown", True)]


def test_what_had_nothing_on_a_gpu_keeps_to_any_limit_of_its_memory(made: Maker):
    one = made.row("a")
    assert admit([one], limits(vram=0.0)).admitted == (one,)


def test_what_nobody_told_of_a_gpu_is_not_known_to_fit(made: Maker):
    """By what the record says, and by older ones: of a server's settings, of MLX's device."""
    mine = ServerInfo(url=None, kind="vllm")
    software = made.base.software.said()
    untold = [
        made.row("told", software={**software, "tells_gpu": False}),
        made.row("served", server=mine),
        made.row("away", server=ServerInfo(url="http://192.0.2.1:8080/v1", kind="openai")),
        made.row("mlx", candidate={"settings": {"device": "gpu"}}),
        made.row("imported", imported=ImportedInfo(source="lm-eval")),
    ]
    found = admit(untold, limits(vram=1e12))
    assert found.admitted == ()
    assert {one.reasons[0].text for one in found.refused} == {"GPU memory not known"}
    # llama-server is kept off the GPU by a setting, and says what is there.
    kept_off = made.row("cpp", server=mine, candidate={"settings": {"gpu_layers": 0}})
    assert admit([kept_off], limits(vram=0.0)).admitted == (kept_off,)


def test_the_runtimes_own_account_is_a_lower_bound(made: Maker):
    held = {"weights": 40 * MIB, "cache": 20 * MIB}
    phases = {"latency": DevicePhaseInfo(peak_bytes=None, own_bytes=held)}
    one = made.row("a", gpu=GpuInfo(devices=[DeviceInfo(name="ROCm0")], phases=phases))
    (over,) = admit([one], limits(vram=59 * MIB)).refused
    assert [(r.text, r.unknown) for r in over.reasons] == [
        ("GPU buffers 60.0 MiB (at most 59.0 MiB)", False)
    ]
    (below,) = admit([one], limits(vram=61 * MIB)).refused
    assert [(r.text, r.unknown) for r in below.reasons] == [("GPU memory not known", True)]


def test_what_is_not_known_is_not_known_to_fit(made: Maker):
    one = made.row(
        "a", accuracy=None, latency={}, memory=None, candidate={"weights_bytes": None},
        gpu=on_gpu(None),
    )  # fmt: skip
    assert admit([one], Limits()).admitted == (one,)
    bounds = {key: 0.0 if one.better == "higher" else 1e12 for key, one in METRICS.items()}
    (refused,) = admit([one], Limits(bounds=bounds)).refused
    assert {r.text for r in refused.reasons} == {
        f"{limit.what} not known" for _, limit in limited()
    }
    assert all(reason.unknown for reason in refused.reasons)


def test_what_did_not_complete_is_nothing_to_ship(made: Maker):
    killed = made.row("a", status="failed", error=JobError(phase="latency", message="killed"))
    (refused,) = admit([killed], Limits()).refused
    assert [(r.limit, r.text) for r in refused.reasons] == [("status", "failed (latency: killed)")]


def test_all_reasons_are_given(made: Maker):
    found = admit([the_row(made)], limits(memory=1, licences=frozenset()))
    assert [r.limit for r in found.refused[0].reasons] == ["memory", "licences"]


def test_weights_of_tasks(made: Maker):
    tasks = {"t": made.task(0.2, group="t"), "u": made.task(0.6, group="u")}
    one = row(made.record(tasks=tasks))
    assert weighted_accuracy(one) == pytest.approx(0.4)
    # (3 * 0.2 + 1 * 0.6) / 4 = 0.3
    assert weighted_accuracy(one, {"t": 3.0}) == pytest.approx(0.3)
    assert weighted_accuracy(one, {"t": 0.0, "u": 0.0}) is None
    assert admit([one], limits(accuracy=0.35), {"t": 3.0}).admitted == ()


WIDENED = ["memory", "decode", "accuracy", "licences"]
LIMITS = st.fixed_dictionaries(
    {
        "memory": st.none() | st.floats(0, 200 * MIB),
        "decode": st.none() | st.floats(0, 100),
        "accuracy": st.none() | st.floats(0, 1),
        "licences": st.none() | st.frozensets(st.sampled_from(["MIT", "Apache-2.0", ""])),
    }
)
NUMBERS = st.lists(
    st.tuples(
        st.none() | st.floats(0, 1), st.integers(1, 200 * MIB), st.floats(1, 100),
        st.sampled_from(["MIT", "Apache-2.0", ""]),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(numbers=NUMBERS, narrow=LIMITS, widen=st.sampled_from(WIDENED), by=st.floats(0, 2))
def test_widening_a_limit_never_removes_a_candidate(
    made: Maker, numbers: Any, narrow: dict[str, Any], widen: str, by: float
):
    rows = [
        made.row(str(i), accuracy, peak=peak, decode=decode, candidate={"licence": licence})
        for i, (accuracy, peak, decode, licence) in enumerate(numbers)
    ]
    before = admit(rows, limits(**narrow)).admitted
    value = narrow[widen]
    if value is None or by > 1.5:
        wider = None
    elif isinstance(value, frozenset):
        wider = value | {"MIT"}
    else:
        wider = value * (1 + by) if widen == "memory" else value / (1 + by)
    after = admit(rows, limits(**{**narrow, widen: wider}))
    assert all(one in after.admitted for one in before)
    assert len(after.admitted) + len(after.refused) == len(rows)


def test_off_grid_is_asked_beside_a_class_of_size(made: Maker):
    small = {"parameters": 135_000_000}
    server = ServerInfo(url="http://192.0.2.1:8080/v1", kind="openai")
    local, remote = made.row("local", candidate=small), made.row("remote", server=server,
                                                                  candidate=small)  # fmt: skip
    imported = made.row("other", candidate=small, imported=ImportedInfo(source="lm-eval"))

    def refused(*classes: str) -> dict[str, str]:
        found = admit([local, remote, imported], limits(classes=frozenset(classes)))
        return {one.row.record.candidate.name: one.reasons[0].text for one in found.refused}

    assert refused("tiny-titan") == {}
    assert (
        refused("off-grid")
        == refused("off-grid", "32b")
        == {
            "remote": "not off-grid: answers from http://192.0.2.1:8080/v1",
            "other": "not off-grid: where it ran is not known",
        }
    )
