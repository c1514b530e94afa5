"""One job from end to end: the shipped fake in a real worker, on a user's own tasks."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import RecordError, RuntimeFailure
from evals.suites import Workload
from runners.candidates.spec import Candidate
from runners.jobs.journal import FILE, Journal
from runners.measure import linux
from runners.records.latency import headline
from runners.records.record import Record
from runners.runtimes.fake.spec import FakeSettings
from runners.runtimes.llamacpp.prove import Proof
from runners.worker import protocol
from tests.runners.conftest import tiny_suite

if TYPE_CHECKING:
    from pathlib import Path

    from runners.jobs.job import Job
    from runners.jobs.prepared import PreparedTask
    from tests.runners.conftest import Bench

# architecture.md, "A record on disk".
KEYS = {
    "schema_version", "run_id", "created_at", "command", "status", "error", "verdict", "job",
    "candidate", "suite", "data", "budget", "machine", "software", "accuracy", "latency", "answers",
    "load", "memory", "server", "executor", "engine", "noise", "noise_floor", "divergence", "flags",
    "energy", "imported", "gpu", "users", "contexts",
}  # fmt: skip
PHASES = ["baseline", "load", "latency", "scoring", "generation"]


def same(one: Record, other: Record) -> bool:
    """Equal on disk; in memory a list of GPUs may still be a tuple."""
    return one.model_dump_json() == other.model_dump_json()


def test_a_completed_record_holds_all_that_is_documented(bench: Bench):
    record = bench.run(pick=1)
    assert (record.status, record.error, record.verdict) == ("completed", None, None)
    content = record.model_dump(mode="json")
    assert set(content) == KEYS
    absent = {
        "error", "verdict", "budget", "divergence", "imported", "server", "executor", "users",
        "gpu",
    }  # fmt: skip
    assert {key for key in KEYS if content[key] is None} == absent
    assert [one.task for one in record.data] == list(record.accuracy)
    assert {one.source for one in record.data} == {"folder"}
    assert record.candidate.settings["fake"] == {"pick": 1}
    assert record.suite.workloads == ["8+4"]
    assert record.software.runtime == "fake"
    assert record.machine.fingerprint
    assert same(bench.store.read(record.run_id), record)


def test_every_phase_has_its_memory(bench: Bench):
    told = {"memory_bytes": 32 * 2**20, "spike_bytes": 64 * 2**20}
    memory = bench.run(**told).memory
    assert memory
    assert list(memory.phases) == PHASES
    peaks = {phase: found.peak_bytes for phase, found in memory.phases.items()}
    # 32 MiB from loading on, 64 MiB more in each timed request alone.
    assert peaks["load"] - peaks["baseline"] > 30 * 2**20
    assert peaks["latency"] - peaks["load"] > 60 * 2**20
    assert peaks["latency"] - peaks["scoring"] > 60 * 2**20
    assert memory.series


def test_a_candidate_that_starts_a_child_is_measured_with_it(bench: Bench):
    alone, together = bench.run().memory, bench.run(child_bytes=64 * 2**20).memory
    assert alone
    assert together
    assert alone.source == "VmHWM"
    assert together.source == "VmHWM of 2 processes, summed (an upper bound)"
    more = {
        phase: found.peak_bytes - alone.phases[phase].peak_bytes
        for phase, found in together.phases.items()
    }
    # The child's 64 MiB and its interpreter, from loading on.
    assert more["baseline"] < 4 * 2**20
    assert all(64 * 2**20 < more[phase] < 96 * 2**20 for phase in PHASES[1:])


def test_latency_is_what_the_fake_was_told(bench: Bench):
    record = bench.run(delay_first_token_s=0.02, delay_per_token_s=0.01, delay_load_s=0.05)
    one = record.latency["8+4"]
    assert (one.prompt_tokens, one.new_tokens, one.evaluated_tokens) == (8, 4, 8)
    assert (len(one.warmups), len(one.repeats)) == (1, 2)
    assert [len(request.token_s) for request in one.repeats] == [4, 4]
    # The first token is due after 20 ms, the last of four 30 ms later: 10 ms a token.
    assert 0.02 <= one.ttft_s.minimum < 0.06
    assert one.tpot_s.p50 == pytest.approx(0.01, abs=0.005)
    assert one.itl_s.n == 2 * 3
    assert record.load
    assert record.load.load_s >= 0.05
    parts = [record.load.ready_s, record.load.load_s, record.load.first_token_s or 0.0]
    assert record.load.cold_start_s == pytest.approx(math.fsum(parts))


def test_a_workload_that_does_not_fit_is_skipped_and_said(bench: Bench):
    candidate = bench.fake()
    short = candidate.settings.model_copy(update={"context": 16})
    ((job, _),) = bench.jobs(candidate.model_copy(update={"settings": short}))
    workload = job.suite.workloads[0].model_copy(update={"prompt_tokens": 13})  # and 4 more: 17
    suite = job.suite.model_copy(update={"workloads": (*job.suite.workloads, workload)})
    record = run(bench, job, suite=suite)
    assert list(record.latency) == ["8+4"]
    assert [(f.name, f.detail) for f in record.flags if f.name == "workload skipped"] == [
        ("workload skipped", "13+4 tokens do not fit the candidate's context")
    ]


FILL = Workload(prompt_tokens="fill", new_tokens=4)


def test_a_workload_that_fills_the_context_is_one_request_of_the_candidates_own_length(
    bench: Bench,
):
    candidate = bench.fake()
    short = candidate.settings.model_copy(update={"context": 100})
    ((job, _),) = bench.jobs(candidate.model_copy(update={"settings": short}))
    suite = job.suite.model_copy(update={"workloads": (*job.suite.workloads, FILL)})
    record = run(bench, job, suite=suite)
    assert record.suite.workloads == ["8+4", "fill+4"]
    filled = record.latency["fill+4"]
    assert (filled.prompt_tokens, filled.evaluated_tokens, filled.new_tokens) == (96, 96, 4)
    assert (len(filled.warmups), len(filled.repeats)) == (0, 1)
    assert headline(record.latency) == "8+4"  # though its prompt is shorter


def test_a_context_that_is_too_short_to_fill_is_said(bench: Bench):
    candidate = bench.fake()
    short = candidate.settings.model_copy(update={"context": 16})
    ((job, _),) = bench.jobs(candidate.model_copy(update={"settings": short}))
    long = FILL.model_copy(update={"new_tokens": 16})
    record = run(bench, job, suite=job.suite.model_copy(update={"workloads": (long,)}))
    assert [f.detail for f in record.flags if f.name == "workload skipped"] == [
        "fill+16 tokens do not fit the candidate's context"
    ]


def test_many_repeats_time_two_requests_and_are_the_same_jobs(bench: Bench):
    usual = tiny_suite().model_copy(update={"latency_repeats": None})
    ((job, _),) = bench.jobs(bench.fake())
    few, many = replace(job, suite=usual, repeats=5), replace(job, suite=usual, repeats=10)
    assert few.key == many.key
    assert len(run(bench, many).latency["8+4"].repeats) == 2
    assert len(run(bench, replace(few, repeat=1)).latency["8+4"].repeats) == 5
    # What a suite fixes is part of what is asked.
    fixed = usual.workloads[0].model_copy(update={"requests": 3})
    assert replace(job, suite=usual.model_copy(update={"workloads": (fixed,)})).key != few.key


def run(bench: Bench, job: Job, **changes: Any) -> Record:
    from runners.jobs.run import run_job

    return run_job(replace(job, **changes), bench.options(), bench.steps.append)


# Accuracy is as the fake is told.


def fakes_draw(text: str) -> float:
    """The fake's own rule for being wrong, seed 0."""
    digest = hashlib.sha256(f"0/wrong/{text}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def wrong_items(task: PreparedTask, rate: float) -> int:
    """Items of a task of choices that the fake will answer with the next choice."""
    asked = [([i.instances[0].args[0]], [(0, x.args[1]) for x in i.instances]) for i in task.items]
    return sum(fakes_draw(repr(one)) < rate for one in asked)


def test_always_right(bench: Bench):
    accuracy = bench.run(pick=1, text="42").accuracy  # every gold label is 1; of 12 answers 8
    assert {name: one.value for name, one in accuracy.items()} == {
        "tiny_choice": 1.0,
        "tiny_cloze": 1.0,
        "tiny_answer": pytest.approx(8 / 12),
        "tiny_prose": accuracy["tiny_prose"].value,
    }
    assert accuracy["tiny_choice"].stderr == 0.0
    assert accuracy["tiny_choice"].chance == pytest.approx(1 / 3)
    assert {(one.n, one.asked) for one in accuracy.values()} == {(12, 12)}


def test_never_right(bench: Bench):
    assert bench.run(pick=0).accuracy["tiny_choice"].value == 0.0


def test_wrong_as_often_as_it_is_told(bench: Bench):
    wrong = wrong_items(bench.tasks["tiny_choice"], 0.3)
    assert 0 < wrong < 12
    found = bench.run(pick=1, wrong_rate=0.3).accuracy["tiny_choice"]
    assert found.value == pytest.approx((12 - wrong) / 12)


def test_the_same_job_gives_the_same_answers(bench: Bench):
    one, other = bench.fake(wrong_rate=0.5), bench.fake(wrong_rate=0.5)
    first, second = bench.outcomes(one)[0].record, bench.outcomes(other, fresh=True)[0].record
    assert first.run_id != second.run_id
    assert first.job.key == second.job.key
    assert first.accuracy == second.accuracy


# What "already run" means.


def key(bench: Bench, **changes: Any) -> str:
    ((job, _),) = bench.jobs(bench.fake())
    return replace(job, **changes).key


def test_a_key_hangs_on_what_is_measured(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake())
    same = [key(bench), key(bench, batch="other", position=3, jobs=9)]
    assert set(same) == {job.key}
    first, *rest = job.tasks
    few = replace(first, items=first.items[:3])
    shot = replace(first, loaded=replace(first.loaded, num_fewshot=1))
    other_filter = replace(first, loaded=replace(first.loaded, filter="whole"))
    target = replace(first.items[0], target=2)
    relabelled = replace(first, items=(target, *first.items[1:]))
    changed = [
        key(bench, repeat=1),
        key(bench, scores=False),
        key(bench, candidate=bench.fake(pick=1)),
        key(bench, candidate=bench.fake("other")),
        key(bench, suite=job.suite.model_copy(update={"seed": 1})),
        key(bench, suite=job.suite.model_copy(update={"workloads": ()})),
        key(bench, machine=replace(job.machine, usable_cpus=99)),
        *(key(bench, tasks=[one, *rest]) for one in (few, shot, other_filter, relabelled)),
    ]
    assert len({job.key, *changed}) == 1 + len(changed)


def test_conditions_change_the_key_and_not_the_candidate(bench: Bench):
    ((job, _),) = bench.jobs(Candidate.model_validate({"name": "fake", "runtime": "fake"}))
    here = job.machine
    others = [
        replace(job, machine=replace(here, cpu_features=(*here.cpu_features, "amx_int8"))),
        replace(job, machine=replace(here, usable_cpus=here.usable_cpus + 1)),  # so many threads
        replace(job, weights=replace(job.weights, made_from="x.gguf, converted by transformers 6")),
        replace(job, proof=Proof(verdict="plain", problem="SIGSEGV", build="AMX_INT8")),
    ]
    assert {one.candidate_digest for one in others} == {job.candidate_digest}
    assert len({job.key, *(one.key for one in others)}) == 5
    chosen = job.candidate.model_copy(update={"settings": FakeSettings(threads=here.usable_cpus)})
    assert replace(job, candidate=chosen).candidate_digest != job.candidate_digest


def test_a_key_hangs_on_how_answers_are_generated(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake(), tasks=("tiny_answer",))
    before = job.key
    arguments = [i.instances[0].args[1] for i in job.tasks[0].items]
    kept = arguments[0]["max_gen_toks"]
    try:
        arguments[0]["max_gen_toks"] = kept + 1
        assert replace(job).key != before
    finally:
        arguments[0]["max_gen_toks"] = kept
    assert replace(job).key == before


# Failing is an outcome.

BEFORE = {phase: PHASES[: PHASES.index(phase)] for phase in PHASES}
WAYS = [
    ("exception", "a bug in the worker: ZeroDivisionError: the fake was told to crash in {}"),
    ("refuse", "the fake was told to refuse in {}"),
    ("nan", "the model's logits are not numbers (the largest is nan)"),
    ("exit", "the worker ended with exit code 7"),
    ("kill", "the worker was ended by SIGKILL (the system may have been out of memory)"),
    ("garbage", "the worker's pipe carried garbage"),
]


@pytest.mark.parametrize(("how", "says"), WAYS, ids=[how for how, _ in WAYS])
@pytest.mark.parametrize("phase", PHASES[1:])
def test_a_failure_keeps_what_was_measured_before(bench: Bench, phase: str, how: str, says: str):
    failing = bench.fake("bad", pick=1, fail_at=phase, fail_how=how, fail_after=3)
    (outcome,) = bench.outcomes(failing)
    record = outcome.record
    assert record.status == "failed"
    assert record.error
    assert record.error.phase == phase
    assert record.error.message.startswith(says.format(phase))
    assert ("Traceback" in record.error.traceback) == (how == "exception")
    # A worker that refuses lives on, so that its high-water mark can still be read.
    lives = how in ("exception", "refuse", "nan")
    phases = record.memory.phases if record.memory else {}
    assert list(phases) == [*BEFORE[phase], *([phase] if lives else [])]
    if lives:
        assert phases[phase].peak_bytes > 0  # type: ignore[index]
        assert phases[phase].split_unknown == "the phase did not end"  # type: ignore[index]
    assert (record.load is None) == (phase == "load")
    assert list(record.latency) == ([] if phase in ("load", "latency") else ["8+4"])
    # A window is answered as a whole: the three items before the failure are lost with it.
    answered = {name: one.n for name, one in record.accuracy.items()}
    asked = {"tiny_choice", "tiny_cloze", "tiny_prose"} if phase == "generation" else set()
    assert answered == {name: 12 if name in asked else 0 for name in answered}
    assert same(bench.store.read(record.run_id), record)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["latency", "scoring"])
