"""Tables of the Compare panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.compare.comparison import Side, compare
from leaderboard.pages.compare.tables import outside_grid, tasks_grid

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_what_enters_no_mean_has_a_table_of_its_own(made: Maker) -> None:
    tasks = {
        "t": made.task(1.0, 2, scale="share"),
        "ppl": made.task(7.5, 6, group="ppl", metric="perplexity", scale="perplexity"),
        "bleu": made.task(31.0, 2, group="bleu", metric="bleu", scale="corpus"),
    }
    nats = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]
    table = {"t": [1.0] * 2, "ppl": [None] * 6, "bleu": [None] * 2}
    sides = [
        Side(
            runs=(made.record(name, tasks=tasks),),
            samples=made.samples(
                table, **{"metric.perplexity": [None] * 2 + [x - less for x in nats] + [None] * 2}
            ),
        )
        for name, less in (("a", 0.0), ("b", 0.5))
    ]
    (found,) = compare(sides)
    assert [row[0].text for row in tasks_grid(found, "").rows] == ["t"]
    rows = [[cell.text for cell in row] for row in outside_grid(found, "").rows]
    # Half a nat less in each document: e^0.5 = 1.65.
    assert rows[0] == ["ppl", "perplexity", "7.50", "7.50", "1.65", "1.65 to 1.65", "6"]
    assert rows[1][:4] == ["bleu", "bleu", "31.0", "31.0"]
    assert "worked out over all documents" in outside_grid(found, "").rows[1][4].hint
