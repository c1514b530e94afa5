"""Rows with the answers of their scored runs, as comparisons take them."""

from __future__ import annotations

from dataclasses import replace

from leaderboard.app import picks, readings
from leaderboard.compare.comparison import Side
from leaderboard.rows.row import Row


def side(row: Row) -> tuple[Side, str]:
    """One side of a comparison, and why its answers are missing where they are."""
    found = Side(runs=picks.runs(row))
    answers, reason = readings.answers(found.scored.run_id)
    return (replace(found, samples=answers.samples) if answers else found), reason
