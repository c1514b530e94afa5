"""Two runs of one candidate are compared by address, from History, Candidate and Checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.pages.blocks import Bar, Beside, Block, Figure, Heading, Note, Table
from leaderboard.pages.candidate.page import newest_two
from leaderboard.pages.candidate.page import page as candidate_page
from leaderboard.pages.checks.page import page as checks_page
from leaderboard.pages.compare.page import page
from leaderboard.pages.controls import Go, Pick
from leaderboard.pages.history.page import page as history_page
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.address import read_query, write_query
from leaderboard.rows.view import View
from runners.records.record import Record
from tests.leaderboard.conftest import Maker
from tests.support.stores import failed, good, hostile, nightly, two_machines

__all__ = ["failed", "good", "hostile", "nightly", "two_machines"]

FIRST, LAST = "20260101T020000-nightly", "20260108T020000-nightly"


def compared(store: Path, *run_ids: str) -> list[Block]:
    return list(page(StoredLibrary([store]), View(sides=run_ids)))


def texts(blocks: list[Block]) -> list[str]:
    """What differs, then the conclusion, then the rest."""
    small = [one for one in blocks if isinstance(one, Heading) and one.level == 3]
    notes = [one for one in blocks if isinstance(one, Note)]
    return [one.text for one in (*notes[:1], *small)]


def ways(blocks: list[Block]) -> list[Go]:
    inner = [one for block in blocks if isinstance(block, Bar) for one in block.blocks]
    return [one for one in (*blocks, *inner) if isinstance(one, Go)]


def test_before_and_after_are_compared_item_by_item(nightly: Path) -> None:
    blocks = compared(nightly, FIRST, LAST)
    difference, summary, *_ = texts(blocks)
    assert difference == "What differs: weighin: 0.1.0 -> 0.2.0."
    # 60 of 100 items before, 48 after: 12 points less; 1.4 times the time and memory alike.
    assert summary.startswith("2026-01-08 02:00 against 2026-01-01 02:00: 12.0 points less acc")
    assert "29% slower" in summary  # 1 / 1.4 = 0.714, five runs a side of the same wobble
    assert "41% later first token" in summary
    tasks = next(t.grid for t in blocks if isinstance(t, Table) and "By task" in t.grid.caption)
    assert [cell.text for cell in tasks.rows[0]][:4] == ["t", "60.0", "48.0", "-12.0"]


def test_any_repeat_stands_for_its_batch(nightly: Path) -> None:
    third = "20260101T020002-nightly"
    blocks = compared(nightly, third, LAST)
    axes = next(t.grid for t in blocks if isinstance(t, Table) and "EPYC" in t.grid.caption)
    runs = {row[6].text for row in axes.rows}
    assert "5 and 5, not paired" in runs


def test_two_runs_of_one_batch_stand_each_alone(nightly: Path) -> None:
    blocks = compared(nightly, FIRST, "20260101T020001-nightly")
    difference = texts(blocks)[0]
    assert difference.startswith("Nothing differs in how the two were measured")
    axes = next(t.grid for t in blocks if isinstance(t, Table) and "EPYC" in t.grid.caption)
    assert "1 and 1, not paired" in {row[6].text for row in axes.rows}


def test_the_boxes_offer_every_date_and_change_one_side(nightly: Path) -> None:
    box = next(one for one in compared(nightly, FIRST, LAST) if isinstance(one, Beside))
    reference, other = (column[0] for column in box.columns)
    assert isinstance(reference, Pick)
    assert isinstance(other, Pick)
    assert len(reference.options) == 8
    assert next(iter(reference.options)) == LAST  # the newest first
    assert other.changes("x") == {"sides": (FIRST, "x")}


def test_runs_of_two_machines_say_so_and_compare_answers_alone(two_machines: Path) -> None:
    blocks = compared(two_machines, "20260101T000000-q4_0", "20260102T000000-q4_0")
    difference, summary = texts(blocks)[:2]
    assert "machine: AMD EPYC, 2 cores, 16 GiB" in difference
    assert "-> Cortex-A76, 4 cores, 4 GiB" in difference
    # 56 of 100 against 55: one item.
    assert "no significant accuracy difference" in summary
    assert "Times and memory are not compared: measured on unlike machines" in summary


def test_a_run_that_is_not_here_is_named_and_candidates_are_compared(good: Path) -> None:
    blocks = compared(good, "20200101T000000-gone", "20260101T000000-big")
    assert Note('run "20200101T000000-gone" is not here', "link") in blocks
    assert any(isinstance(one, Table) for one in blocks)


def test_two_candidates_runs_are_named_by_candidate(good: Path) -> None:
    summary = texts(compared(good, "20260101T000000-big", "20260101T000000-small"))[1]
    assert summary.startswith("small against big: ")
    assert (
        "candidate: big -> small"
        in texts(compared(good, "20260101T000000-big", "20260101T000000-small"))[0]
    )


def test_the_address_names_both_sides() -> None:
    view = View(sides=("a", "b"))
    assert write_query(view) == {"side": ["a", "b"]}
    assert read_query({"side": ["a", "b"]}) == (view, ())


def test_history_links_each_point_to_the_one_before(nightly: Path) -> None:
    blocks = list(history_page(StoredLibrary([nightly]), View()))
    table = next(one.grid for one in blocks if isinstance(one, Table))
    newest, *_, oldest = table.rows
    place = [head.text for head in table.heads].index("compare")
    assert newest[place].opens
    assert newest[place].opens.changes == {"sides": ("20260107T020000-nightly", LAST)}
    assert oldest[place].opens is None
    # The checks of the last three nights, the last of which regressed, lead to the checks.
    checks = [row[1].text for row in table.rows]
    assert checks == ["regressed", "cannot tell", "cannot tell", "", "", "", "", ""]
    assert newest[1].opens == Go(label="", page="checks", changes={})


def test_candidate_and_checks_lead_to_the_comparison(nightly: Path) -> None:
    library = StoredLibrary([nightly])
    newest = next(
        one
        for one in ways(list(candidate_page(library, View())))
        if one.label == "Compare the newest two"
    )
    assert newest.changes == {"sides": ("20260107T020000-nightly", LAST)}
    check = next(
        one for one in ways(list(checks_page(library, View()))) if one.label.startswith("Compare")
    )
    # The newest run of each side: the last of the batch's five.
    assert check.changes == {"sides": ("20260101T020004-nightly", "20260108T020004-nightly")}


@pytest.mark.parametrize("which", ["good", "hostile"])
def test_the_page_has_a_title(which: str, request: pytest.FixtureRequest) -> None:
    blocks = compared(request.getfixturevalue(which))
    assert blocks[0] == Heading("Compare", 1)


def test_the_newest_two_are_of_one_suite(made: Maker) -> None:
    def at(day: int, suite: str) -> Record:
        return made.record(
            run_id=f"2026010{day}T000000-a", created_at=f"2026-01-0{day}", suite={"digest": suite}
        )

    runs = [at(1, "core"), at(2, "quick"), at(3, "core"), at(4, "damage")]
    assert newest_two(runs) == ("20260101T000000-a", "20260103T000000-a")
    assert newest_two(runs[:2]) is None


def test_candidates_that_failed_are_named_without_paths_or_empty_charts(failed: Path) -> None:
    blocks = compared(failed)
    notes = [one.text for one in blocks if isinstance(one, Note)]
    assert any(" failed in " in one for one in notes)
    assert not [one for one in notes if "samples.parquet" in one]
    assert not [one for one in blocks if isinstance(one, Figure)]
    assert notes[-1].startswith("Items are not compared: ")
