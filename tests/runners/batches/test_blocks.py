"""A plan: what each block runs, what a machine refuses, and the same answers as one invocation."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ArtifactError, SpecError
from evals.questions.reading import read_questions
from evals.suites import Suite
from runners.batches.batch import Batch, plan_jobs, resolver, run_batch
from runners.batches.blocks import (
    BatchPlan,
    Split,
    as_planned,
    batch_of,
    only,
    plan_of,
    plan_text,
    read_plan,
)
from runners.candidates import weights
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget
from runners.jobs.user_level import Users
from runners.records.merging import merge
from runners.records.store import Store
from tests.runners.conftest import Bench

SUITE = Suite.model_validate({"name": "s", "tasks": [{"task": "tiny_choice"}]})


def candidate(name: str, family: str = "", **given: Any) -> Candidate:
    return Candidate.model_validate({"name": name, "family": family, "runtime": "fake", **given})


def planned(split: Split, blocks: int, *, repeats: int = 1) -> list[tuple[Any, ...]]:
    """Blocks of a plan over a1, a2 (one family), b and c."""
    known = candidate("a1", "a"), candidate("a2", "a"), candidate("b"), candidate("c")
    plan = plan_of(Batch(candidates=known, suite=SUITE, repeats=repeats), split, blocks)
    return [(b.candidates, b.rounds, b.score, b.times) for b in plan.blocks]


def test_one_block_runs_all() -> None:
    assert planned("none", 1, repeats=2) == [(("a1", "a2", "b", "c"), (0, 1), "once", True)]


def test_repeats_are_dealt_out_and_each_block_compares_all_candidates() -> None:
    everyone = ("a1", "a2", "b", "c")
    assert planned("repeats", 2, repeats=5) == [
        (everyone, (0, 2, 4), "once", True),
        (everyone, (1, 3), "once", True),
    ]


def test_a_family_is_never_torn_apart() -> None:
    # Largest first, each to the block that has least: a1 a2 | b, then c to the second (1 < 2).
    found = [block[0] for block in planned("families", 2)]
    assert found == [("a1", "a2"), ("b", "c")]


def test_scores_have_a_round_of_their_own_so_that_no_timed_repeat_hides_them() -> None:
    assert planned("scores", 1, repeats=3) == [
        (("a1", "a2", "b", "c"), (0, 1, 2), "never", True),
        (("a1", "a2"), (3,), "each", False),
        (("b",), (3,), "each", False),
        (("c",), (3,), "each", False),
    ]


@pytest.mark.parametrize(
    ("split", "said"),
    [("repeats", "--blocks 9: there are 1 repeats"), ("families", "--blocks 9: there are 3 fam")],
)
def test_more_blocks_than_there_is_to_share_out_are_refused(split: Split, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        planned(split, 9)


DECIDED_ELSEWHERE = {
    "trust_tasks": "the machine's own user",
    "offline": "the machine's own user",
    "accepted": "the machine's own user",
    "allow_code": "the machine's own user",
    "reference": "--against does not go with a plan",
    "order": "only a gate has one",
}


def test_a_plan_carries_whatever_a_batch_asks(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("question,answer\n1+1?,2\n", encoding="utf-8")
    asked = Batch(
        candidates=(candidate("x"), candidate("y")), suite=SUITE, repeats=3, score="each", limit=7,
        data="hub", include=tmp_path, questions=read_questions(own), throughput=True, unscored=True,
        engine_memory_bytes=1 << 20, budget=Budget.model_validate({"name": "b", "cpus": 2}),
        users=Users(levels=(1, 4), seconds=2.0),
    )  # fmt: skip
    file = tmp_path / "plan.json"
    file.write_text(plan_text(plan_of(asked, "none", 1)), encoding="utf-8")
    found = batch_of(read_plan(file))
    drawn = {"name": found.name, "rounds": (0, 1, 2)}
    assert found == replace(asked, **drawn)
    # A field that is new is carried along, or somebody else decides it.
    default = Batch(candidates=(), suite=SUITE)
    carried = {f.name for f in fields(Batch) if getattr(asked, f.name) != getattr(default, f.name)}
    carried |= {"suite", "name", "rounds", "times"}
    assert {f.name for f in fields(Batch)} == carried | set(DECIDED_ELSEWHERE)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    chosen = candidate("x", settings={"context": 512, "fake": {"peak": "1MiB"}}, notes="n ü")
    batch = Batch(candidates=(chosen, candidate("y")), suite=SUITE, repeats=2, limit=3)
    plan = plan_of(batch, "repeats", 2)
    file = tmp_path / "plan.json"
    file.write_text(plan_text(plan), encoding="utf-8")
    assert read_plan(file) == plan
    # Nobody chose threads: the machine that runs it has its own default.
    assert "threads" not in json.loads(plan_text(plan))["candidates"][0]["settings"]
    assert read_plan(file).candidates[0].settings.model_fields_set == {"context", "fake"}
    here = batch_of(only(plan, 1))
    assert (here.name, here.rounds, here.repeats, here.limit) == (plan.name, (1,), 2, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has format 2, and this version reads 1"),
        ({"more": 1}, 'unknown key "more"'),
        ({"suite": {"name": "s"}}, '"suite.tasks" is missing'),
        ({"blocks": []}, "blocks"),
        (
            {"blocks": [{"index": 0, "candidates": ["z"], "rounds": [0], "score": "once"}]},
            'no candidate "z" in the plan',
        ),
        (
            {"blocks": [{"index": 3, "candidates": ["x"], "rounds": [0], "score": "once"}]},
            "not numbered 0, 1, 2",
        ),
    ],
)
def test_what_is_wrong_in_a_plan_is_one_line(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    plan = plan_of(Batch(candidates=(candidate("x"),), suite=SUITE), "none", 1)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**json.loads(plan_text(plan)), **change}), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_plan(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_plan_is_said(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(SpecError, match="is no plan"):
        read_plan(file)


def test_a_plan_of_another_version_or_of_several_blocks_does_not_run() -> None:
    plan = plan_of(Batch(candidates=(candidate("x"),), suite=SUITE, repeats=2), "repeats", 2)
    with pytest.raises(SpecError, match="has 2 blocks; --block 0 to 1"):
        batch_of(plan)
    with pytest.raises(SpecError, match="has no block 2; it has 0 to 1"):
        only(plan, 2)
    with pytest.raises(SpecError, match=r"was made by weighin 9\.9"):
        batch_of(only(plan, 0).model_copy(update={"weighin": "9.9"}))
    with pytest.raises(SpecError, match="folder of tasks is not on this machine"):
        batch_of(only(plan, 0).model_copy(update={"include": "/no/such/folder"}))


def test_weights_of_a_path_must_be_the_planned_ones_on_each_machine() -> None:
    def here(_: Candidate) -> weights.Weights:
        return weights.no_weights()

    one = candidate("x")
    assert as_planned(here, {})(one) == weights.no_weights()
    assert as_planned(here, {"other": "0" * 64})(one) == weights.no_weights()
    refused = as_planned(here, {"x": "0" * 64})(one)
    assert isinstance(refused, ArtifactError)
    assert "the plan was made with " + "0" * 64 in str(refused)
    failed = ArtifactError("not there")
    assert as_planned(lambda _: failed, {"x": "0" * 64})(one) is failed


def run(plan: BatchPlan, index: int, bench: Bench, store: Store) -> None:
    batch = batch_of(only(plan, index))
    jobs = plan_jobs(batch, [bench.tasks["tiny_choice"]], resolver(batch))
    assert all(o.ran for o in run_batch(jobs, bench.options(store=store), lambda *_: None))


def test_blocks_of_two_machines_come_together_as_one_comparison(
    bench: Bench, tmp_path: Path
) -> None:
    candidates = bench.fake("x", text="a"), bench.fake("y", text="b")
    plan = plan_of(Batch(candidates=candidates, suite=SUITE, repeats=2), "repeats", 2)
    stores = [Store(tmp_path / f"node{index}") for index in range(2)]
    for index, store in enumerate(stores):
        store.create()
        run(plan, index, bench, store)
    bench.store.create()
    assert [len(merge(store, bench.store).added) for store in stores] == [2, 2]
    found = [record for record in bench.store.records() if not isinstance(record, Exception)]
    assert {(r.candidate.name, r.job.repeat) for r in found} == {
        ("x", 0), ("y", 0), ("x", 1), ("y", 1),
    }  # fmt: skip
    assert {r.job.batch for r in found} == {plan.name}
    # The tasks are answered in the first repeat of the whole plan alone.
    assert {r.job.repeat for r in found if r.accuracy} == {0}


def test_a_block_of_scores_times_nothing_and_answers_the_same(bench: Bench, tmp_path: Path) -> None:
    plan = plan_of(Batch(candidates=(bench.fake("x"),), suite=SUITE), "scores", 1)
    timed, scored = Store(tmp_path / "timed"), Store(tmp_path / "scored")
    for index, store in enumerate((timed, scored)):
        store.create()
        run(plan, index, bench, store)
    (times,), (scores,) = timed.records(), scored.records()
    usual = bench.outcomes(bench.fake("x"), tasks=("tiny_choice",))[0].record
    assert not isinstance(times, Exception)
    assert not isinstance(scores, Exception)
    assert (bool(times.latency), bool(times.accuracy)) == (True, False)
    assert (bool(scores.latency), bool(scores.accuracy)) == (False, True)
    assert scores.accuracy == usual.accuracy
    assert scores.candidate.digest == times.candidate.digest == usual.candidate.digest
    assert scores.suite.digest == times.suite.digest
    assert len({scores.job.key, times.job.key, usual.job.key}) == 3
