"""The question that loads weights: which command starts a program, and which one asks it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runners.candidates.spec import Candidate
from runners.jobs.loading import load_question

if TYPE_CHECKING:
    from tests.runners.conftest import Bench


def test_a_program_is_started_inside_the_limit_and_asked_outside(bench: Bench):
    served = Candidate.model_validate({"name": "mine", "serve": [sys.executable, "{port}"]})
    jobs = {job.candidate.runtime: job for job, _ in bench.jobs(served, bench.fake())}
    asked = load_question(
        jobs["own-server"], mmap=True, inside=lambda program: ["inside", *program]
    )
    assert (asked.program, asked.unlimited) == (["inside", sys.executable], [sys.executable])
    none = load_question(jobs["fake"], mmap=True)
    assert (none.program, none.unlimited) == ([], [])
