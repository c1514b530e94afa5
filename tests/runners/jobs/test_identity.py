"""What a candidate is, wherever it is measured; and how old records are read so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runners.candidates.catalogue import candidate_names, find_candidate
from runners.candidates.chosen import asked_as, chosen_settings
from runners.candidates.spec import Candidate
from runners.records.identity import candidate_digest
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.store import Store
from runners.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "tests" / "data" / "records" / "v1" / "record.json"
STORES = [ROOT / "results" / "reference", *sorted((ROOT / "results" / "baselines").iterdir())]
SMOLLM2 = {
    "f16": "a269e3181fcbb25046f99f64ba8d3c159165b211c2ff4ffca7ba1bb219d2ccd0",
    "q2_k": "1733ab14bc423774519aa464e0d74e190617e877c9d0aa07a698b500d1788895",
    "q4_0": "aa4256f3b46eb4add75ece1c0eeac1c6e4f1ec0c93e6fbe64fe1770f4ad09ae8",
    "q4_1": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "q4_k_m": "dc0f3a02e821146247a0af6895adf9872124f368682cb110cb9ed09ff2a9f9f1",
    "q8_0": "7b46609d11703c058397e5cfe4cc6e4b2508cb1eb4c80ddc472a5d421fbdb508",
}
WEIGHTS = {f"smollm2-135m-instruct-{rung}": sha256 for rung, sha256 in SMOLLM2.items()}
# printf '["candidate","<sha256 of the weights>","llamacpp",{}]' | sha256sum | cut -c1-16
GOLDEN = {
    "gemma-3-270m-q4_k_m": "32a8890da9a5c79a",
    "smollm2-135m-instruct-f16": "d7b07c5e96e091a9",
    "smollm2-135m-instruct-q2_k": "5b12f9a971b004b1",
    "smollm2-135m-instruct-q4_0": "3a4e542f9fc63d91",
    "smollm2-135m-instruct-q4_1": "6dc3d01a83ea21f8",
    "smollm2-135m-instruct-q4_k_m": "8590cd7f82777109",
    "smollm2-135m-instruct-q8_0": "1aa0decf8b9f625b",
}
REQUIRED = object()
"""In the place of a default where a setting has none."""


def digest_of(candidate: Candidate, sha256: str | None, trained: int | None = 8192) -> str:
    chosen = chosen_settings(candidate, trained)
    return candidate_digest(sha256, candidate.runtime, chosen)


def fake(**settings: Any) -> Candidate:
    content = {"name": "fake", "runtime": "fake", "settings": settings}
    return Candidate.model_validate(content)


def test_the_catalogue_keeps_its_digests():
    """A digest that changes by one byte orphans every record and every baseline."""
    found = {}
    for name in candidate_names():
        candidate = find_candidate(name)
        if (candidate.weights or "").startswith("hf:"):
            # Nothing was chosen for it: its digest is that of its weights.
            assert chosen_settings(candidate, 8192) == {}
        else:
            found[name] = digest_of(candidate, candidate.sha256 or WEIGHTS[name])
    assert found == GOLDEN


def test_no_default_changes_under_a_digest_that_leaves_it_out():
    """A new setting may come; a default that changes would be another thing under an old digest."""
    pinned = {
        "context": None, "threads": None, "kv_cache_type": "f16", "mmap": True, "repack": True,
        "dtype": "auto", "device": "auto", "trust_remote_code": False, "fake": {},
        "url": REQUIRED, "model": "", "request": {}, "space": None, "endpoint": "auto",
        "inputs": {}, "arguments": (), "serve": REQUIRED, "environment": {}, "gpu_layers": 0,
        "kv_cache_precision": "auto", "dynamic_quantization": True,
    }  # fmt: skip
    known: dict[str, Any] = {}
    for runtime in RUNTIMES.values():
        for name, field in runtime.settings.model_fields.items():
            if name not in runtime.settings.incidental:
                known[name] = field.get_default(call_default_factory=True, validated_data={})
                if field.is_required():
                    known[name] = REQUIRED
    assert pinned == known
    asked = fake()
    assert (asked.chat.template, asked.chat.system, asked.chat.args) == ("auto", "", {})
    assert (asked.reasoning.model_dump(exclude_none=True), asked.sampling) == ({}, None)


def test_the_fake_keeps_its_digests(bench: Bench):
    # printf '["candidate",null,"fake",{}]' | sha256sum | cut -c1-16
    assert digest_of(fake(), None) == "d56353e910383ed6"
    # printf '["candidate",null,"fake",{"fake":{"pick":1},"threads":1}]' | sha256sum | cut -c1-16
    ((job, _),) = bench.jobs(bench.fake(pick=1))
    assert (
        job.candidate_digest
        == digest_of(fake(fake={"pick": 1}, threads=1), None)
        == "999c8ee516b67c2c"
    )


@pytest.mark.parametrize("root", STORES, ids=lambda path: path.name)
def test_a_committed_record_is_the_candidate_that_is_measured_today(root: Path):
    records = [one for one in Store(root).records() if isinstance(one, Record)]
    assert records
    for record in records:
        assert record.candidate.digest == GOLDEN[record.candidate.name]
        assert record.candidate.chosen == {}
        assert record.candidate.settings["threads"] == 2  # what was used stays


def test_the_example_of_the_first_schema_is_rekeyed():
    record = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")
    told = {"pick": 1, "wrong_rate": 0.25}
    assert record.candidate.chosen == {"fake": told}
    assert record.candidate.digest == digest_of(fake(fake=told), None)


@pytest.mark.parametrize(
    ("settings", "trained", "chosen"),
    [
        ({}, 8192, {}),
        ({"mmap": True, "kv_cache_type": "f16"}, 8192, {}),  # written, and the default
        ({"repack": True}, 8192, {}),
        ({"repack": False}, 8192, {"repack": False}),
        ({"fake": {}}, None, {}),
        ({"context": 4096}, 8192, {}),
        ({"context": 4096}, None, {}),
        ({"context": 2048}, 2048, {}),  # what the model was trained for
        ({"context": 2048}, 8192, {"context": 2048}),
        ({"context": 4096}, 2048, {"context": 4096}),
        ({"threads": 2, "mmap": False}, 8192, {"threads": 2, "mmap": False}),
        ({"dtype": "float32"}, 8192, {"dtype": "float32"}),
    ],
)
def test_a_default_is_left_out_whether_written_or_not(
    settings: dict[str, Any], trained: int | None, chosen: dict[str, Any]
):
    kinds = [
        one for one in RUNTIMES.values() if settings.keys() <= one.settings.model_fields.keys()
    ]
    weights = {} if kinds[0].weights == "none" else {"weights": "a.gguf"}
    told = {"name": "a", "runtime": kinds[0].name, "settings": settings, **weights}
    candidate = Candidate.model_validate(told)
    assert chosen_settings(candidate, trained) == chosen
    off = Candidate.model_validate({**told, "chat_template": "off"})
    assert chosen_settings(off, trained) == {**chosen, "chat_template": "off"}
    assert off == Candidate.model_validate({**told, "chat": {"template": "off"}})


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ({"chat": {"template": "auto", "system": "", "args": {}}}, {}),
        ({"chat": {"template": "all"}}, {"chat_template": "all"}),
        ({"chat": {"system": "/no_think"}}, {"chat_system": "/no_think"}),
        (
            {"chat": {"args": {"enable_thinking": False}}},
            {"chat_args": {"enable_thinking": False}},
        ),
        ({"reasoning": {"max_tokens": 512}}, {"reasoning": {"max_tokens": 512}}),
        ({"reasoning": {"end": ""}}, {"reasoning": {"end": ""}}),
        ({"sampling": "recommended"}, {"sampling": "recommended"}),
    ],
)
def test_how_a_candidate_is_asked_is_part_of_what_it_is(
    keys: dict[str, Any], chosen: dict[str, Any]
):
    candidate = Candidate.model_validate({"name": "fake", "runtime": "fake", **keys})
    assert chosen_settings(candidate, 8192) == chosen
    assert (digest_of(candidate, None) == digest_of(fake(), None)) == (chosen == {})


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"chat_template": "all"},
        {"chat": {"system": "Hi", "args": {"a": 1}}, "sampling": "greedy"},
        {"reasoning": {"end": "</x>", "max_tokens": 9}, "made_from": "b"},
        {"settings": {"threads": 1, "gpu_layers": "all"}},
    ],
)
def test_a_run_is_repeated_as_it_was_asked(keys: dict[str, Any]):
    usual = {"name": "a", "weights": "x.gguf", "settings": {"threads": 1}}
    ran = Candidate.model_validate({**usual, **keys})
    chosen = chosen_settings(ran, 8192)
    made_from = {"made_from": keys["made_from"]} if "made_from" in keys else {}
    layers = {"settings": {"threads": 1, "gpu_layers": 3}}
    for own in ({}, {"chat": {"system": "Bye"}}, {"sampling": "recommended"}, layers):
        now = Candidate.model_validate({**usual, **made_from, **own})
        again = asked_as(now, chosen)
        assert chosen_settings(again, 8192) == chosen
        assert again == ran
        assert asked_as(now, None) == now


def old(settings: dict[str, Any], **changes: Any) -> Record:
    """The example as an early version would have written it: 2 usable cores, no budget, no GPU."""
    content = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    for key in ("weights_sha256", "runtime"):
        content["candidate"][key] = changes.pop(key, content["candidate"][key])
    content["candidate"]["settings"] = settings
    return parse_record(json.dumps({**content, **changes}), where="old")


USUAL = {"context": 4096, "threads": 2, "kv_cache_type": "f16", "mmap": True,
         "chat_template": "auto"}  # fmt: skip
HALF = {"cpus": 0.5}
NARROW = {"memory_bytes": 2**30, "enforced": {"memory": "cgroup v1"}}


@pytest.mark.parametrize(
    ("settings", "changes", "chosen"),
    [
        (USUAL, {}, {}),
        (USUAL | {"context": None, "fake": {}}, {}, {}),  # it failed before it was loaded
        (USUAL | {"threads": 1}, {}, {"threads": 1}),
        (USUAL | {"threads": 1}, {"budget": HALF}, {}),  # ceil(0.5) of 2
        (USUAL | {"threads": 2}, {"budget": HALF}, {"threads": 2}),
        (USUAL | {"context": 2048}, {}, {"context": 2048}),
        (USUAL | {"kv_cache_type": "q8_0"}, {}, {"kv_cache_type": "q8_0"}),
        (USUAL | {"chat_template": "off"}, {}, {"chat_template": "off"}),
        (USUAL | {"mmap": False}, {}, {"mmap": False}),
        # The limit switched it off, since the weights were still in the page cache.
        (USUAL | {"mmap": False}, {"budget": NARROW, "load": {"page_cache": "warm"}}, {}),
        (USUAL | {"mmap": False}, {"budget": NARROW, "load": {"page_cache": "cold"}},
         {"mmap": False}),
        (USUAL | {"dtype": "bfloat16", "device": "cpu"}, {}, {}),
        (USUAL | {"dtype": "float16", "device": "cpu"}, {}, {"dtype": "float16"}),
        (USUAL | {"dtype": "bfloat16", "device": "cuda:0"}, {}, {}),
        (USUAL | {"dtype": "float32", "device": "cuda:1"}, {},
         {"dtype": "float32", "device": "cuda:1"}),
        (USUAL | {"weather": "rain"}, {}, {"weather": "rain"}),
    ],
)  # fmt: skip
def test_what_an_old_record_was_given_is_read_from_what_it_used(
    settings: dict[str, Any], changes: dict[str, Any], chosen: dict[str, Any]
):
    if "load" in changes:
        changes = {**changes, "load": {"ready_s": 0.1, "load_s": 0.1, **changes["load"]}}
    assert old(settings, **changes).candidate.chosen == chosen


def test_a_build_a_machine_and_its_threads_do_not_make_another_candidate():
    one = old(USUAL, runtime="llamacpp", weights_sha256=SMOLLM2["f16"])
    elsewhere = {"fingerprint": "other", "usable_cpus": 8}
    other = old(USUAL | {"threads": 8}, runtime="llamacpp", weights_sha256=SMOLLM2["f16"],
                machine=elsewhere, software={"runtime_version": "0.4"})  # fmt: skip
    assert one.candidate.digest == other.candidate.digest
    assert one.candidate.digest == GOLDEN["smollm2-135m-instruct-f16"]


def test_a_record_is_rekeyed_once():
    record = old(USUAL | {"threads": 1})
    assert parse_record(record.model_dump_json(), where="again") == record


def test_what_another_harness_measured_keeps_its_digest():
    record = old({"chat_template": "off"}, imported={"from": "lm-eval 0.4.13"})
    assert record.candidate.chosen is None
    assert record.candidate.digest == json.loads(EXAMPLE.read_text())["candidate"]["digest"]
