"""What people and CI services read: sentences, Markdown, JUnit XML, annotations, JSON, history."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from evals.errors import RecordError
from leaderboard.compare.comparison import Side
from leaderboard.gate.ci import github_annotations, junit, markdown
from leaderboard.gate.gate import Gate, Missing
from leaderboard.gate.past import PastGate, gates_of, read_gates, write_gate
from leaderboard.gate.policy import Policy
from leaderboard.gate.report import as_dict, cells, headline, notes
from leaderboard.gate.verdicts import Judged
from leaderboard.gate.words import sentence
from leaderboard.stats.intervals import Interval
from runners.records.record import FlagInfo, NoiseFloorInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

NASTY = "a|b<img src=x>\n::error::%`*"


def judged(metric: str = "accuracy", **given: Any) -> Judged:
    usual: dict[str, Any] = {
        "metric": metric, "unit": "points" if metric.startswith("accuracy") else "share",
        "severity": "fail", "verdict": "pass", "margin": 0.01, "baseline": 0.5, "candidate": 0.49,
        "loss": 0.002, "interval": Interval(low=-0.003, high=0.007), "detectable": 0.0123,
        "count": 600, "p": 0.3, "p_adjusted": 0.6,
    }  # fmt: skip
    return Judged(**{**usual, **given})


def gate(made: Maker, *metrics: Judged, name: str = "b", **given: Any) -> Gate:
    usual: dict[str, Any] = {"verdict": "pass", "policy": Policy()}
    sides = [Side(runs=(made.record(one),)) for one in ("a", name)]
    return Gate(**{**usual, **given}, baseline=sides[0], candidate=sides[1], judged=metrics)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (judged(), "accuracy: a loss of 1 point is ruled out (loss -0.3 points to +0.7 points)"),
        (
            judged(verdict="regressed", loss=0.02, interval=Interval(low=0.01, high=0.03)),
            "accuracy: 2.00 points worse (loss +1.0 points to +3.0 points); 1 point is allowed",
        ),
        (
            judged("ttft_s:512+64", margin=0.1, verdict="cannot tell", needed=40, loss=0.05,
                   interval=Interval(low=-0.1, high=0.2), detectable=0.3),
            "TTFT 512+64: cannot tell, since the loss may be -10.0% to +20.0% and 10.0% is "
            "allowed; minimum detectable loss 30.0% (80% power); about 40 pairs would settle it",
        ),
        (
            judged("peak_bytes", refused=True, verdict="cannot tell", count=3, needed=5, loss=None,
                   interval=None),
            "peak memory: not tested: needs 5 runs per side, has 3 (`--rerun --pairs 10`)",
        ),
        (
            judged("cold_start_s", verdict="cannot tell", loss=None, interval=None,
                   reason="measured on unlike machines (x, y)"),
            "cold start: cannot tell, since it was measured on unlike machines (x, y)",
        ),
        (
            judged("weights_bytes", verdict="regressed", margin=0.05, loss=0.5, interval=None),
            "weights file: +50.0%, more than the 5.00% that is allowed",
        ),
        (
            judged("peak_bytes", margin=0.05, loss=-0.2, interval=Interval(low=-0.3, high=-0.1)),
            "peak memory: improved by 20.0% (loss -30.0% to -10.0%)",
        ),
        (
            judged("slowest_ttft_s:32+64", margin=0.5, verdict="regressed", loss=1.0, interval=None,
                   count=10),
            "slowest run: TTFT 32+64: +100.0% against the baseline's slowest of 10 (compared, not "
            "tested); 50.0% is allowed",
        ),
        (
            # (6/7)^5 = 0.463.
            judged("slowest_cold_start_s", margin=0.5, verdict="cannot tell", loss=0.1, count=5,
                   interval=None, needed=20),
            "slowest run: cold start: +10.0%; a mode that slows one run in seven stays unseen in "
            "46% of gates of 5 runs per side; 20 show it (`--rerun --pairs 20`)",
        ),
    ],
)  # fmt: skip
def test_one_sentence_a_verdict(one: Judged, text: str):
    assert sentence(one) == text


def test_a_row_of_the_table():
    row = cells(judged("peak_bytes", margin=0.05, baseline=2**20, candidate=2**21))
    assert row[:6] == ("peak memory", "pass", "blocking", "1.00 MiB", "2.00 MiB", "+0.2%")
    assert row[6:] == ("-0.3 to +0.7", "5.00%", "1.23%")


def test_the_headline_names_who_is_guilty(made: Maker):
    bad = judged("peak_bytes", verdict="regressed")
    runs = "(20260101T000000-b-batch against 20260101T000000-a-batch)"
    assert headline(gate(made, judged(), bad, verdict="regressed")) == (
        f"b against a: regressed: peak memory {runs}"
    )
    assert headline(gate(made, judged(), judged("peak_bytes"))) == (
        f"b against a: pass on all 2 metrics that decide {runs}"
    )
    assert headline(gate(made, verdict="regressed", failure="x failed in load: no")) == (
        f"b against a: regressed: x failed in load: no {runs}"
    )


def test_missing_items_are_listed(made: Maker):
    from leaderboard.rows.answers import ItemKey

    keys = tuple(ItemKey("t", f"h{i}", i) for i in range(7))
    missing = Missing(task="t", only_baseline=keys, only_candidate=())
    found = notes(gate(made, judged(), missing=(missing,)))
    assert found[0] == (
        "t: 7 items were answered by the baseline alone and left out (documents 0, 1, 2, 3, 4, …)"
    )


def test_flags_and_noise_floor_are_told(made: Maker):
    noisy = [FlagInfo(name="contended", detail="x"), FlagInfo(name="y", detail="", level="note")]
    floor = NoiseFloorInfo(items=200, changed=3, share=0.015, largest_nats=0.4)
    runs = (
        made.record("b", flags=noisy, noise_floor=floor, tasks={"t": made.task(0.5)}),
        made.record("b", repeat=1),
    )
    one = replace(gate(made, judged()), candidate=Side(runs=runs))
    assert notes(one)[:2] == [
        "candidate: flagged contended in 1 of 2 runs (other processes used the cores, so its times "
        "are too slow; measure it again with --fresh)",
        "1.5% of the choices of b change with batching alone (noise floor)",
    ]


def test_markdown_takes_names_as_data(made: Maker):
    text = markdown(gate(made, judged(f"accuracy:{NASTY}"), name=NASTY))
    assert text.startswith("### ✅ a&#124;b&lt;img src=x&gt; ::error::%\\`\\* against a: pass")
    assert "<img" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {table[0].count("|")}


def test_markdown_folds_what_only_warns(made: Maker):
    text = markdown(gate(made, judged(), judged("accuracy:t", severity="warn")))
    assert text.index("accuracy |") < text.index("<details>") < text.index("accuracy of t")


def test_junit_counts(made: Maker):
    metrics = [
        judged(),
        judged("peak_bytes", verdict="regressed"),
        judged("cold_start_s", verdict="cannot tell", needed=9),
        judged("accuracy:t", severity="warn", verdict="regressed"),
    ]
    root = ET.fromstring(junit(gate(made, *metrics, verdict="regressed")))
    (suite,) = root
    assert {k: suite.get(k) for k in ("tests", "failures", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "skipped": "1",
    }
    failed = suite.find("testcase[@name='peak memory']/failure")
    assert failed is not None
    assert "worse" in str(failed.get("message"))


def test_junit_of_a_candidate_that_died_has_no_control_characters(made: Maker):
    text = junit(gate(made, verdict="regressed", failure="killed \x1b[31m<&\x00"))
    failure = ET.fromstring(text).find("testsuite/testcase/failure")
    assert failure is not None
    assert (
        failure.get("message") == "killed \N{REPLACEMENT CHARACTER}[31m<&\N{REPLACEMENT CHARACTER}"
    )


def test_annotations_are_one_line_each_and_escaped(made: Maker):
    bad = judged(f"accuracy:{NASTY}", verdict="regressed")
    lines = github_annotations(gate(made, bad, verdict="regressed", name=NASTY))
    assert len(lines) == 2
    assert all("\n" not in line and line.startswith("::error title=weighin%3A ") for line in lines)
    assert "a|b<img src=x>%0A::error::%25`*" in lines[0]
    # A title ends at a comma or colon.
    assert "%3A%3Aerror%3A%3A" in lines[1].split("::")[1]


@pytest.mark.parametrize(
    ("verdict", "mapped", "level"),
    [
        ("pass", "warn", "notice"),
        ("cannot tell", "warn", "warning"),
        ("cannot tell", "pass", "notice"),
        ("cannot tell", "fail", "error"),
        ("regressed", "pass", "error"),
    ],
)
def test_the_level_of_the_annotation_is_that_of_the_exit_code(
    made: Maker, verdict: str, mapped: str, level: str
):
    policy = Policy.model_validate({"on_cannot_tell": mapped})
    lines = github_annotations(gate(made, verdict=verdict, policy=policy))
    assert lines[0].startswith(f"::{level} title=")


def test_a_report_is_kept_and_read_again(made: Maker, tmp_path: Path):
    report = as_dict(gate(made, judged()), created_at="2026-01-02T03:04:05+00:00")
    first, second = write_gate(tmp_path, report), write_gate(tmp_path, report)
    assert first.name == "20260102T030405-b.json"
    assert first != second
    found = list(read_gates(tmp_path))
    assert len(found) == 2
    assert isinstance(found[0], PastGate)
    assert (found[0].verdict, found[0].candidate, found[0].baseline) == ("pass", "b", "a")
    assert found[0].report == json.loads(json.dumps(report))
    assert found[0].report["metrics"][0]["interval"] == {"low": -0.003, "high": 0.007}
    assert list(read_gates(tmp_path / "none")) == []


def test_gates_are_in_the_order_of_the_runs_that_were_checked(made: Maker, tmp_path: Path):
    def checked(run: str, at: str) -> None:
        report = as_dict(gate(made, judged()), created_at=at)
        report["candidate"]["runs"] = [run]
        write_gate(tmp_path, report)

    # The run of January is checked again in March; that of February was in February.
    checked("20260102T000000-b-1", "2026-01-02T01:00:00+00:00")
    checked("20260202T000000-b-2", "2026-02-02T01:00:00+00:00")
    checked("20260102T000000-b-1", "2026-03-02T01:00:00+00:00")
    gates, damaged = gates_of([tmp_path], "b")
    assert [one.created_at[:7] for one in gates] == ["2026-02", "2026-03", "2026-01"]
    assert damaged == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"report_version": 1}', "damaged"),
        ('{"report_version": 2}', "report 2 is newer"),
        ('{"report_version": 1, "verdict": "fine"}', "unknown verdict 'fine'"),
    ],
)
def test_a_report_that_cannot_be_read_is_an_error_in_its_place(
    tmp_path: Path, text: str, message: str
):
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "x.json").write_text(text)
    (found,) = read_gates(tmp_path)
    assert isinstance(found, RecordError)
    assert message in str(found)
    assert "x.json" in str(found)
