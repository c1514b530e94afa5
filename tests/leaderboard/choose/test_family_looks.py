"""Fidelity at a look: on the reference run's six quantisations of one model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboard.choose.family_looks import FamilyJudged, judge_families
from leaderboard.rows.answers import Answers, read_answers
from runners.records.record import Record
from runners.records.store import Store

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
A_TASK = 8
"""Items of each task that are looked at: 64 texts, and labels."""


@pytest.fixture(scope="module")
def first_look() -> dict[str, Answers]:
    """The first items of each task, by quantisation."""
    store = Store(REFERENCE)
    found = {}
    for record in store.records():
        if isinstance(record, Record) and record.accuracy and record.suite.name == "core":
            samples = store.answers(record)
            seen: dict[str, int] = {}
            keep = []
            for place, task in enumerate(samples.column("task").to_pylist()):
                seen[task] = seen.get(task, 0) + 1
                keep += [place] if seen[task] <= A_TASK else []
            name = record.candidate.name.removeprefix("smollm2-135m-instruct-")
            found[name] = read_answers(record, samples.take(keep))
    return found


def judged(answers: dict[str, Answers], *names: str) -> FamilyJudged:
    return judge_families([answers[name] for name in names], len(names))


def test_a_few_items_settle_what_answers_alike(first_look: dict[str, Answers]):
    # Perplexity ratios 1.003 and 1.006 pass at 2 %: accuracy would need 22,200 and 79,000 items.
    assert judged(first_look, "f16", "q8_0", "q4_1") == FamilyJudged(beaten=(), alike=True)
    assert not judged(first_look, "f16", "q4_k_m").alike


def test_one_that_a_smaller_one_beats_is_asked_no_more(first_look: dict[str, Answers]):
    # Peaks: F16 430 MiB, Q8_0 309, Q2_K 298, Q4_1 265; ratios 1, 1.006, 1.30 and 1.003: Q4_1 is
    # smaller than Q2_K and closer to F16.
    # What is left then answers alike, so that it is settled.
    assert judged(first_look, "q2_k", "f16", "q4_1") == FamilyJudged(beaten=(0,), alike=True)
    # Q8_0 is closer, too, and larger.
    assert judged(first_look, "q2_k", "f16", "q8_0").beaten == ()
    # F16 is closer than any, and larger: it beats nobody.
    assert judged(first_look, "f16", "q2_k").beaten == ()
    # One that answers alike is not beaten, however large.
    assert judged(first_look, "f16", "q8_0", "q4_1").beaten == ()


def test_other_models_are_no_matter_of_fidelity(made: Maker, first_look: dict[str, Answers]):
    other = made.record("other", tasks={"t": made.task(0.5, 10)}, candidate={"family": "else"})
    stranger = read_answers(other, made.samples({"t": [1.0] * 5 + [0.0] * 5}))
    found = judge_families([first_look["f16"], first_look["q8_0"], stranger], 3)
    assert found == FamilyJudged(beaten=(), alike=False)
    assert judge_families([first_look["f16"]], 3) == FamilyJudged(beaten=(), alike=False)
