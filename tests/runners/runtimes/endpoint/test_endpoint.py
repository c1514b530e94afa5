"""A model behind a URL, from its candidate to its record, with the mock server in this process."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from click.testing import CliRunner

from evals.errors import SpecError
from leaderboard.rows.conditions import machine_in_full, why_unlike
from runners.candidates.catalogue import find_candidate
from runners.candidates.chosen import chosen_settings
from runners.candidates.spec import Candidate
from runners.cli.run import command as run_command
from runners.cli.show import command as show_command
from runners.compute.budget_use import ad_hoc
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import MockServer, mock_server
from runners.records.record import Record

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

KEY = "sk-5ecret-0f-the-test"
VARIABLE = "WEIGHIN_TEST_KEY"
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a mock as it is told; its address."""
    with contextlib.ExitStack() as stack:

        def start(speaks: str = "llama-server", **told: Any) -> str:
            options = MockOptions(speaks=(speaks,), **told)  # type: ignore[arg-type]
            return stack.enter_context(mock_server(options)).url

        yield start


def candidate(url: str, **settings: Any) -> Candidate:
    return Candidate.model_validate({"name": "there", "url": url, "settings": settings})


def run(
    bench: Bench, url: str, *, tasks: tuple[str, ...] = ("tiny_answer",), **more: Any
) -> Record:
    settings = more.pop("settings", {})
    (outcome,) = bench.outcomes(candidate(url, **settings), tasks=tasks, **more)
    return outcome.record


def test_every_kind_of_task_and_the_times_of_a_llama_server(bench: Bench, serve: Serve) -> None:
    url = serve(text="It is 42.\nThat is all.", cache=True, echo="ignored", first_token_s=0.001)
    record = run(bench, url, tasks=("tiny_choice", "tiny_cloze", "tiny_prose", "tiny_answer"))
    assert record.error is None
    assert record.accuracy["tiny_answer"].n == 12
    assert record.engine is not None
    assert (record.engine.path, record.engine.apart_nats) == ("token grammar", 0.0)
    (workload,) = record.latency.values()
    assert (workload.prompt_tokens, workload.unknown) == (8, {})
    assert workload.repeats[0].counted == 4
    server = record.server
    assert server is not None
    assert (server.kind, server.model, server.cached_tokens, server.url) == (
        "llama-server", "mock", 0, url,
    )  # fmt: skip
    assert len(server.answers) == 3
    flags = {flag.name for flag in record.flags}
    assert "shared server" in flags
    assert "prompt cache" not in flags


def test_what_cannot_be_known_is_null_with_its_reason(bench: Bench, serve: Serve) -> None:
    record = run(bench, serve("openai", usage=False))
    assert record.error is None
    assert record.memory is None
    assert record.load is None
    assert record.candidate.weights_bytes is None
    assert record.candidate.weights_sha256 is None
    assert record.machine.cpu_model is None
    assert record.energy is not None
    assert (record.energy.source, record.energy.joules) == (None, {})
    assert record.server is not None
    assert set(record.server.unknown) == {
        "memory", "weights", "machine", "cold start", "energy",
    }  # fmt: skip
    (workload,) = record.latency.values()
    assert (workload.prompt_tokens, workload.tpot_s, workload.prefill_tokens_per_s) == (None,) * 3
    assert "does not count" in workload.unknown["tpot_s"]
    assert workload.ttft_s.n == 2
    assert record.answers["tiny_answer"].tokens is None


def test_its_times_never_compare_with_local_ones(bench: Bench, serve: Serve) -> None:
    away, here = run(bench, serve()), bench.run()
    assert away.machine.fingerprint is not None
    assert away.machine.fingerprint.startswith("remote:127.0.0.1:")
    assert here.machine.fingerprint is not None
    assert away.machine.fingerprint.endswith(here.machine.fingerprint)
    assert "unlike machines" in why_unlike(away, here)
    assert machine_in_full(away).startswith("elsewhere, 127.0.0.1:")


def test_a_budget_of_memory_is_refused_and_one_of_times_judged(bench: Bench, serve: Serve) -> None:
    record = run(bench, serve(), budget=ad_hoc(memory_bytes=2**30))
    assert record.error is not None
    assert "neither memory nor cores can be limited" in record.error.message
    timed = run(bench, serve(), budget=ad_hoc(deadline_ttft_s=60.0))
    assert timed.verdict is not None
    assert timed.verdict.verdict == "fits"
    watched = run(bench, serve(), budget=ad_hoc(vram_bytes=2**30))
    assert watched.verdict is not None
    assert watched.verdict.verdict == "not enforced"
    assert watched.verdict.reason.endswith("runtime endpoint does not say what it puts on a GPU")
    assert watched.software.said()["tells_gpu"] is False


