"""Which candidates and comparisons have pages of their own in the exported file."""

from __future__ import annotations

import pytest

from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.export.site.overview import ANY, Judged
from leaderboard.export.site.pages import MOST_PAGES, pair_names, pairs, shown
from leaderboard.rows.selection import select
from leaderboard.rows.view import PREFERENCES, View
from tests.leaderboard.conftest import Maker

MIB = 2**20


def judged(made: Maker, count: int) -> Judged:
    """So many candidates, `c00` the best and the largest, the last one the only one under 50 MiB.

    Each is a point or more below the one before, which 100,000 items tell apart.
    """
    rows = [
        made.row(
            f"c{i:02}", 0.99 - 0.9 * i / count, 100_000,
            peak=(40 if i == count - 1 else 1000 - i) * MIB,
        )
        for i in range(count)
    ]  # fmt: skip
    peers, selection = gather(rows), select(rows, View())
    assert selection is not None
    views = {ANY: View(), "small": View(limits=(("memory", 50.0),))}
    found = {name: dict.fromkeys(PREFERENCES, look(peers, view)) for name, view in views.items()}
    return Judged(selection=selection, found=found, failed={})


def names(pair) -> tuple[str, str]:
    return tuple(row.record.candidate.name for row in pair)


def test_of_few_candidates_every_two_are_compared_once(made: Maker):
    found = judged(made, 4)
    assert len(shown(found)) == 4
    assert len({frozenset(names(pair)) for pair in pairs(found)}) == len(pairs(found)) == 6


@pytest.mark.parametrize("count", [13, MOST_PAGES + 20])
def test_of_many_the_best_and_what_an_answer_names_have_pages(made: Maker, count: int):
    found = judged(made, count)
    last = f"c{count - 1:02}"
    digests = [row.record.candidate.digest for row in shown(found)]
    assert len(digests) == min(count, MOST_PAGES)
    # Recommended, its runner-up, what fits the small computer; then by rank.
    assert {"c00", "c01", last} < set(digests)
    assert digests[3:5] == ["c02", "c03"]
    # Each is compared with the best.
    assert {frozenset(names(pair)) for pair in pairs(found)} == {
        frozenset(("c00", digest)) for digest in digests if digest != "c00"
    }


def test_the_runner_up_of_an_answer_is_its_reference(made: Maker):
    found = judged(made, 13)
    # The recommendation is `c00`; beside it stands `c01`.
    assert pair_names(found)[frozenset(("c00", "c01"))] == "compare-c01-c00"
