from __future__ import annotations

from pathlib import Path
from typing import Any

from leaderboard.export.site.write import site
from leaderboard.gate.past import write_gate
from leaderboard.pages.blocks import Answer, Block, Fold, Heading, Note, Table, Text
from leaderboard.pages.checks.alarms import alarms, failed_check, regressed
from leaderboard.pages.checks.page import page
from leaderboard.pages.controls import Go
from leaderboard.pages.overview.page import page as overview_page
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from leaderboard.units import MISSING
from tests.support.stores import empty, good, nightly

__all__ = ["empty", "good", "nightly"]


def metric(name: str, verdict: str, severity: str = "fail") -> dict[str, Any]:
    return {"metric": name, "verdict": verdict, "severity": severity, "sentence": f"{name} is so"}


def report(name: str, verdict: str, run: str, *metrics: dict[str, Any]) -> dict[str, Any]:
    side = {"suite": "core", "machine": "m"}
    return {
        "report_version": 1, "created_at": "2027-03-04T05:06:07+00:00", "verdict": verdict,
        "sentence": f"{name}: {verdict}", "metrics": list(metrics),
        "baseline": {"name": "older", "runs": ["r0"], **side},
        "candidate": {"name": name, "runs": [run], **side},
    }  # fmt: skip


def shown(store: Path) -> list[Block]:
    return list(page(StoredLibrary([store]), View()))


def test_the_newest_check_of_each_candidate_is_shown_the_worst_first(good: Path):
    write_gate(good, report("small", "pass", "20270101T000000-a"))
    write_gate(good, report("small", "regressed", "20270102T000000-a"))
    write_gate(good, report("big", "pass", "20270103T000000-b"))
    headings = [one.text for one in shown(good) if isinstance(one, Heading)]
    assert headings == ["Checks", "small: regressed", "big: pass", "All checks"]
    tables = [one.grid for one in shown(good) if isinstance(one, Table)]
    assert len(tables[-1].rows) == 3


def test_what_regressed_and_blocks_comes_first(good: Path):
    write_gate(
        good,
        report(
            "small", "regressed", "20270102T000000-a",
            metric("passes", "pass"), metric("warns", "regressed", "warn"),
            metric("unknown", "cannot tell"), metric("blocks", "regressed"),
        ),
    )  # fmt: skip
    table = next(one.grid for one in shown(good) if isinstance(one, Table))
    assert [row[0].text for row in table.rows] == ["blocks", "warns", "unknown", "passes"]
    texts = [cell.text for cell in table.rows[1]]
    assert texts == ["warns", "regressed", "warning", MISSING, MISSING, "warns is so"]


def test_many_metrics_are_folded(good: Path):
    many = [metric(f"m{number}", "pass") for number in range(11)]
    write_gate(good, report("small", "pass", "20270102T000000-a", *many))
    (fold,) = (one for one in shown(good) if isinstance(one, Fold))
    assert fold.title == "3 more metrics"


def test_without_a_check_the_command_is_said(empty: Path):
    notes = [one.text for one in shown(empty) if isinstance(one, Note)]
    assert any("`weighin check CANDIDATE --against BASELINE`" in text for text in notes)


def test_a_damaged_report_is_named(good: Path):
    write_gate(good, report("small", "pass", "r")).write_text("{")
    assert any("no report of a gate" in one.text for one in shown(good) if isinstance(one, Note))


def test_a_report_that_was_changed_is_read_again(good: Path):
    path = write_gate(good, report("small", "pass", "20270101T000000-a"))
    assert "small: pass" in [one.text for one in shown(good) if isinstance(one, Heading)]
    path.write_text(path.read_text().replace('"pass"', '"regressed"'))
    assert "small: regressed" in [one.text for one in shown(good) if isinstance(one, Heading)]


def test_only_a_regression_in_the_newest_check_is_an_alarm(good: Path):
    library = StoredLibrary([good])
    write_gate(good, report("small", "regressed", "20270101T000000-a"))
    note, go = alarms(library, ["small", "big"])
    assert isinstance(note, Note)
    assert (note.kind, note.text) == ("error", "2027-03-04 05:06: small: regressed")
    assert isinstance(go, Go)
    assert go.page == "checks"
    assert list(alarms(library, ["big"])) == []
    write_gate(good, report("small", "pass", "20270102T000000-a"))
    (said,) = alarms(library, ["small"])
    assert said == Text("Newest check, 2027-03-04 05:06 UTC: small: pass.", small=True)
    write_gate(good, report("big", "cannot tell", "20270101T000000-b"))
    (said,) = alarms(library, ["small", "big"])
    assert said == Text("Newest checks: cannot tell 1, pass 1.", small=True)


def test_the_answer_says_that_its_candidate_failed_its_check(nightly: Path):
    library = StoredLibrary([nightly])
    answer = next(one for one in overview_page(library, View()) if isinstance(one, Answer))
    assert answer.certainty.endswith(
        "It regressed in its newest check, 2026-01-08 03:00: accuracy."
    )
    text = site(library, View())
    assert "regressed: accuracy" in text


def test_a_check_of_another_machine_says_nothing_of_the_answer(good: Path):
    write_gate(good, report("small", "regressed", "20270101T000000-a"))
    library = StoredLibrary([good])
    for row in library.rows():
        assert failed_check(library, row) == ""
    assert failed_check(library, None) == ""


def test_the_menu_counts_whose_newest_check_regressed(nightly: Path, good: Path):
    assert regressed(StoredLibrary([nightly])) == 1  # of three checks of one candidate the newest
    assert regressed(StoredLibrary([good])) == 0
    write_gate(good, report("big", "regressed", "20270101T000000-b"))
    write_gate(good, report("small", "regressed", "20270101T000000-a"))
    assert regressed(StoredLibrary([good])) == 2
    write_gate(good, report("big", "pass", "20270102T000000-b"))
    assert regressed(StoredLibrary([good])) == 1