def test_faults_are_overcome_counted_and_in_no_time(bench: Bench, serve: Serve) -> None:
    url = serve("openai", faults=(*["ok"] * 9, "503", "cut", *["ok"] * 20))
    record = run(bench, url, settings={"retry_wait_s": 0.01})
    assert record.error is None
    assert record.accuracy["tiny_answer"].n == 12
    assert record.server is not None
    assert record.server.outcomes == {"server error": 1, "body cut short": 1}
    assert record.server.retries == 2
    assert record.server.waited_s == pytest.approx(0.03)  # 0.01 s, then 0.02 s
    (flag,) = [flag for flag in record.flags if flag.name == "requests retried"]
    assert "body cut short 1, server error 1" in flag.detail


@pytest.mark.parametrize(
    ("told", "settings", "says"),
    [
        ({}, {"model": "other"}, 'has no model "other" (served: mock)'),
        ({"key": KEY}, {}, "not authorised (status 401): missing or wrong key"),
        ({}, {"api_key_env": "NO_SUCH"}, "the variable NO_SUCH, which api_key_env names, is not"),
        ({"faults": ("429/3600",)}, {}, "rate limited (status 429)"),
        ({"faults": ("redirect",)}, {}, "which is not followed"),
        ({"faults": ("hang",)}, {"silence_s": 0.1, "retries": 0}, "no answer in 0.1 s"),
    ],
)
def test_a_server_that_fails_leaves_a_record_that_says_how(
    bench: Bench, serve: Serve, told: Any, settings: Any, says: str
) -> None:
    record = run(bench, serve("openai", **told), settings=settings)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.phase == "load"
    assert says in record.error.message
    assert record.server is not None


def test_answers_cut_by_length_are_counted(bench: Bench, serve: Serve) -> None:
    record = run(bench, serve("openai", text="a long answer without an end"))
    assert record.answers["tiny_answer"].cut == 12


def test_a_server_without_log_probabilities_fails_where_they_are_asked_for(
    bench: Bench, serve: Serve
) -> None:
    record = run(bench, serve("openai", logprobs=False), tasks=("tiny_choice",))
    assert record.error is not None
    assert record.error.phase == "scoring"
    assert "no log-likelihoods from this server" in record.error.message
    assert record.accuracy["tiny_choice"].value is None


