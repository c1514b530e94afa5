"""A stand-in that knows the answers scores 1, by the command and over a chat API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.suites import Suite, SuiteTask
from runners.cli.run import command
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.sandbox.trial import why_not
from tests.support.gold import gold_rows

TASKS = ("bfcl_simple", "humaneval", "mbpp")


@pytest.mark.data
def test_a_stand_in_with_gold_scores_one(tmp_path: Path) -> None:
    if why_not():
        pytest.skip(f"no sandbox here: {why_not()}")
    suite = Suite(name="s", tasks=tuple(SuiteTask(task=name, limit=1) for name in TASKS))
    gold = {row["question"]: row["answer"] for row in gold_rows(suite)}
    told = ["--tasks", ",".join(TASKS), "--limit", "1", "--allow-code", "--json"]
    with mock_server(MockOptions(speaks=("openai",), answers=gold)) as server:
        done = CliRunner().invoke(
            command,
            [f"{server.url}/v1", "--model", "mock", "--store", str(tmp_path), *told],
            standalone_mode=False,
        )
    record = json.loads(done.stdout)
    (record,) = record if isinstance(record, list) else [record]
    assert {name: one["value"] for name, one in record["accuracy"].items()} == dict.fromkeys(
        TASKS, 1.0
    )
    assert "app errors" not in {flag["name"] for flag in record["flags"]}
