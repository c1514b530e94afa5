"""Runtime `gradio` on the shipped mock: started here, or found elsewhere, asked and ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SpecError
from runners.candidates.app_file import app_file
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.records.record import Record
from runners.runtimes.gradio import runtime as module
from runners.runtimes.gradio.runtime import GradioRuntime
from runners.runtimes.gradio.spec import GradioSettings
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.runners.conftest import Bench

APP = Path(__file__).with_name("mock_app.py")
Loading = Callable[..., tuple[GradioRuntime, protocol.Loaded]]


@pytest.fixture
def loaded() -> Iterator[Loading]:
    """Loads the runtime as it is told, and ends whatever it started."""
    with ExitStack() as stack:

        def load(path: Path | None = None, **told: Any) -> tuple[GradioRuntime, protocol.Loaded]:
            given = {"start_s": 20.0, "answer_s": 2.0, "pause_s": 0.0, **told}
            if path is not None:
                given = {"python": sys.executable, **given}
            settings = {**GradioSettings(**given).model_dump(), "threads": 1}
            one = GradioRuntime()
            stack.callback(one.close)
            message = protocol.Load(path=str(path) if path else None, settings=settings)
            return one, one.load(message)

        yield load


@pytest.fixture
def elsewhere(loaded: Loading) -> Iterator[Callable[..., GradioRuntime]]:
    """An app that runs already, as the mock is told."""
    with ExitStack() as stack:

        def find(**told: Any) -> GradioRuntime:
            server = stack.enter_context(mock_server(MockOptions(speaks=("gradio",), **told)))
            return loaded(url=server.url)[0]

        yield find


def generation(*prompts: str, until: tuple[str, ...] = ()) -> protocol.Generate:
    items = [
        protocol.GenerateItem(
            prompt=prompt, until=list(until), max_tokens=8, temperature=0.0, top_k=0, top_p=1.0,
            seed=0,
        )
        for prompt in prompts
    ]  # fmt: skip
    return protocol.Generate(items=items)


def asked(runtime: GradioRuntime, *prompts: str, until: tuple[str, ...] = ()) -> Any:
    return runtime.generate(generation(*prompts, until=until), lambda _: None).items


def test_an_app_is_started_measured_by_its_own_process_and_ended(loaded: Loading):
    runtime, found = loaded(APP)
    assert found.root_pid is not None
    assert found.server is not None
    assert found.server.about["asked"] == "/answer(message, temperature=0.7) of Gradio 6.31.0"
    assert found.first_text_s is not None
    (one,) = asked(runtime, "Is 41 + 1 = 42?")
    assert (one.text, one.stop, one.new_tokens) == ("The answer is 42.", "end of sequence", None)
    assert one.times is not None
    assert one.times.streamed
    assert one.queued_s is not None
    runtime.close()
    assert not Path(f"/proc/{found.root_pid}").exists()


def test_an_app_that_ends_says_its_last_words(loaded: Loading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_ENDS", "1")
    with pytest.raises(WorkerError, match=r"ended with exit code 1.*No module named 'llama_cpp'"):
        loaded(APP)


def test_an_app_on_another_port_is_told_what_would_do(
    loaded: Loading, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("APP_ELSEWHERE", "1")
    with pytest.raises(WorkerError, match=r"does not listen on port \d+.*: settings.port"):
        loaded(APP, start_s=0.1)


def test_an_app_that_hangs_is_named(loaded: Loading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APP_FAULTS", "ok,hang")
    runtime, _ = loaded(APP, answer_s=0.3)
    with pytest.raises(WorkerError, match=r"no answer within 0.3 s \(settings.answer_s\)"):
        asked(runtime, "Hi")


def test_errors_of_the_app_are_wrong_answers_unless_it_has_no_other(
    elsewhere: Callable[..., GradioRuntime],
):
    runtime = elsewhere()
    good, bad, masked = asked(runtime, "Hi", "raise no such city", "raise")
    assert good.stop == "end of sequence"
    assert (bad.text, bad.stop, bad.times) == ("", "app error: no such city", None)
    assert masked.stop.startswith("app error: the app raised an error whose text it does not show")
    with pytest.raises(WorkerError, match="the first 3 questions all failed: broken"):
        asked(elsewhere(), *["raise broken"] * 3)


def test_a_quota_is_no_wrong_answer(elsewhere: Callable[..., GradioRuntime]):
    runtime = elsewhere()
    with pytest.raises(WorkerError, match=r"quota: the Space has no GPU time left \(You have ex"):
        asked(runtime, "raise You have exceeded your GPU quota (60s requested vs. 42s left)")


def test_a_fault_on_the_way_elsewhere_is_tried_again(
    elsewhere: Callable[..., GradioRuntime], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TRIES", module.Retries(times=2, first_wait_s=0.0))
    runtime = elsewhere(faults=("ok", "cut", "500", "ok"))
    found = runtime.generate(generation("Hi"), lambda _: None)
    assert found.items[0].text == "The answer is 42."
    assert found.tries is not None
    assert found.tries.outcomes == {"body cut short": 1, "server error": 1}
    with pytest.raises(WorkerError, match="server error"):
        asked(elsewhere(faults=("ok", "500", "500", "500")), "Hi")


def test_an_answer_is_cut_where_the_task_says(elsewhere: Callable[..., GradioRuntime]):
    (one,) = asked(elsewhere(text="42\nQ: and now?"), "Hi", until=("\nQ:",))
    assert (one.text, one.stop) == ("42", "until")


def test_what_cannot_be_driven_is_said_before_anything_is_asked(loaded: Loading):
    with mock_server(MockOptions(speaks=("gradio",), faults=("500",))) as server:
        for told, says in (
            ({"endpoint": "/chat"}, r"the app has no endpoint /chat \(it has /answer\("),
            ({"inputs": {"top_k": 1}}, 'the app /answer has no parameter "top_k"'),
        ):
            with pytest.raises(WorkerError, match=says):
                loaded(url=server.url, **told)
    with pytest.raises(WorkerError, match="names no app"):
        loaded()
    with pytest.raises(WorkerError, match="the variable NO_SUCH_KEY is not set"):
        loaded(url="http://127.0.0.1:1", api_key_env="NO_SUCH_KEY")


def test_a_job_has_answers_memory_a_cold_start_and_no_workloads(bench: Bench):
    about = {"name": "app", "runtime": "gradio", "weights": str(APP)}
    candidate = Candidate.model_validate({**about, "settings": {"python": sys.executable}})
    (outcome,) = bench.outcomes(candidate, tasks=("tiny_answer",))
    record = outcome.record
    assert isinstance(record, Record)
    assert record.error is None
    assert record.candidate.weights_sha256 == app_file(str(APP))[1]
    # The task's answers are 42 for 8 of 12 items.
    assert record.accuracy["tiny_answer"].value == pytest.approx(8 / 12)
    assert record.latency == {}
    assert set(record.memory.phases) == {"baseline", "load", "generation"}
    assert record.load.cold_start_s is not None
    assert record.answers["tiny_answer"].answer_s is not None
    assert record.noise is not None
    names = {flag.name for flag in record.flags}
    assert {"asked", "queue"} <= names
    assert "chat template missing" not in names


def test_answers_are_kept_one_by_one_when_an_app_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    about = {"name": "app", "runtime": "gradio", "weights": str(APP)}
    candidate = Candidate.model_validate({**about, "settings": {"python": sys.executable}})
    monkeypatch.setenv("APP_FAULTS", ",".join(["ok"] * 5 + ["cut"]))  # the first warms up
    (first,) = bench.outcomes(candidate, tasks=("tiny_answer",))
    assert "the connection ended within its body" in first.record.error.message
    assert "no answer to 'tiny_answer: is 4 even?'" in first.record.error.message
    assert first.record.accuracy["tiny_answer"].n == 4
    monkeypatch.setenv("APP_FAULTS", "")
    (again,) = bench.outcomes(candidate, tasks=("tiny_answer",))
    assert (again.record.error, again.record.job.resumed) == (None, 1)
    assert again.record.accuracy["tiny_answer"].n == 12


def test_someone_elses_space_is_not_asked_a_whole_suite(bench: Bench):
    settings = {"url": "https://owner-name.hf.space", "max_items": 11}
    about = {"name": "app", "runtime": "gradio", "settings": settings}
    (outcome,) = bench.outcomes(Candidate.model_validate(about), tasks=("tiny_answer",))
    assert "12 questions to an app that others run too (at most 11)" in outcome.record.error.message


def test_log_likelihoods_are_refused_before_anything_starts(bench: Bench):
    about = {"name": "app", "runtime": "gradio", "weights": "/no/such/app.py"}
    (outcome,) = bench.outcomes(Candidate.model_validate(about), tasks=("tiny_answer",))
    assert "is no Python file of an app" in outcome.record.error.message
    about["weights"] = str(APP)
    (outcome,) = bench.outcomes(Candidate.model_validate(about), tasks=("tiny_choice",))
    assert "runtime gradio has no scoring" in outcome.record.error.message


def test_an_app_is_named_by_its_file_or_its_address(tmp_path: Path):
    folder = tmp_path / "My Space"
    folder.mkdir()
    (folder / "app.py").write_text("import gradio as gr")
    found = find_candidate(str(folder / "app.py"))
    assert (found.name, found.runtime) == ("my-space", "gradio")
    (folder / "train.py").write_text("import torch  # no app: never run by mistake")
    with pytest.raises(SpecError, match="is a file, but a candidate is"):
        find_candidate(str(folder / "train.py"))
    for text, name, settings in (
        ("https://owner-name.hf.space/", "owner-name", {"url": "https://owner-name.hf.space"}),
        ("gradio:owner/name", "owner-name", {"space": "owner/name"}),
        ("gradio:http://127.0.0.1:7860", "127.0.0.1-7860", {"url": "http://127.0.0.1:7860"}),
    ):
        found = find_candidate(text)
        assert (found.name, found.runtime) == (name, "gradio")
        assert found.settings.model_dump(exclude_defaults=True) == settings
        assert found.settings.elsewhere


def test_an_apps_digest_is_of_its_code_and_its_requirements(tmp_path: Path):
    app = tmp_path / "app.py"
    app.write_text("a")
    first = app_file(str(app))[1]
    (tmp_path / "notes.txt").write_text("b")
    assert app_file(str(app))[1] == first
    (tmp_path / "requirements.txt").write_text("gradio")
    second = app_file(str(app))[1]
    (tmp_path / "prompts.py").write_text("c")
    assert len({first, second, app_file(str(app))[1]}) == 3
