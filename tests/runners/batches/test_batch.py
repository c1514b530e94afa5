"""Candidates and repeats -> jobs in order; what was measured already is not measured again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError, WeighinError
from runners.batches.batch import Batch, plan_jobs, prepare_tasks, run_batch
from runners.candidates.weights import Weights, no_weights

if TYPE_CHECKING:
    from pathlib import Path

    from runners.candidates.spec import Candidate
    from tests.runners.conftest import Bench


def order(jobs: list[tuple[Any, Any]]) -> list[tuple[str, int]]:
    return [(job.candidate.name, job.repeat) for job, _ in jobs]


def test_one_repeat_runs_in_the_order_that_was_given(bench: Bench):
    jobs = bench.jobs(*(bench.fake(name) for name in "cab"))
    assert order(jobs) == [("c", 0), ("a", 0), ("b", 0)]
    assert [job.scores for job, _ in jobs] == [True] * 3
    assert [(job.position, job.jobs) for job, _ in jobs] == [(0, 3), (1, 3), (2, 3)]
    assert len({job.batch for job, _ in jobs}) == 1


def test_repeats_are_interleaved_in_an_order_that_the_seed_gives(bench: Bench):
    names = "abcd"
    jobs = bench.jobs(*(bench.fake(name) for name in names), repeats=6)
    rounds = [order(jobs)[n : n + 4] for n in range(0, 24, 4)]
    for repeat, one in enumerate(rounds):
        assert sorted(one) == [(name, repeat) for name in names]
    assert len({tuple(name for name, _ in one) for one in rounds}) > 1  # not one order for all
    assert order(bench.jobs(*(bench.fake(name) for name in names), repeats=6)) == order(jobs)
    assert len({job.key for job, _ in jobs}) == 24
    # Answers are the same to the bit each time: the first repeat has them for all.
    assert [job.scores for job, _ in jobs] == [True] * 4 + [False] * 20


def test_a_later_repeat_is_timed_only(bench: Bench):
    first, second = (o.record for o in bench.outcomes(bench.fake(), repeats=2))
    assert list(second.memory.phases if second.memory else ()) == ["baseline", "load", "latency"]
    assert (list(second.latency), second.accuracy) == (["8+4"], {})
    assert (len(first.accuracy), first.status, second.status) == (4, "completed", "completed")
    assert not (bench.store.root / second.run_id / "samples.parquet").exists()


def test_what_is_in_the_store_is_not_run_again(bench: Bench):
    (first,) = bench.outcomes(bench.fake())
    bench.steps.clear()
    (second,) = bench.outcomes(bench.fake())
    assert (first.ran, second.ran) == (True, False)
    assert (second.record.run_id, bench.steps) == (first.record.run_id, [])
    (third,) = bench.outcomes(bench.fake(), fresh=True)
    assert third.ran
    assert third.record.run_id != first.record.run_id
    both = bench.outcomes(bench.fake(), repeats=2)
    assert sorted((o.record.job.repeat, o.ran) for o in both) == [(0, False), (1, True)]


def test_a_failed_job_is_tried_again(bench: Bench):
    told = {"fail_at": "generation", "fail_how": "exit"}
    (first,) = bench.outcomes(bench.fake(**told))
    (second,) = bench.outcomes(bench.fake(**told))
    assert (first.ran, second.ran) == (True, True)
    assert first.record.run_id != second.record.run_id


def test_a_candidate_that_dies_does_not_stop_the_others(bench: Bench):
    dying = [bench.fake(how, fail_at="scoring", fail_how=how) for how in ("kill", "garbage")]
    outcomes = bench.outcomes(dying[0], bench.fake("one"), dying[1], bench.fake("two"))
    assert [o.record.status for o in outcomes] == ["failed", "completed", "failed", "completed"]


def test_weights_that_cannot_be_had_fail_their_own_jobs_only(bench: Bench):
    def resolve(candidate: Candidate) -> Weights | WeighinError:
        return ArtifactError("no such place") if candidate.name == "lost" else no_weights()

    candidates = (bench.fake("lost"), bench.fake("here"))
    suite = bench.jobs(bench.fake())[0][0].suite
    jobs = plan_jobs(Batch(candidates=candidates, suite=suite), list(bench.tasks.values()), resolve)
    lost, here = run_batch(jobs, bench.options(), lambda _, step: bench.steps.append(step))
    assert (lost.record.status, here.record.status) == ("failed", "completed")
    assert lost.record.error
    assert (lost.record.error.phase, lost.record.error.message) == ("fetch", "no such place")
    assert lost.record.memory is lost.record.load is lost.record.engine is None
    assert {one.n for one in lost.record.accuracy.values()} == {0}
    assert not (bench.store.root / lost.record.run_id / "samples.parquet").exists()
    assert bench.store.read(lost.record.run_id).error == lost.record.error


def test_an_interruption_ends_the_batch(bench: Bench):
    def on_step(job: Any, step: Any) -> None:
        if (job.candidate.name, step.phase) == ("b", "scoring"):
            raise KeyboardInterrupt

    jobs = bench.jobs(*(bench.fake(name) for name in "abc"))
    outcomes = list(run_batch(jobs, bench.options(), on_step))
    assert [(o.record.candidate.name, o.record.status) for o in outcomes] == [
        ("a", "completed"),
        ("b", "interrupted"),
    ]


def test_items_are_built_once_and_limited(bench: Bench, tiny: Path):
    suite = bench.jobs(bench.fake())[0][0].suite
    batch = Batch(candidates=(bench.fake(),), suite=suite, limit=5, include=tiny)
    tasks = prepare_tasks(batch)
    assert [(t.loaded.name, len(t.items), t.generates) for t in tasks] == [
        ("tiny_choice", 5, False),
        ("tiny_cloze", 5, False),
        ("tiny_prose", 5, False),
        ("tiny_answer", 5, True),
    ]
