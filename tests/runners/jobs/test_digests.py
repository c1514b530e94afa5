"""Digests of what is shipped, pinned: one that changes orphans records, baselines and repeats.

After a change that is meant to change one (a suite's new version, lm-eval's next release):
WEIGHIN_WRITE_GOLDEN=1 pytest with this file, and read the difference before it is committed.
Candidates are pinned in test_identity.py. A job's key of a compiled runtime holds the hashes of
what was compiled on the machine, so the keys here are those of `fake`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evals.scoring.table import VERSIONS
from evals.suites import find_suite, suite_names
from evals.tasks.hub import hub_families
from evals.tasks.items import build_requests
from evals.tasks.load import load_suite
from evals.tasks.worded import RULES
from runners.candidates.spec import Candidate
from runners.candidates.weights import no_weights
from runners.compute.budget import budget_names, find_budget
from runners.compute.machine import Machine
from runners.jobs.job import Job
from runners.jobs.prepared import PreparedTask
from runners.jobs.suite_digest import _scorer, suite_digest
from runners.runtimes.llamacpp.prove import Proof
from tests.runners.conftest import tiny_suite

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests" / "data" / "golden"
HUGE = ("full", "knowledge-5shot")
"""Suites of tens of thousands of items: two items a task stand for all."""
MACHINE = Machine(
    cpu_model="Example CPU",
    usable_cpus=2,
    logical_cpus=4,
    ram_bytes=8 * 2**30,
    gpu=(),
    os_family="Linux",
    os_release="6.1",
    python="3.12",
    cpu_id="Example 6/1/1",
    cpu_features=("avx2",),
)


def as_pinned(name: str, found: dict[str, str]) -> dict[str, str]:
    """The golden file's content, written from what was found where that is asked for."""
    path = FOLDER / f"{name}.json"
    if os.environ.get("WEIGHIN_WRITE_GOLDEN"):
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    pinned: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return pinned


@pytest.mark.data
def test_shipped_suites_keep_their_digests() -> None:
    found = {}
    for name in (one for one in suite_names() if not hub_families(find_suite(one))):
        suite = find_suite(name)
        loaded = load_suite(suite, limit=2 if name in HUGE else None, allow_code=True)
        tasks = [PreparedTask(loaded=one, items=tuple(build_requests(one))) for one in loaded]
        found[f"{name} v{suite.version}"] = suite_digest(suite, tasks)
    assert found == as_pinned("suite-digests", found)


@pytest.mark.parametrize(
    ("metadata", "part"),
    [
        ({"scorer": "found"}, [["scorer", "found"]]),  # version 1: as before versions counted
        ({"scorer": "spans"}, [["scorer", "spans", VERSIONS["spans"]]]),
        ({"scorer": {"spans": {"accepted": "a"}}},
         [["scorer", {"spans": {"accepted": "a"}}, VERSIONS["spans"]]]),
        ({RULES: 1}, []),
        ({RULES: 2}, [[RULES, 2]]),
        ({RULES: "mine"}, []),
        (None, []),
    ],
)  # fmt: skip
def test_how_answers_are_judged_is_part_of_a_digest(metadata: Any, part: list[Any]) -> None:
    assert _scorer(SimpleNamespace(get_config={"metadata": metadata}.get)) == part


def job(prepared: dict[str, PreparedTask], told: dict[str, Any], **given: Any) -> Job:
    """A job of a fake on the tiny tasks, on `MACHINE`."""
    settings = {"fake": told}
    content = {"name": "fake", "runtime": "fake", "settings": settings}
    usual: dict[str, Any] = {
        "candidate": Candidate.model_validate(content),
        "weights": no_weights(),
        "suite": tiny_suite(),
        "tasks": list(prepared.values()),
        "machine": MACHINE,
        "batch": "20260101T000000-abcd",
        "repeat": 0,
        "position": 0,
        "jobs": 1,
        "engine_memory_bytes": 2**30,
    }
    return Job(**{**usual, **given})


def test_jobs_of_the_fake_keep_their_keys(prepared: dict[str, PreparedTask]) -> None:
    plain = Proof(verdict="plain", build="AVX2 AMX REPACK")
    jobs = {
        "plain": job(prepared, {}),
        "told": job(prepared, {"pick": 1}),
        "repeat": job(prepared, {}, repeat=1),
        "timed alone": job(prepared, {}, repeat=1, scores=False),
        "throughput": job(prepared, {}, throughput=True),
        "without kernels": job(prepared, {}, proof=plain),
        **{name: job(prepared, {}, budget=find_budget(name)) for name in budget_names()},
    }
    found = {name: one.key for name, one in jobs.items()}
    assert len(set(found.values())) == len(jobs)
    assert found == as_pinned("job-keys", found)
