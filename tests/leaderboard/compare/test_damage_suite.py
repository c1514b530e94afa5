"""The suite `damage`: its 64 items judge every quantisation of the reference runs rightly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.suites import find_suite
from leaderboard.compare.conclusion import conclusion
from leaderboard.compare.fidelity import fidelity
from leaderboard.rows.answers import Answers, read_answers
from runners.batches.batch import Batch, prepare_tasks
from tests.support.reference import STORE, ladder_runs

RUNGS = {
    "q8_0": "no damage beyond 2.0%",
    "q4_1": "no damage beyond 2.0%",  # the reference was made of it: a control
    "q4_k_m": "damaged",
    "q4_0": "damaged",
    "q2_k": "damaged",
}


@pytest.mark.data
def test_a_reference_that_ran_core_has_answered_it_and_every_rung_is_judged_rightly():
    tasks = prepare_tasks(Batch(candidates=(), suite=find_suite("damage")))
    asked = {(t.loaded.name, i.identity, i.doc_id) for t in tasks for i in t.items}
    assert len(asked) == 64
    scored = {one.candidate.name.rpartition("-")[2]: one for one in ladder_runs() if one.accuracy}

    def answers(name: str) -> Answers:
        whole = read_answers(scored[name], STORE.answers(scored[name]))
        rows = {k: v for k, v in whole.rows.items() if (k.task, k.item, k.doc_id) in asked}
        assert len(rows) == 64
        return replace(whole, rows=rows)

    f16 = answers("f16")
    said = {name: conclusion(fidelity(f16, answers(name)), name, "f16") for name in RUNGS}
    for name, verdict in RUNGS.items():
        assert said[name].startswith(f"{name} against f16: {verdict}: its answers are "), said[name]
