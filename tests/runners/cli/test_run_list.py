"""`weighin list runs` and `show`: repeats of a batch together, the newest first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runners.cli import group
from runners.cli.run_list import as_rows, print_groups
from runners.records.record import Record
from tests.support.reference import ladder_runs

ROOT = Path(__file__).parents[3]
STORE = ROOT / "results" / "reference"
Q8 = "smollm2-135m-instruct-q8_0"
SCORED, LAST = "de2070a7", "71dfa465"
"""Ends of the ids of q8_0's run that answered the tasks, and of its newest."""


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return ladder_runs()


def lines(records: list[Record], capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_groups(records)
    return capsys.readouterr().out.splitlines()


def said(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    group.main([*args, "--store", str(STORE)], standalone_mode=False)
    return capsys.readouterr().out


def test_sixty_runs_are_six_lines_the_newest_first(
    records: list[Record], capsys: pytest.CaptureFixture[str]
):
    rows = [line.split() for line in lines(records, capsys)[3:9]]
    assert [row[0] for row in rows] == ["q4_0", "q8_0", "q2_k", "q4_1", "f16", "q4_k_m"]
    assert [row[1] for row in rows] == ["2026-11-25"] * 6
    q8 = rows[1]
    # Suite, ten runs, the accuracy with its interval; at the end the run that has the answers.
    assert q8[3:8] == ["core", "10", "34.5", "±", "1.8"]
    assert q8[-1] == SCORED


def test_two_batches_of_a_candidate_are_two_lines(
    records: list[Record], capsys: pytest.CaptureFixture[str]
):
    of_q8 = [one for one in records if one.candidate.name == Q8]
    job = of_q8[-1].job.model_copy(update={"batch": "another"})
    moved = [*of_q8[:-1], of_q8[-1].model_copy(update={"job": job, "status": "failed"})]
    shown = lines(moved, capsys)
    assert "status" in shown[0]
    assert [("failed" in line, "completed" in line) for line in shown[2:4]] == [
        (True, False),
        (False, True),
    ]


def test_json_has_every_run_with_seconds_and_bytes(records: list[Record]):
    rows: list[dict[str, Any]] = as_rows(records)
    assert len(rows) == 60
    first = rows[0]
    assert first["run"] == records[0].run_id
    assert first["created_at"] == records[0].created_at
    workload = records[0].latency["512+64"]
    assert first["ttft_s"] == workload.ttft_s.p50
    assert first["decode_tokens_per_s"] == workload.decode_tokens_per_s.p50
    assert json.loads(json.dumps(rows)) == rows


def test_a_candidate_is_shown_with_its_repeats_and_its_answers(
    capsys: pytest.CaptureFixture[str],
):
    text = said(capsys, "show", Q8, "--suite", "core")
    assert "34.5 ± 1.8" in text
    assert "mean of up to 10 process runs" in text
    told = json.loads(said(capsys, "show", Q8, "--suite", "core", "--json"))
    assert told["run_id"].endswith(SCORED)


def test_one_run_is_shown_alone(capsys: pytest.CaptureFixture[str]):
    text = said(capsys, "show", LAST)
    assert f"one of 10 repeats: weighin show {Q8}" in text
    assert "one process run a candidate" in text
    assert json.loads(said(capsys, "show", LAST, "--json"))["run_id"].endswith(LAST)
