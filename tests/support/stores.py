"""Stores to show: good, empty, damaged, failed, nightly, of two machines, of sixty candidates, and
full of markup.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leaderboard.compare.comparison import Side
from leaderboard.gate.gate import judge
from leaderboard.gate.past import write_gate
from leaderboard.gate.policy import Policy
from leaderboard.gate.report import as_dict
from runners.records.parts import FlagInfo
from runners.records.record import JobError, QuantisationInfo, Record
from runners.records.store import RECORD, Store
from tests.leaderboard.conftest import Maker

HOSTILE = "<img src=x onerror=alert(1)> $x$ **b** [l](javascript:1) :smile:"


def quantised(bits: float, **given: Any) -> dict[str, Any]:
    shares = {"Q4_0": 0.75, "F32": 0.25}
    quantisation = QuantisationInfo(name=f"Q{bits:g}", bits_per_weight=bits, share=shares)
    return {"family": "fam", "quantisation": quantisation, "parameters": 1000, **given}


@pytest.fixture
def good(tmp_path: Path, made: Maker) -> Path:
    """Two rungs of one family, two repeats each: 100 items, of which the small one loses 4."""
    store = Store(tmp_path / "good")
    large = [1.0] * 60 + [0.0] * 40
    small = [0.0] * 4 + [1.0] * 56 + [0.0] * 40
    for name, bits, scores, peak in (("big", 16.0, large, 400), ("small", 4.0, small, 100)):
        for repeat in range(2):
            record = made.record(
                name,
                repeat=repeat,
                tasks={"t": made.task(sum(scores) / 100, 100, chance=0.25)} if not repeat else {},
                ttft_s=0.1 if name == "big" else 0.2,
                decode=40.0 if name == "big" else 80.0,
                peak=peak * 2**20,
                candidate=quantised(bits, weights_bytes=peak * 2**19),
                status="completed",
                run_id=f"20260101T00000{repeat}-{name}",
            )
            store.add(record, made.samples({"t": scores}) if not repeat else None)
    return store.root


def of_abilities(root: Path, made: Maker) -> Path:
    """Two tasks of tools and one of code, 40 items each: `caller` answers 36 of tools and 4 of
    code, `coder` the other way round; and a suite that asks of knowledge alone.
    """
    store = Store(root)
    many, few = [1.0] * 36 + [0.0] * 4, [0.0] * 36 + [1.0] * 4
    tools, code = ("bfcl_simple", "json_schema"), ("mbpp",)
    for name, of_tools, of_code in (("caller", many, few), ("coder", few, many)):
        scores = {**dict.fromkeys(tools, of_tools), **dict.fromkeys(code, of_code)}
        tasks = {task: made.task(sum(one) / 40, 40, group=task) for task, one in scores.items()}
        record = made.record(name, tasks=tasks, candidate=quantised(4.0), status="completed")
        store.add(record, made.samples(scores))
    known = made.record(
        "caller", tasks={"sciq": made.task(0.5, 40, group="sciq", chance=0.25)}, repeat=9,
        suite={"name": "facts", "digest": "facts"}, candidate=quantised(4.0), status="completed",
    )  # fmt: skip
    store.add(known, made.samples({"sciq": [0.0, 1.0] * 20}))
    return store.root


@pytest.fixture
def able(tmp_path: Path, made: Maker) -> Path:
    """The store of `of_abilities`."""
    return of_abilities(tmp_path / "able", made)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def damaged(good: Path) -> Path:
    """The good store, and in it a broken, a foreign and a newer record, and broken samples."""
    store = Store(good)
    for name, content in (
        ("broken", "{"),
        ("foreign", '{"a": 1}'),
        ("newer", json.dumps({"schema_version": 99})),
    ):
        folder = good / f"20260102T000000-{name}"
        folder.mkdir()
        (folder / RECORD).write_text(content, encoding="utf-8")
    (store.root / "20260101T000000-small" / "samples.parquet").write_bytes(b"PAR1 nothing")
    return good


@pytest.fixture
def hostile(tmp_path: Path, made: Maker) -> Path:
    """Two candidates all of whose texts are markup of some kind."""
    store = Store(tmp_path / "hostile")
    for number in range(2):
        candidate = quantised(
            4.0 + number, family=HOSTILE, licence=HOSTILE, notes=HOSTILE, digest=f"h{number}",
            settings={HOSTILE: HOSTILE}, source=HOSTILE, made_from=HOSTILE,
        )  # fmt: skip
        base = made.record()
        record = made.record(
            HOSTILE,
            tasks={HOSTILE: made.task(0.5, 2, group=HOSTILE, note=HOSTILE)},
            candidate=candidate,
            machine={"cpu_model": HOSTILE, "fingerprint": HOSTILE, HOSTILE: HOSTILE},
            software={HOSTILE: HOSTILE, "runtime_version": HOSTILE, "weighin": HOSTILE},
            suite={"name": HOSTILE},
            command=HOSTILE,
            flags=[FlagInfo(name=HOSTILE, detail=HOSTILE)],
            data=[base.data[0].model_copy(update={"task": HOSTILE, "licence": HOSTILE})],
            budget={"name": HOSTILE, "memory_bytes": 2**30, "note": HOSTILE},
            verdict={"verdict": HOSTILE, "reason": HOSTILE},
            run_id=f"20260101T00000{number}-hostile",
        )
        samples = made.samples(
            {HOSTILE: [float(number), 1.0 - number]},
            prompt=[HOSTILE, HOSTILE],
        )
        store.add(record, samples)
    return store.root


def nights(root: Path, made: Maker, count: int = 8) -> Path:
    """A candidate measured each night, five runs a batch; the last one is slower and less accurate,
    Weighin changed in the middle, and the real gate checked the last three against the first.
    """
    store = Store(root)
    sides = []
    for night in range(count):
        bad = night == count - 1
        scores = [1.0] * (48 if bad else 60) + [0.0] * (52 if bad else 40)
        runs = []
        for repeat in range(5):
            slower = (1.4 if bad else 1.0) * (1 + 0.01 * ((night + repeat) % 3))
            record = made.record(
                "nightly",
                repeat=repeat,
                batch=f"night{night}",
                tasks={"t": made.task(sum(scores) / 100, 100, chance=0.25)} if not repeat else {},
                ttft_s=0.1 * slower,
                decode=50.0 / slower,
                candidate=quantised(4.0, digest="nightly", weights_bytes=2**26),
                software={"weighin": "0.1.0" if night < count // 2 else "0.2.0"},
                created_at=f"2026-01-{night + 1:02d}T02:00:0{repeat}+00:00",
                status="completed",
                run_id=f"202601{night + 1:02d}T02000{repeat}-nightly",
            )
            samples = made.samples({"t": scores}) if not repeat else None
            store.add(record, samples)
            runs.append(record)
        sides.append(Side(runs=tuple(runs), samples=made.samples({"t": scores})))
    for night in range(count - 3, count):
        found = judge(sides[0], sides[night], Policy())
        at = f"2026-01-{night + 1:02d}T03:00:00+00:00"
        write_gate(store.root, as_dict(found, created_at=at))
    return store.root


@pytest.fixture
def nightly(tmp_path: Path, made: Maker) -> Path:
    return nights(tmp_path / "nightly", made)


def across_machines(root: Path, made: Maker) -> Path:
    """Three candidates on a server and two of them on a small computer, three runs each."""
    store = Store(root)
    machines = (
        ("server", "AMD EPYC", 1.0, ("q4_0", "q8_0", "f16")),
        ("small", "Cortex-A76", 0.2, ("q4_0", "q8_0")),
    )
    sizes = {"q4_0": (100, 40.0, 56), "q8_0": (180, 30.0, 60), "f16": (300, 20.0, 60)}
    for number, (machine, cpu, speed, names) in enumerate(machines):
        for name in names:
            peak, decode, right = sizes[name]
            scores = [1.0] * (right - number) + [0.0] * (100 - right + number)
            for repeat in range(3):
                wobble = 1 + 0.02 * repeat
                record = made.record(
                    f"model-135m-{name}",
                    repeat=repeat,
                    batch=machine,
                    tasks={"t": made.task(sum(scores) / 100, 100, chance=0.25)}
                    if not repeat
                    else {},
                    ttft_s=0.1 / speed * wobble,
                    decode=decode * speed / wobble,
                    peak=(peak + repeat) * 2**20,
                    candidate=quantised(4.0, digest=name, weights_bytes=peak * 2**19),
                    machine={
                        "fingerprint": machine, "cpu_model": cpu, "cpu_id": f"family {number}",
                        "usable_cpus": 2 + 2 * number, "ram_bytes": 2**34 // (1 + 3 * number),
                        "os_family": "Linux",
                    },
                    status="completed",
                    run_id=f"2026010{number + 1}T00000{repeat}-{name}",
                )  # fmt: skip
                store.add(record, made.samples({"t": scores}) if not repeat else None)
    return store.root


@pytest.fixture
def two_machines(tmp_path: Path, made: Maker) -> Path:
    return across_machines(tmp_path / "machines", made)


QUANTISATIONS = {
    "q8_0": 8.5,
    "q6_k": 6.6,
    "q5_k_m": 5.7,
    "q4_k_m": 4.9,
    "iq3_xxs": 3.3,
    "q2_k": 2.9,
}
"""Name -> bits a weight."""
MODELS = {
    # family: parameters in millions, accuracy at 8 bits, licence, architecture
    "smollm2-135m-instruct": (135, 0.35, "Apache-2.0", "llama"),
    "smollm2-360m-instruct": (362, 0.41, "Apache-2.0", "llama"),
    "qwen3-0.6b": (596, 0.49, "Apache-2.0", "qwen3"),
    "gemma-3-270m-it": (268, 0.38, "Gemma", "gemma3"),
    "gemma-3-1b-it": (1000, 0.56, "Gemma", "gemma3"),
    "llama-3.2-1b-instruct": (1236, 0.55, "Llama 3.2", "llama"),
    "granite-4.0-h-350m": (340, 0.43, "Apache-2.0", "granitehybrid"),
    "granite-4.0-h-1b-instruct": (1460, 0.58, "Apache-2.0", "granitehybrid"),
    "unsloth/DeepSeek-R1-Distill-Qwen-1.5B-GGUF": (1777, 0.52, "MIT", "qwen2"),
    "qwen3-1.7b": (1720, 0.61, "Apache-2.0", "qwen3"),
}


def lively(made: Maker, family: str, quantisation: str, **given: Any) -> Record:
    """A run of a model with numbers as it might have: larger is better, slower and heavier."""
    parameters, best, licence, architecture = MODELS[family]
    bits = QUANTISATIONS[quantisation]
    size = int(parameters * 1e6 * bits / 8)
    name, kind = f"{family}-{quantisation}", quantisation.upper()
    accuracy = best - 0.4 * 0.5**bits
    usual: dict[str, Any] = {
        "tasks": {"t": made.task(round(accuracy * 500) / 500, 500, chance=0.25)},
        "ttft_s": 0.0011 * parameters,
        "decode": 38e9 / size,
        "peak": size + 120 * 2**20,
        "candidate": quantised(
            bits, family=family, licence=licence, architecture=architecture, weights_bytes=size,
            parameters=parameters * 10**6, digest=f"{name}-digest", runtime="llamacpp",
            quantisation=QuantisationInfo(name=kind, bits_per_weight=bits, share={}),
        ),
        "status": "completed",
        "run_id": f"20260101T000000-{name.replace('/', '-')}",
    }  # fmt: skip
    return made.record(name, **{**usual, **given})


@pytest.fixture
def sixty(tmp_path: Path, made: Maker) -> Path:
    """Ten families in six quantisations each, a run each."""
    store = Store(tmp_path / "sixty")
    for family in MODELS:
        for quantisation in QUANTISATIONS:
            store.add(lively(made, family, quantisation), None)
    return store.root


@pytest.fixture
def failed(tmp_path: Path, made: Maker) -> Path:
    """Three candidates, whose workers were all ended by a signal."""
    store = Store(tmp_path / "failed")
    for quantisation in ("q8_0", "q4_k_m", "q2_k"):
        crashed = {
            "tasks": {}, "latency": {}, "memory": None, "status": "failed",
            "error": JobError(phase="latency", message="the worker was ended by SIGSEGV"),
        }  # fmt: skip
        store.add(lively(made, "qwen3-0.6b", quantisation, **crashed), None)
    return store.root
