"""Tokens of thought and seconds to the answer: of a run, of a candidate, and where they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leaderboard.pages.overview.columns import known_columns, shown_columns
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import merged, row
from leaderboard.rows.shown import applies, axes_of
from leaderboard.rows.thought import answer_s, thought_tokens
from runners.cli.tables import results
from runners.records.answers import AnswersInfo, SummaryInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def told(n: int, thought: int, mean: float | None) -> AnswersInfo:
    waits = None
    if mean is not None:
        waits = SummaryInfo(
            n=n, p50=mean, p95=mean, p99=None, mean=mean, minimum=mean, maximum=mean
        )
    return AnswersInfo(n=n, tokens=thought + 5 * n, thought_tokens=thought, answer_s=waits)


@pytest.mark.parametrize(
    ("answers", "tokens", "seconds"),
    [
        ({}, None, None),
        ({"a": told(4, 0, 0.5)}, 0.0, 0.5),
        # 100 tokens over 4 + 6 items; (4 * 2 s + 6 * 1 s) / 10.
        ({"a": told(4, 100, 2.0), "b": told(6, 0, 1.0)}, 10.0, 1.4),
        # A task whose answers were packed leaves no mean over all.
        ({"a": told(4, 100, 2.0), "b": told(6, 0, None)}, 10.0, None),
    ],
)
def test_a_runs_numbers(made: Maker, answers, tokens, seconds):
    record = made.record("a", answers=answers)
    assert thought_tokens(record) == tokens
    assert answer_s(record) == (None if seconds is None else pytest.approx(seconds))


def test_a_candidates_numbers_are_means_over_its_runs(made: Maker):
    runs = [
        made.record("a", repeat=i, answers={"t": told(2, 2 * thought, wait)})
        for i, (thought, wait) in enumerate([(10, 1.0), (20, 3.0)])
    ]
    (merged_row,) = merged(runs)
    assert (merged_row.value("thought"), merged_row.value("answer")) == (15.0, 2.0)


def test_they_show_where_some_candidate_thinks(made: Maker):
    plain = row(made.record("plain", answers={"t": told(2, 0, 1.0)}))
    thinks = row(made.record("thinks", answers={"t": told(2, 40, 3.0)}))
    for rows, shown in (([plain], False), ([plain, thinks], True)):
        assert applies(METRICS["answer"], rows) == shown
        assert ("thought" in axes_of(rows)) == shown
        keys = [one.key for one in shown_columns(known_columns(rows), (), rows)]
        assert ({"thought", "answer"} <= set(keys)) == shown
        heads = [str(column.heading) for column in results(rows).columns]
        assert ("answer s" in heads) == shown
    # What an address has chosen stays.
    assert "thought" in axes_of([plain], "thought")
