"""Real workers with the fake inside: how they answer, how they die, and that nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from evals.errors import RuntimeFailure
from runners.jobs.worker_process import WorkerCrash, WorkerProcess
from runners.runtimes.fake.runtime import Fake
from runners.worker import protocol

ROOT = Path(__file__).parents[3]
PHASES = ("load", "latency", "scoring", "generation")
ITEMS = [
    protocol.ScoreItem(contexts=[f"Question {n}:"], continuations=[(0, "yes"), (0, "maybe")])
    for n in range(50)
]
PROMPT = protocol.GenerateItem(
    prompt="Why?", until=[], max_tokens=8, temperature=0.0, top_k=0, top_p=1.0, seed=0
)
NOT_IN_A_WORKER = {
    "lm_eval", "datasets", "pandas", "torch", "transformers", "streamlit", "pydantic", "psutil",
    "pyarrow", "click", "rich", "yaml",
}  # fmt: skip
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a core file may fall; the checkout's code is found, installed or not."""
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), above])))
    monkeypatch.chdir(tmp_path)
    yield
    assert not psutil.Process().children(), "a test left a worker behind"


def loading(**options) -> protocol.Load:
    settings = {"context": None, "threads": 1, "kv_cache_type": "f16", "mmap": True}
    return protocol.Load(path=None, settings={**settings, "fake": options})


def started(timeout_s: float = 60) -> WorkerProcess:
    return WorkerProcess("fake", threads=1, timeout_s=timeout_s)


def run_phases(worker: WorkerProcess, **options) -> None:
    worker.ask(loading(**options), protocol.Loaded)
    worker.ask(
        protocol.RunLatency(prompt_tokens=8, new_tokens=2, warmups=0, repeats=1),
        protocol.LatencyTimes,
    )
    worker.ask(protocol.OpenEngine(memory_bytes=0), protocol.EngineOpened)
    worker.ask(protocol.Score(items=ITEMS), protocol.Scored)
    worker.ask(protocol.Generate(items=[PROMPT]), protocol.Generated)


def gone(pid: int, within_s: float = 10) -> bool:
    """Whether a process ends; one that nobody reaps counts as ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_it_answers_as_the_fake_does_in_process():
    options = {"wrong_rate": 0.3, "seed": 5}
    fake = Fake()
    fake.load(loading(**options))
    expected = fake.score(ITEMS, lambda _: None).items
    for _ in range(2):
        with started() as worker:
            assert worker.ready.pid == worker.pid
            assert worker.ready_s > 0
            worker.ask(loading(**options), protocol.Loaded)
            assert worker.ask(protocol.Score(items=ITEMS), protocol.Scored).items == expected


def test_a_whole_job_ends_in_good_order_and_imports_little():
    with started() as worker:
        run_phases(worker)
        closed = worker.close()
        assert not psutil.pid_exists(worker.pid)
    assert NOT_IN_A_WORKER.isdisjoint(closed.modules)
    assert "runners" in closed.modules


def test_progress_comes_before_the_answer():
    told: list[int] = []
    with started() as worker:
        worker.ask(loading(delay_per_item_s=0.2), protocol.Loaded)
        worker.ask(protocol.Score(items=ITEMS[:4]), protocol.Scored, told.append)
    # At most twice a second: after the third item, at 0.6 s; otherwise on a busy machine.
    assert told
    assert told == sorted(set(told) & {1, 2, 3, 4})


def test_a_message_larger_than_any_pipe():
    items = [protocol.ScoreItem(contexts=["x" * 8 * 2**20], continuations=[(0, "y")])]
    with started() as worker:
        worker.ask(loading(), protocol.Loaded)
        assert len(worker.ask(protocol.Score(items=items), protocol.Scored).items) == 1


@pytest.mark.parametrize("phase", PHASES)
def test_a_refusal_is_in_its_own_words_and_the_worker_lives_on(phase):
    with started() as worker:
        with pytest.raises(RuntimeFailure, match=f"^the fake was told to refuse in {phase}$") as e:
            run_phases(worker, fail_at=phase, fail_how="refuse")
        assert not isinstance(e.value, WorkerCrash)
        assert worker.ask(protocol.Score(items=[]), protocol.Scored).items == []


@pytest.mark.parametrize("phase", PHASES)
def test_an_exception_is_a_bug_with_its_traceback(phase):
    with started() as worker, pytest.raises(WorkerCrash) as caught:
        run_phases(worker, fail_at=phase)
    assert str(caught.value) == (
        f"a bug in the worker: ZeroDivisionError: the fake was told to crash in {phase}"
    )
    assert "runners/runtimes/fake/runtime.py" in caught.value.traceback.replace(os.sep, "/")


@pytest.mark.parametrize("phase", PHASES)
def test_an_exit_is_noticed_in_each_phase(phase):
    with started() as worker:
        with pytest.raises(WorkerCrash, match=r"^the worker ended with exit code 7$"):
            run_phases(worker, fail_at=phase, fail_how="exit")
        assert gone(worker.pid, within_s=0.1)


@posix
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("kill", "was ended by SIGKILL (the system may have been out of memory)"),
        ("segv", "was ended by SIGSEGV"),
        ("abrt", "was ended by SIGABRT"),
        ("term", "was ended by SIGTERM"),
        ("ill", "was ended by SIGILL (illegal instruction)"),
    ],
)
def test_a_signal_is_named(how, said):
    with started() as worker:
        with pytest.raises(WorkerCrash) as caught:
            run_phases(worker, fail_at="scoring", fail_how=how, fail_after=3)
        assert str(caught.value).startswith(f"the worker {said}")
        assert gone(worker.pid, within_s=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["hang", pytest.param("stop", marks=posix)])
def test_silence_ends_the_worker(how):
    with started(timeout_s=2) as worker:  # time enough to start on a busy machine
        began = time.monotonic()
        with pytest.raises(WorkerCrash, match="said nothing for 2 s and was ended"):
            run_phases(worker, fail_at="load", fail_how=how)
        assert 2 <= time.monotonic() - began < 10
        assert gone(worker.pid, within_s=0.1)


@pytest.mark.slow
def test_progress_is_no_silence():
    with started(timeout_s=2) as worker:
        worker.ask(loading(delay_per_item_s=0.25), protocol.Loaded)
        # 2.25 s of work within a limit of 2 s.
        assert worker.ask(protocol.Score(items=ITEMS[:9]), protocol.Scored).seconds > 2


def test_garbage_on_the_pipe_ends_the_worker_at_once():
    with started() as worker:
        with pytest.raises(WorkerCrash, match=r"pipe carried garbage: a message of 4294967295 byt"):
            run_phases(worker, fail_at="latency", fail_how="garbage")
        assert gone(worker.pid, within_s=0.1)


def test_an_unknown_option_is_refused():
    with started() as worker, pytest.raises(RuntimeFailure, match=r'unknown key "speed" \(known: '):
        worker.ask(loading(speed=1), protocol.Loaded)


def test_a_question_out_of_turn():
    with started() as worker, pytest.raises(RuntimeFailure, match="Closed is no question"):
        worker.ask(protocol.Closed(modules=[]), protocol.Loaded)


def test_an_answer_of_another_kind():
    with started() as worker:
        with pytest.raises(WorkerCrash, match="sent Loaded out of turn"):
            worker.ask(loading(), protocol.Scored)
        assert gone(worker.pid, within_s=0.1)


def test_an_exception_in_the_parent_ends_the_worker():
    def fail(worker: WorkerProcess) -> None:
        with worker:
            raise ZeroDivisionError

    worker = started()
    with pytest.raises(ZeroDivisionError):
        fail(worker)
    assert gone(worker.pid, within_s=0.1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "raise OSError('libllama.so: cannot open shared object file')",
            "the runtime llamacpp cannot be imported: libllama.so: cannot open shared object file",
        ),
        (
            "raise ModuleNotFoundError('No module', name='llama_cpp')",
            "llama-cpp-python is not installed: run make demo in the checkout, or there: "
            "python tools/install.py llamacpp",
        ),
    ],
)
def test_a_runtime_that_cannot_be_imported(source, said, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "llama_cpp.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(broken), os.environ["PYTHONPATH"]]))
    with (
        pytest.raises(RuntimeFailure) as caught,
        WorkerProcess("llamacpp", threads=1, timeout_s=60),
    ):
        pass
    assert str(caught.value) == said


def test_a_worker_that_dies_before_it_is_ready_says_why(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "llama_cpp.py").write_text("raise SystemExit('no such CPU')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(broken), os.environ["PYTHONPATH"]]))
    with (
        pytest.raises(WorkerCrash, match="ended with exit code 1; it said: no such CPU"),
        WorkerProcess("llamacpp", threads=1, timeout_s=60),
    ):
        pass


ABORTS = """
import os, sys