def test_a_worker_that_hangs_is_ended(bench: Bench, phase: str):
    failing = bench.fake(fail_at=phase, fail_how="hang")
    (outcome,) = bench.outcomes(failing, timeout_s=2.0)
    assert outcome.record.error
    assert outcome.record.error.phase == phase
    assert "said nothing for 2 s and was ended (--timeout" in outcome.record.error.message


def test_an_option_that_the_fake_does_not_know(bench: Bench):
    record = bench.run(mood="bad")
    assert record.error
    assert record.error.message.startswith('settings.fake: unknown key "mood" (known: ')


def test_scoring_that_fails_is_said_and_nothing_else_is_lost(bench: Bench):
    def without_sandbox(*_: Any) -> None:
        raise RuntimeFailure("the sandbox cannot be started")

    broken = {"tiny_choice": None, "tiny_answer": without_sandbox}
    tasks = {name: bench.tasks[name].loaded.task for name in broken}
    kept = {name: task.process_results for name, task in tasks.items()}
    for name, task in tasks.items():
        task.process_results = broken[name]  # lm-eval's task, broken by its author
    try:
        record = bench.run(pick=1)
    finally:
        for name, task in tasks.items():
            task.process_results = kept[name]
    assert record.status == "failed"
    assert record.error
    assert 'task "tiny_choice": its scoring fails: TypeError' in record.error.message
    assert {name: record.accuracy[name].n for name in broken} == dict.fromkeys(broken, 0)
    assert record.accuracy["tiny_cloze"].value == 1.0


