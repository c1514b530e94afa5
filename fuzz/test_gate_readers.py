"""Fuzz what the gate reads: policies, kept reports, baselines' manifests, lm-eval's results."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import RecordError, SpecError
from fuzz.test_readers import EXAMPLES, damaged
from leaderboard.gate.past import read_gates
from leaderboard.gate.policy import Policy, read_policy
from runners.exchange.lm_eval import read_results
from runners.records.baselines import MANIFEST, read_baseline
from runners.records.store import GATES

fuzz = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
REPORT = {
    "report_version": 1, "created_at": "2026-01-01T00:00:00+00:00", "verdict": "pass",
    "sentence": "b against a: pass", "baseline": {"name": "a"},
    "candidate": {"name": "b", "suite": "core", "machine": "x"},
}  # fmt: skip
RESULTS = {
    "results": {"t": {"acc,none": 0.5, "acc_stderr,none": 0.1, "sample_len": 2}},
    "group_subtasks": {"g": ["t"]}, "configs": {"t": {"output_type": "multiple_choice"}},
    "versions": {"t": 1}, "n-shot": {"t": 0}, "higher_is_better": {"t": {"acc": True}},
    "n-samples": {"t": {"original": 2, "effective": 2}}, "date": 1e9, "lm_eval_version": "0.4.13",
    "config": {"model": "dummy", "model_args": {}, "fewshot_seed": 1}, "model_name": "m",
    "model_source": "dummy", "task_hashes": {"t": "x"}, "chat_template_sha": None,
}  # fmt: skip
SAMPLE = {
    "doc_id": 0, "doc": {"passage": "p"}, "target": "1", "filter": "none", "metrics": ["acc"],
    "arguments": {"gen_args_0": {"arg_0": "q", "arg_1": " a"}}, "acc": 1.0,
    "resps": [[["-1.0", "False"]]], "filtered_resps": [["-1.0", "False"]],
}  # fmt: skip


def test_policy() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"

        @fuzz
        @given(damaged(Policy().model_dump(mode="json")))
        def read(content: Any) -> None:
            path.write_text(yaml.safe_dump(content), encoding="utf-8")
            with contextlib.suppress(SpecError):
                read_policy(path)

        read()


def test_reports() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / GATES / "x.json"
        path.parent.mkdir()

        @fuzz
        @given(damaged(REPORT).map(json.dumps) | st.text())
        def read(content: str) -> None:
            path.write_bytes(content.encode("utf-8", "surrogatepass"))
            assert len(list(read_gates(Path(folder)))) == 1

        read()


def test_manifests() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main" / MANIFEST
        path.parent.mkdir()

        @fuzz
        @given(damaged({"reason": "r", "set_at": "t", "forced": False, "runs": ["x"]}))
        def read(content: Any) -> None:
            path.write_text(json.dumps(content), encoding="utf-8")
            with contextlib.suppress(RecordError):
                read_baseline(Path(folder), "main")

        read()


def test_lm_eval() -> None:
    with tempfile.TemporaryDirectory() as folder:
        results, samples = Path(folder) / "results_d.json", Path(folder) / "samples_t_d.jsonl"

        @fuzz
        @given(damaged([RESULTS, SAMPLE]))
        def read(content: Any) -> None:
            pair = content if isinstance(content, list) and len(content) == 2 else [None, None]
            results.write_text(json.dumps(pair[0]), encoding="utf-8")
            samples.write_text(json.dumps(pair[1]) + "\n", encoding="utf-8")
            with contextlib.suppress(RecordError):
                read_results(results, name=None, new_run_id=_run_id, command="fuzz")

        read()


def _run_id(_candidate: str, _key: str) -> str:
    return "20260101T000000-m-00000000"