print("/somebody/src/llama-graph.cpp:7: GGML_ASSERT(rows > 0) failed", file=sys.stderr)
print("[Inferior 1 (process 7) detached]", file=sys.stderr, flush=True)
os.abort()
"""


@posix
def test_an_assertion_of_ggml_is_its_reason(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "llama_cpp.py").write_text(ABORTS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(broken), os.environ["PYTHONPATH"]]))
    worker = WorkerProcess("llamacpp", threads=1, timeout_s=60)
    with pytest.raises(WorkerCrash) as caught, worker:
        pass
    assert str(caught.value) == (
        "the worker was ended by SIGABRT; it said: llama-graph.cpp:7: GGML_ASSERT(rows > 0) failed"
    )


def test_ggml_is_told_to_attach_no_debugger(tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "llama_cpp.py").write_text(
        "import os\nraise SystemExit(f'backtrace off: {os.environ[\"GGML_NO_BACKTRACE\"]}')"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(broken), os.environ["PYTHONPATH"]]))
    worker = WorkerProcess("llamacpp", threads=1, timeout_s=60)
    with pytest.raises(WorkerCrash, match="backtrace off: 1"), worker:
        pass


@pytest.mark.parametrize("name", ["runners", "evals", "json"])
def test_a_folder_of_the_users_own_is_not_run(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('this is not Weighin')")
    with started() as worker:
        worker.ask(loading(), protocol.Loaded)


PARENT = """
from runners.worker import protocol
from runners.jobs.worker_process import WorkerProcess

settings = {"context": None, "threads": 1, "fake": {"fail_at": "load", "fail_how": "hang"}}
with WorkerProcess("fake", threads=1, timeout_s=60) as worker:
    print(worker.pid, flush=True)
    worker.ask(protocol.Load(path=None, settings=settings), protocol.Loaded)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy worker ends with its answer")
def test_a_busy_worker_dies_with_a_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-P", "-c", PARENT], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)  # until it has read the question, and looks at the pipe no more
        assert psutil.pid_exists(pid)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.communicate()
    assert gone(pid)


def test_an_idle_worker_ends_when_the_pipe_closes():
    with started() as worker:
        assert worker._process.stdin is not None
        worker._process.stdin.close()
        assert worker._process.wait(timeout=10) == 0