# Interrupted, and taken up again.


def interrupted_at(bench: Bench, task: str, **options: Any) -> Record:
    """Ctrl-C as the parent asks for the window of a task."""

    def notify(step: Any) -> None:
        if step.task == task:
            raise KeyboardInterrupt

    from runners.jobs.run import run_job

    ((job, _),) = bench.jobs(bench.fake(wrong_rate=0.5))
    return run_job(job, bench.options(**options), notify)


def rows(bench: Bench, record: Record) -> list[dict[str, Any]]:
    """The samples without their times."""
    table = bench.store.samples(record.run_id)
    return table.drop_columns(["prefill_s", "token_s"]).to_pylist()


@pytest.mark.parametrize("task", ["tiny_choice", "tiny_prose", "tiny_answer"])
def test_an_interrupted_job_goes_on_where_it_stopped(bench: Bench, task: str):
    order = ["tiny_choice", "tiny_cloze", "tiny_prose", "noise floor", "tiny_answer"]
    done = order[: order.index(task)]
    first = interrupted_at(bench, task)
    assert first.status == "interrupted"
    assert first.error
    assert first.error.phase == ("generation" if task == "tiny_answer" else "scoring")
    assert {name: one.n for name, one in first.accuracy.items()} == {
        name: 12 if name in done else 0 for name in order if name != "noise floor"
    }
    bench.steps.clear()
    (outcome,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    second = outcome.record
    assert (second.status, second.job.resumed, second.job.key) == ("completed", 1, first.job.key)
    # The latency phase and the windows that were answered are not measured again.
    assert "latency" not in {step.phase for step in bench.steps}
    assert [step.task for step in bench.steps if step.task] == order[order.index(task) :]
    assert second.latency == first.latency
    assert second.load == first.load
    assert second.memory
    assert first.memory
    for phase in ("baseline", "load", "latency"):
        assert second.memory.phases[phase] == first.memory.phases[phase]
    (undisturbed,) = bench.outcomes(bench.fake(wrong_rate=0.5), fresh=True)
    assert rows(bench, second) == rows(bench, undisturbed.record)
    assert second.accuracy == undisturbed.record.accuracy
    assert second.noise_floor == undisturbed.record.noise_floor
    # Neither leaves a journal.
    assert list((bench.store.root / ".journal").iterdir()) == []


def test_a_window_that_was_answered_to_another_question_is_asked_again(bench: Bench):
    interrupted_at(bench, "tiny_cloze")
    ((job, _),) = bench.jobs(bench.fake(wrong_rate=0.5))
    journal = Journal(bench.store.root, job.key)
    journal.open(fresh=False, wait_s=0)
    (event,) = journal.find("window")
    assert event["answer"]["type"] == protocol.Scored.__name__
    journal.close(done=False)
    path = bench.store.root / ".journal" / job.key / FILE
    path.write_text(path.read_text().replace(event["digest"], "0" * 16))
    bench.steps.clear()
    bench.outcomes(bench.fake(wrong_rate=0.5))
    assert [s.task for s in bench.steps if s.task][:2] == ["tiny_choice", "tiny_cloze"]


def test_a_store_that_cannot_be_written_is_said_before_anything_runs(bench: Bench):
    bench.store.root.parent.mkdir(exist_ok=True)
    bench.store.root.write_text("a file")
    with pytest.raises(RecordError, match="cannot be written"):
        bench.run()
    assert bench.steps == []


def test_a_key_hangs_on_how_answers_are_scored(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake(), tasks=("tiny_answer",))
    config = job.tasks[0].loaded.task.config
    kept, before = config.filter_list, job.key
    try:
        config.filter_list = [{"name": "number", "filter": [{"function": "take_first"}]}]
        assert replace(job).key != before
    finally:
        config.filter_list = kept
    assert replace(job).key == before


def test_a_scale_that_is_stated_is_part_of_what_is_asked(bench: Bench):
    """So records that count it and records that do not are never ranked together."""
    from runners.jobs.suite_digest import suite_digest
    from tests.runners.conftest import tiny_suite

    tasks, suite = [*bench.tasks.values()], tiny_suite()
    plain = suite_digest(suite, tasks)
    loaded = replace(tasks[0].loaded, scale="percent")
    assert suite_digest(suite, [replace(tasks[0], loaded=loaded), *tasks[1:]]) != plain
    assert suite_digest(suite, tasks) == plain


def test_a_column_that_clusters_is_part_of_what_is_asked_where_it_is_named(bench: Bench):
    from runners.jobs.suite_digest import suite_digest
    from tests.runners.conftest import tiny_suite

    tasks, suite = [*bench.tasks.values()], tiny_suite()
    loaded = replace(tasks[0].loaded, cluster="q")
    named = suite_digest(suite, [replace(tasks[0], loaded=loaded), *tasks[1:]])
    assert named != suite_digest(suite, tasks)


def test_functions_count_by_their_source():
    from runners.jobs.suite_digest import scoring_code

    class Task:
        def __init__(self, score: Any) -> None:
            self.score = score

        def get_config(self, name: str) -> Any:
            return {"process_results": self.score}.get(name)

    def one(doc: Any, results: Any) -> Any:
        return {"acc": 1}

    def other(doc: Any, results: Any) -> Any:
        return {"acc": 0}

    assert scoring_code(Task(one)) == scoring_code(Task(one))
    assert scoring_code(Task(one)) != scoring_code(Task(other))
    assert scoring_code(Task(len))  # no source: its name


def test_a_runtime_is_known_by_what_was_compiled():
    from runners.runtimes.build import runtime_build
    from runners.runtimes.spec import Settings

    build = runtime_build("llamacpp", Settings())
    assert build[0] == "0.3.36"
    assert len(build) > 1  # at least one library's hash
    assert runtime_build("fake", Settings())


@pytest.mark.slow
def test_a_slow_candidate_is_not_taken_for_a_hung_one(bench: Bench):
    # Three requests of 0.3 + 3 x 0.1 = 0.6 s without a word between would take 1.8 s.
    slow = bench.fake(delay_first_token_s=0.3, delay_per_token_s=0.1)
    (outcome,) = bench.outcomes(slow, tasks=("tiny_choice",), timeout_s=1.5)
    assert outcome.record.status == "completed"


def test_a_phase_that_does_not_end_has_the_peak_of_its_answered_windows(bench: Bench):
    record = interrupted_at(bench, "tiny_prose")
    assert record.memory
    scoring = record.memory.phases["scoring"]
    assert scoring.peak_bytes > 2**20
    assert (scoring.anon_bytes, scoring.split_unknown) == (None, "the phase did not end")


def test_an_interrupted_fresh_run_goes_on_though_an_earlier_one_was_completed(bench: Bench):
    (first,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    interrupted = interrupted_at(bench, "tiny_prose", fresh=True)
    assert interrupted.status == "interrupted"
    (second,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    assert second.ran
    assert second.record.job.resumed == 1
    assert rows(bench, second.record) == rows(bench, first.record)
    (third,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    assert not third.ran


def test_a_journal_of_another_build_is_not_gone_on_with(bench: Bench):
    interrupted_at(bench, "tiny_prose")
    ((job, _),) = bench.jobs(bench.fake(wrong_rate=0.5))
    path = bench.store.root / ".journal" / job.key / FILE
    path.write_text(path.read_text().replace("deterministic", "built otherwise"))
    (outcome,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    assert (outcome.record.status, outcome.record.job.resumed) == ("completed", 0)


def journal_of(bench: Bench) -> Path:
    interrupted_at(bench, "tiny_prose")
    ((job, _),) = bench.jobs(bench.fake(wrong_rate=0.5))
    bench.steps.clear()
    return bench.store.root / ".journal" / job.key / FILE


def test_a_journal_that_another_version_left_is_discarded_and_said(bench: Bench):
    path = journal_of(bench)
    path.rename(path.with_name("journal-v3.jsonl"))  # its name until the format had a number
    (outcome,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    assert (outcome.record.status, outcome.record.job.resumed) == ("completed", 0)
    said = [step.phase for step in bench.steps if step.stays]
    assert said == [
        "an unfinished run that another version of Weighin left cannot go on: measured anew"
    ]
    assert list((bench.store.root / ".journal").iterdir()) == []


@pytest.mark.parametrize("damage", ["PhaseMarks", "peak_bytes", "ready_s"])
def test_a_journal_with_strange_parts_is_measured_anew(bench: Bench, damage: str):
    path = journal_of(bench)
    path.write_text(path.read_text().replace(f'"{damage}"', '"strange"'))
    (outcome,) = bench.outcomes(bench.fake(wrong_rate=0.5))
    assert outcome.record.status == "completed"
    assert "latency" in {step.phase for step in bench.steps}
    assert list(outcome.record.memory.phases if outcome.record.memory else ()) == PHASES


# The noise floor, and packed generations.


def test_the_noise_floor_compares_packed_with_plain(bench: Bench):
    floor = bench.run(pick=1).noise_floor
    # Tasks with choices: tiny_choice alone; the fake answers the same, packed or not.
    assert floor is not None
    assert (floor.changed, floor.share, floor.largest_nats, floor.reason) == (0, 0.0, 0.0, "")
    assert floor.items == len(bench.tasks["tiny_choice"].items)


def test_samples_keep_how_the_probe_scored_its_items(bench: Bench):
    record = bench.run(pick=1)
    for row in bench.store.samples(record.run_id).to_pylist():
        # The fake answers the same, packed or not; the other tasks are not probed.
        probed = row["logprobs"] if row["task"] == "tiny_choice" else None
        assert row["plain_logprobs"] == probed


def test_a_suite_may_do_without_a_noise_floor(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake())
    suite = job.suite.model_copy(update={"probe_items": 0})
    floor = run(bench, job, suite=suite).noise_floor
    assert floor is not None
    assert floor.share is None
    assert floor.reason == f"the suite {suite.name} asks for no probe"


def test_a_job_without_answers_has_no_noise_floor(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake())
    assert run(bench, job, scores=False).noise_floor is None


def test_throughput_gives_the_same_answers_and_no_times(bench: Bench):
    ((job, _),) = bench.jobs(bench.fake(pick=1, text="42"))
    timed, packed = run(bench, job), run(bench, job, throughput=True)
    assert timed.job.key != packed.job.key  # neither passes for the other
    assert (timed.job.throughput, packed.job.throughput) == (False, True)
    assert packed.accuracy == timed.accuracy
    rows, other = (
        [row for row in bench.store.samples(record.run_id).to_pylist() if row["answer"] is not None]
        for record in (timed, packed)
    )
    assert [row["answer"] for row in rows] == [row["answer"] for row in other]
    assert [row["tokens"] for row in rows] == [row["tokens"] for row in other]
    assert all(row["token_s"] for row in rows)
    assert all(row["token_s"] is None and row["prefill_s"] is None for row in other)


def test_a_kernel_without_a_high_water_mark_leaves_the_peak_unknown(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    # As in gVisor, whose /proc has VmRSS and no VmHWM.
    monkeypatch.setattr(linux, "keeps_peaks", lambda: False)
    record = bench.run(pick=1)
    assert (record.status, record.memory) == ("completed", None)
    assert record.accuracy
    assert record.latency
    assert [flag.name for flag in record.flags if "peak" in flag.name] == ["peak not measured"]
