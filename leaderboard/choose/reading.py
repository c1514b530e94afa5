"""What runs answered, as a choice needs it: read where the candidates are few enough."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from leaderboard.choose.preferences import Judge
from leaderboard.choose.resampling import Peers, gather
from leaderboard.choose.view_limits import ability_limits
from leaderboard.compare.fidelity import Fidelity, fidelity
from leaderboard.rows.abilities import task_weights
from leaderboard.rows.answers import Answers, ItemKey
from leaderboard.rows.peers import Scores
from leaderboard.rows.row import Row
from leaderboard.rows.view import View

MOST_PAIRED = 16
"""Candidates up to which their samples are read to compare them item by item."""
Read = Callable[[str], Answers | None]
"""A run's answers by its id; None where it has none that can be read."""


def read_peers(
    rows: Sequence[Row],
    read: Read,
    weights: Mapping[str, float] | None = None,
    *,
    parts: Collection[str] = (),
) -> Peers:
    """Gather rows with their items and passages.

    Args:
        rows: of one machine, suite and budget.
        read: how a run's answers are read.
        weights: of tasks and groups in the accuracy; 1 where not named.
        parts: tasks and groups whose own accuracies are drawn, too.
    """
    scores: dict[str, Scores] = {}
    clusters: dict[ItemKey, Hashable] = {}
    for row in rows if len(rows) <= MOST_PAIRED else ():
        found = read(row.record.run_id)
        if found is not None:
            scores[row.record.run_id] = found.scores
            clusters |= found.passages()
    return gather(rows, weights=weights, answers=scores, clusters=clusters, parts=parts)


def gather_for(rows: Sequence[Row], read: Read, view: View) -> Peers:
    """Gather rows with what a view's weights and limits on abilities need.

    Args:
        rows: of one machine, suite and budget.
        read: how a run's answers are read.
        view: what counts.
    """
    limited = [name for one in ability_limits(view, rows) for name in one.shares]
    return read_peers(rows, read, task_weights(view, rows), parts=limited)


def judge_by(read: Read, peers: Peers) -> Judge:
    """A judge of fidelity for rows whose items were read, each pair once.

    Args:
        read: how a run's answers are read.
        peers: the rows.
    """
    known: dict[tuple[str, str], Fidelity] = {}

    def judge(reference: Row, other: Row) -> Fidelity | None:
        ids = (reference.record.run_id, other.record.run_id)
        if ids not in known:
            both = [read(run_id) if run_id in peers.answers else None for run_id in ids]
            if both[0] is None or both[1] is None:
                return None
            known[ids] = fidelity(both[0], both[1])
        return known[ids]

    return judge
