"""What counts is decided by the task: one candidate's values never change another's score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.choose.answer import answer
from leaderboard.choose.choice import choose
from leaderboard.choose.limits import Limits
from leaderboard.choose.overview import look
from leaderboard.choose.resampling import gather
from leaderboard.rows.counting import agreed, scale_of
from leaderboard.rows.peers import usable
from leaderboard.rows.row import Row, merged, row
from leaderboard.rows.view import View
from runners.records.record import Record

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

METRICS: dict[str, dict[str, Any]] = {
    "acc": {"metric": "acc", "scale": "share"},
    "em": {"metric": "em", "scale": "percent"},
    "ppl": {"metric": "word_perplexity", "scale": "perplexity", "higher_is_better": False},
    "own": {"metric": "score", "scale": "unknown"},
    "bleu": {"metric": "bleu", "scale": "corpus"},
}
VALUES = st.none() | st.sampled_from([0.0, 0.4, 0.9, 1.0, 1.3, 45.5, 100.0, -3.0, 1e99])
CANDIDATE = st.fixed_dictionaries(dict.fromkeys(METRICS, VALUES))


def measured(made: Maker, name: str, values: dict[str, float | None]) -> Record:
    tasks = {
        task: made.task(values[task], 50, group=task, stderr=0.1, **metric)
        for task, metric in METRICS.items()
        if task in values
    }
    return made.record(name, tasks=tasks, suite={"tasks": [{"task": task} for task in METRICS]})


def counted(one: Row) -> tuple[Any, ...]:
    """A row's score and, of each of its tasks, whether it counts."""
    return one.score, one.unscored, [(s.name, s.left_out) for s in one.scores]


@settings(max_examples=60, deadline=None)
@given(first=CANDIDATE, second=CANDIDATE, other=CANDIDATE, dropped=st.sampled_from([*METRICS]))
def test_one_candidate_never_changes_what_counts_for_another(
    made: Maker, first: Any, second: Any, other: Any, dropped: str
):
    lacking = {name: value for name, value in other.items() if name != dropped}
    rows = [
        merged([measured(made, "a", first), measured(made, "b", values)])
        for values in (second, other, lacking)
    ]
    assert counted(rows[0][0]) == counted(rows[1][0]) == counted(rows[2][0])
    scored = [{s.name for s in usable(one)} for group in rows for one in group if one.score]
    assert all(names == {"acc", "em"} for names in scored)
    assert rows[2][1].score is None
    for one, values in ((rows[0][0], first), (rows[0][1], second)):
        inside = [0 <= (values[name] or 0) <= most for name, most in (("acc", 1), ("em", 100))]
        usable_all = None not in values.values() and all(inside)
        assert (one.score is not None) == usable_all == (not one.unscored)


def test_per_cent_and_shares_have_one_mean(made: Maker):
    one = row(measured(made, "a", {"acc": 0.4, "em": 45.0, "ppl": 7.0, "own": 3.0, "bleu": 30.0}))
    assert one.score
    # The mean of 40 % and 45 of 100.
    assert math.isclose(one.score.value or 0, 0.425)
    reasons = {s.name: s.left_out.partition(":")[0] for s in one.scores if s.left_out}
    assert reasons == {"ppl": "word_perplexity", "own": "score", "bleu": "bleu"}


def test_0_9_of_100_is_not_90_per_cent(made: Maker):
    poor = {"acc": 0.4, "em": 0.9, "ppl": 7.0, "own": 0.9, "bleu": 0.9}
    good = {"acc": 0.4, "em": 90.0, "ppl": 7.0, "own": 90.0, "bleu": 90.0}
    scores = [row(measured(made, name, v)).score for name, v in (("p", poor), ("g", good))]
    assert [round(s.value or 0, 4) for s in scores if s] == [0.2045, 0.65]


def test_what_has_no_usable_number_is_not_shipped_and_says_why(made: Maker):
    good = {"acc": 0.6, "em": 60.0, "ppl": 7.0, "own": 1.0, "bleu": 3.0}
    silent = {**good, "acc": 1.0, "em": None}
    rows = merged([measured(made, "silent", silent), measured(made, "talks", good)])
    assert [one.unscored for one in rows] == ["em: its em is no finite number", ""]
    found = choose(gather(rows), Limits())
    assert found.row is rows[1]
    assert [one.row for one in found.admission.refused] == [rows[0]]
    alone = choose(gather(rows[:1]), Limits())
    assert answer(alone, Limits()).sentence == (
        "The only candidate does not fit: no suite score (em: its em is no finite number)."
    )
    shown = look(gather(rows), View())
    assert shown.basis.endswith(
        "Not in the accuracy: ppl (word_perplexity), own (score), bleu (bleu)."
    )
    assert [(line.rank, [r.limit for r in line.reasons]) for line in shown.lines] == [
        (1, []),
        (None, ["score"]),
    ]


def test_a_task_of_the_suite_that_the_record_lacks_leaves_no_score(made: Maker):
    one = row(measured(made, "a", {"acc": 0.4}))
    assert one.score is None
    assert one.unscored.startswith("em: the record has no score of it; ppl: ")


def test_a_subject_without_a_score_leaves_its_group_none(made: Maker):
    tasks = {
        "g_a": made.task(0.5, 10, group="g", scale="share"),
        "g_b": made.task(None, 10, group="g", scale="share", unusable="1 of 10 items have none"),
    }
    one = row(made.record(tasks=tasks))
    assert (one.score, one.scores[0].value) == (None, None)
    assert one.unscored == "g: g_b: 1 of 10 items have none"


def test_an_older_record_takes_the_scale_that_a_newer_one_knows(made: Maker):
    own = {"t": made.task(0.5, 50, metric="overlap")}
    old, new = (
        made.record("a", tasks=own),
        made.record("b", tasks={"t": made.task(0.5, 50, metric="overlap", scale="share")}),
    )
    assert scale_of(old.accuracy["t"]) == "unknown"
    assert [scale_of(one.accuracy["t"]) for one in agreed([old, new])] == ["share", "share"]
    assert [bool(one.score) for one in merged([old, new])] == [True, True]
    apart = new.model_copy(update={"suite": new.suite.model_copy(update={"digest": "another"})})
    assert [bool(one.score) for one in merged([old, apart])] == [False, True]


def test_a_repeat_without_a_usable_score_is_not_hidden_by_another(made: Maker):
    """As with `--score each` and answers that are drawn."""
    good = measured(made, "a", {"acc": 0.4, "em": 45.0, "ppl": 7.0, "own": 3.0, "bleu": 30.0})
    odd = measured(made, "a", {"acc": 0.4, "em": None, "ppl": 7.0, "own": 3.0, "bleu": 30.0})
    again = good.job.model_copy(update={"repeat": 1})
    for first, second in ((good, odd), (odd, good)):
        (one,) = merged([first, second.model_copy(update={"job": again})])
        assert (one.score, one.unscored) == (None, "em: its em is no finite number")