def kept(root: Path) -> bytes:
    """All that lies below a folder."""
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("told", [{}, {"text": KEY}, {"faults": ("ok", "ok", "ok", "ok", "401")}])
def test_the_key_never_leaves_its_variable(
    bench: Bench, serve: Serve, told: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    seen: list[str] = []

    class Steps(list[Any]):
        def append(self, step: Any) -> None:
            seen.append(repr(step))
            for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    seen.extend(process.cmdline())
            seen.append(kept(bench.store.root).decode("latin-1"))  # journals, while they are there

    bench = type(bench)(store=bench.store, tasks=bench.tasks, steps=Steps())
    record = run(bench, serve("openai", key=KEY, **told), settings={"api_key_env": VARIABLE},
                 keep_prompts=True)  # fmt: skip
    assert record.status == ("failed" if "faults" in told else "completed")
    assert record.server is not None
    assert "-m" in seen  # the worker's command line was looked at
    out, err = capfd.readouterr()
    for text in (
        *seen,
        record.model_dump_json(),
        kept(bench.store.root).decode("latin-1"),
        out,
        err,
    ):
        assert KEY not in text


def test_the_command_line_names_a_model_and_a_key(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    url, store = serve("openai", key=KEY, model="tiny-1", text="Mine."), tmp_path / "store"
    questions = tmp_path / "mine.csv"
    questions.write_text("question,answer\nWhose?,Mine\n")
    arguments = [
        f"{url}/v1", "--model", "tiny-1", "--api-key-env", VARIABLE, "--questions", str(questions),
        "--store", str(store), "--json",
    ]  # fmt: skip
    done = CliRunner().invoke(run_command, arguments)
    assert done.exit_code == 0, done.output
    (record,) = json.loads(done.stdout)
    assert record["candidate"]["name"].startswith("tiny-1-127.0.0.1-")
    assert record["candidate"]["chosen"] == {"url": f"{url}/v1", "model": "tiny-1"}
    shown = CliRunner().invoke(show_command, [record["run_id"], "--store", str(store)])
    assert f"server: {url}/v1: openai, model tiny-1" in " ".join(shown.stdout.split())
    assert "memory unknown" in shown.stdout
    assert KEY not in done.output + shown.output
    dry = CliRunner().invoke(run_command, [*arguments[:-1], "--dry-run"])
    assert url in dry.output.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.gguf", "--model", "m"], "--model goes with a candidate that is a URL"),
        (["http://h/v1", "--api-key-env", KEY], "takes the name of a variable, not the key"),
        ([f"http://me:{KEY}@h/v1"], "carries a user or a password"),
        ([f"http://h/v1?key={KEY}"], "carries a query"),
    ],
)
def test_the_command_line_refuses_what_cannot_be(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(run_command, arguments)
    told = done.output + str(done.exception)
    assert says in told
    assert KEY not in told


def test_an_address_is_a_candidate() -> None:
    found = find_candidate("http://Host:8000/v1/#Qwen2.5 0.5B")
    assert (found.name, found.family) == ("qwen2.5-0.5b-host-8000", "qwen2.5-0.5b")
    assert found.settings.elsewhere == "host:8000"
    assert chosen_settings(found, None) == {"url": "http://host:8000/v1", "model": "Qwen2.5 0.5B"}
    assert find_candidate("https://host").name == "host-443"
    with pytest.raises(SpecError, match="is an address of weights"):
        find_candidate("https://host/model.gguf")


def test_how_a_server_is_reached_makes_no_other_candidate() -> None:
    plain = candidate("http://h/v1")
    other = candidate("http://h/v1", api_key_env="X", silence_s=5, retries=0)
    assert chosen_settings(plain, None) == chosen_settings(other, None)
    more = candidate("http://h/v1", request={"reasoning_effort": "low"})
    assert chosen_settings(plain, None) != chosen_settings(more, None)


def test_a_file_names_an_address_at_its_top(tmp_path: Path) -> None:
    path = tmp_path / "there.yaml"
    path.write_text("name: there\nurl: http://h:1/v1\nmodel: m\napi_key_env: MY_KEY\n")
    found = find_candidate(str(path))
    assert found.settings.model_dump()["api_key_env"] == "MY_KEY"
    for broken, says in (
        ("name: x\nurl: http://h/v1\nsettings: {url: http://i/v1}\n", "give url once"),
        ("name: x\nurl: h:1\n", "write it like"),
        ("name: x\nurl: http://h/v1\nweights: a.gguf\n", "takes neither weights"),
        ("name: x\nurl: http://h/v1\napi_key_env: sk-123\n", "api_key_env"),
    ):
        path.write_text(broken)
        with pytest.raises(SpecError, match=says):
            find_candidate(str(path))


def test_a_thought_that_the_server_tells_apart_has_tokens_of_its_own(
    bench: Bench, serve: Serve
) -> None:
    # The task allows 8 tokens; the thought has 50, and the answer 2. Right where 42 is: 8 of 12.
    record = run(bench, serve("openai", text="42", reasoning="x" * 50))
    assert record.error is None
    assert record.accuracy["tiny_answer"].value == pytest.approx(8 / 12)
    answers = record.answers["tiny_answer"]
    assert (answers.tokens, answers.thought_tokens) == (12 * 52, 12 * 50)
    assert (answers.cut, answers.thought_cut) == (0, 0)


def test_a_prompt_that_the_server_refuses_is_wrong_and_named(bench: Bench, serve: Serve) -> None:
    # A BOS, then `user: tiny_answer: is N even?` and `assistant: `, a byte a token: 42 or 43.
    record = run(bench, serve("openai", most_prompt=42))
    assert record.error is None
    (flag,) = [flag for flag in record.flags if flag.name == "app errors"]
    assert flag.detail.startswith("tiny_answer: 2 of 12 answers")


def answered(bench: Bench, port: int, fresh: bool = True, **told: Any) -> tuple[int, Record]:
    """The record of one address, whatever answers there now; a free port where it is 0."""
    server = MockServer(MockOptions(speaks=("openai",), **told), port=port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        return server.server_port, run(bench, server.url, fresh=fresh)
    finally:
        server.mock.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_unfinished_run_goes_on_only_with_the_same_model(bench: Bench) -> None:
    # Two tries, three first answers and the timed requests come before the 14th: it is an item's.
    port, broken = answered(bench, 0, text="It is 42.", faults=(*["ok"] * 13, "401"))
    assert (broken.status, broken.error and broken.error.phase) == ("failed", "generation")
    _, other = answered(bench, port, fresh=False, text="No, 43.", faults=(*["ok"] * 13, "401"))
    assert (other.status, other.job.resumed) == ("failed", 0)
    _, same = answered(bench, port, fresh=False, text="No, 43.")
    assert (same.status, same.job.resumed) == ("completed", 1)


def test_another_model_behind_the_same_name_is_noticed(bench: Bench) -> None:
    port, first = answered(bench, 0, text="It is 42.")
    _, same = answered(bench, port, text="It is 42.")
    _, other = answered(bench, port, text="No, it is 43.")
    assert first.candidate.digest == same.candidate.digest == other.candidate.digest
    found = [one.server.answered_otherwise for one in (first, same, other) if one.server]
    assert found == ["", "", same.run_id]
    (flag,) = [flag for flag in other.flags if flag.name == "answers otherwise"]
    assert (flag.level, same.run_id in flag.detail) == ("warning", True)


def test_the_context_is_the_servers_up_to_4096_unless_a_longer_one_is_asked_for(
    bench: Bench, serve: Serve
) -> None:
    for told, settings, context in (
        ({"context": 512}, {}, 512),
        ({"context": 32_768}, {}, 4096),
        ({"context": 32_768}, {"context": 8192}, 8192),
    ):
        record = run(bench, serve(**told), settings=settings)
        assert record.error is None
        assert record.candidate.settings["context"] == context
