"""The shipped mock server, asked by the client that asks real ones."""

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evals.errors import SpecError
from runners.cli.mock_server import command, read_answers
from runners.endpoint import llama_api, ollama_api, openai_api
from runners.endpoint.address import read_address
from runners.endpoint.answer import Answer, read_answer
from runners.endpoint.asking import Ask, Dialect, Turn
from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import EndpointError
from runners.endpoint.mock.language import BOS, Language
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.endpoint.transport import Patience

DIALECTS = [
    (openai_api.COMPLETIONS, "/v1"),
    (openai_api.CHAT, "/v1"),
    (llama_api.COMPLETION, ""),
    (ollama_api.GENERATE, ""),
    (ollama_api.CHAT, ""),
]
Asking = Callable[..., Answer]
QUICK = Patience(connect_s=5, silence_s=0.2, whole_s=0.4)


@pytest.fixture
def asked() -> Iterator[Callable[..., tuple[Client, Asking]]]:
    """Makes a mock as it is told, and asks it one thing after the other."""
    import contextlib

    with contextlib.ExitStack() as stack:

        def make(*, times: int = 0, **told: Any) -> tuple[Client, Asking]:
            server = stack.enter_context(mock_server(MockOptions(**told)))
            client = Client(
                read_address(server.url), retries=Retries(times=times), patience=QUICK,
                wait=lambda _: None, key=told.get("key", ""),
            )  # fmt: skip
            stack.callback(client.close)

            def ask(dialect: Dialect, prefix: str = "", **what: Any) -> Answer:
                one = Ask(**{"prompt": "Hi", "max_tokens": 64, **what})
                return client.stream(
                    prefix + dialect.path,
                    dialect.body("mock", one),
                    lambda streamed: read_answer(dialect, streamed),
                    json_lines=dialect.json_lines,
                )

            return client, ask

        yield make


@pytest.mark.parametrize(("dialect", "prefix"), DIALECTS)
def test_each_api_answers_the_text_and_counts_tokens(
    asked: Any, dialect: Dialect, prefix: str
) -> None:
    _, ask = asked(text="Grüße!")
    answer = ask(dialect, prefix)
    # 8 bytes, which are its tokens; ü and ß are whole with their second one: 6 pieces
    assert (answer.text, answer.stop) == ("Grüße!", "stop")
    assert (answer.usage.new_tokens, len(answer.piece_s)) == (8, 6)
    cut = ask(dialect, prefix, max_tokens=2)
    assert (cut.text, cut.stop, cut.cut) == ("Gr", "length", True)
    stopped = ask(dialect, prefix, stop=("ß",))
    assert stopped.text == "Grü"


@pytest.mark.parametrize(("dialect", "prefix"), DIALECTS)
def test_a_known_question_gets_its_own_answer_whole(
    asked: Any, dialect: Dialect, prefix: str
) -> None:
    _, ask = asked(answers={"2 + 2": "It is 4.", "12 + 2": "It is 14."}, text="What?")
    assert ask(dialect, prefix, prompt="Q: 2 + 2\nA:", max_tokens=2).text == "It is 4."
    assert ask(dialect, prefix, prompt="Q: 12 + 2\nA:").text == "It is 14."  # the longest
    assert ask(dialect, prefix, prompt="Q: 3 + 3\nA:").text == "What?"
    assert ask(dialect, prefix, prompt="2 + 2", stop=(" 4",)).text == "It is"


def test_answers_are_read_from_a_file_of_questions(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"question": " 2 + 2 ", "answer": "4", "rule": "number"}\n')
    assert read_answers(path) == {"2 + 2": "4"}
    for row in ('{"question": "2 + 2"}', '{"question": " ", "answer": "4"}', "7"):
        path.write_text(row)
        with pytest.raises(SpecError, match=r"gold\.jsonl: line 1 has no question, or its answer"):
            read_answers(path)


@pytest.mark.parametrize(("dialect", "prefix"), [one for one in DIALECTS if "chat" in one[0].name])
def test_thought_comes_apart_and_first(asked: Any, dialect: Dialect, prefix: str) -> None:
    _, ask = asked(text="42", reasoning="Hm. ")
    answer = ask(dialect, prefix, prompt=(Turn(role="user", content="Hi"),))
    assert (answer.reasoning, answer.text) == ("Hm. ", "42")
    assert answer.first_answer == 4


def test_events_come_as_they_are_told_to(asked: Any) -> None:
    _, ask = asked(text="abcdef", coalesce=4, empty_events=3, usage=False)
    answer = ask(openai_api.CHAT, "/v1")
    assert len(answer.piece_s) == 2
    assert answer.usage.new_tokens is None
    _, ask = asked(text="abcdef", buffered=True, per_token_s=0.001)
    answer = ask(openai_api.CHAT, "/v1")
    assert len(answer.piece_s) == 6
    assert len(set(answer.piece_s)) == 1  # one network read


def test_delays_are_told_as_the_server_times_them(asked: Any) -> None:
    _, ask = asked(text="abc", first_token_s=0.02, per_token_s=0.01)
    usage = ask(llama_api.COMPLETION).usage
    assert (usage.prompt_s, usage.new_s) == pytest.approx((0.02, 0.02))
    usage = ask(ollama_api.GENERATE).usage
    assert (usage.prompt_s, usage.new_s) == pytest.approx((0.02, 0.02))


def test_a_cached_prompt_takes_no_time_unless_it_is_told_to(asked: Any) -> None:
    _, ask = asked(cache=True, first_token_s=0.01)
    ask(llama_api.COMPLETION, prompt="abcd")
    # 5 tokens with the BOS, of which the last is evaluated anyway
    again = ask(llama_api.COMPLETION, prompt="abcd").usage
    assert (again.prompt_tokens, again.cached_tokens) == (5, 4)
    anew = ask(llama_api.COMPLETION, prompt="abcd", extra={"cache_prompt": False}).usage
    assert anew.cached_tokens == 0
    other = ask(openai_api.COMPLETIONS, "/v1", prompt="xbcd").usage
    assert other.cached_tokens == 1  # the BOS


def test_the_toy_model_agrees_with_itself() -> None:
    language = Language(3)
    row = language.logprobs(ord("a"))
    assert math.fsum(map(math.exp, row)) == pytest.approx(1)
    assert language.write([ord("a")], 2)[0] == language.best(ord("a"))
    assert Language(4).logprobs(ord("a")) != row
    assert language.decode([BOS, *"é".encode()]) == "é"


def test_log_probabilities_agree_between_apis(asked: Any) -> None:
    client, _ = asked(text="not this")
    free = openai_api.completions_piece(
        client.post("/v1/completions", {"prompt": "ab", "max_tokens": 2, "logprobs": 1})
    )
    first, second = free.logprobs
    echoed = client.post(
        "/v1/completions",
        {"prompt": [256, 97, 98], "max_tokens": 0, "echo": True, "logprobs": 1},
    )["choices"][0]["logprobs"]
    assert echoed["token_logprobs"][0] is None
    row = Language().logprobs(97)
    assert echoed["token_logprobs"][2] == row[98]
    ids = [ord(first.token), ord(second.token)]
    grammar = f"root ::= <[{ids[0]}]> <[{ids[1]}]>"
    told = {"prompt": [256, 97, 98], "n_predict": 2, "n_probs": 1, "grammar": grammar}
    forced = llama_api.completion_piece(client.post("/completion", told)).logprobs
    assert [one.id for one in forced] == ids
    assert [one.logprob for one in forced] == [first.logprob, second.logprob]
    biased = {"prompt": [97], "n_predict": 1, "n_probs": 1, "logit_bias": [[98, 1000]]}
    (one,) = llama_api.completion_piece(client.post("/completion", biased)).logprobs
    assert (one.id, one.logprob) == (98, row[98])


def test_an_echo_can_be_shifted_or_ignored(asked: Any) -> None:
    told = {"prompt": [97, 98], "max_tokens": 0, "echo": True, "logprobs": 1}
    client, _ = asked(echo="shifted")
    found = client.post("/v1/completions", told)["choices"][0]["logprobs"]["token_logprobs"]
    assert found == [None, Language().logprobs(98)[98]]
    client, _ = asked(echo="ignored")
    assert client.post("/v1/completions", told)["choices"][0]["text"] == ""


def test_token_ids_by_both_of_their_apis(asked: Any) -> None:
    client, _ = asked()
    assert client.post("/tokenize", {"content": "ab"})["tokens"] == [97, 98]
    assert client.post("/tokenize", {"content": "<s>"})["tokens"] == [256]
    assert client.post("/tokenize", {"prompt": "ab"})["tokens"] == [256, 97, 98]
    client, _ = asked(tokenizes=False)
    with pytest.raises(EndpointError, match="status 404"):
        client.post("/tokenize", {"content": "ab"})


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("reset", "connection lost"),
        ("hang", "no answer in time"),
        ("cut", "body cut short"),
        ("stall", "stopped in mid-answer"),
        ("invalid", "invalid JSON"),
        ("endless", "answer without an end"),
        ("empty", "body cut short"),
        ("error", "error in the answer"),
        ("redirect", "redirect refused"),
        ("429/7", "rate limited"),
        ("500", "server error"),
    ],
)
@pytest.mark.parametrize("dialect", [openai_api.COMPLETIONS, ollama_api.GENERATE])
def test_each_fault_is_met_under_its_name(
    asked: Any, dialect: Dialect, fault: str, outcome: str
) -> None:
    _, ask = asked(faults=(fault,))
    with pytest.raises(EndpointError) as broken:
        ask(dialect, "" if dialect.json_lines else "/v1")
    assert broken.value.outcome == outcome
    assert broken.value.retry_after_s == (7 if fault == "429/7" else None)


def test_faults_come_in_turn_and_are_counted(asked: Any) -> None:
    client, ask = asked(faults=("ok", "cut", "503"), times=2)
    for _ in range(2):
        assert ask(openai_api.CHAT, "/v1").text == "The answer is 42."
    assert client.tally.outcomes == {"body cut short": 1, "server error": 1}


@pytest.mark.parametrize("fault", ["cut", "invalid", "error", "empty"])
def test_faults_of_answers_that_are_not_streamed(asked: Any, fault: str) -> None:
    client, _ = asked(faults=(fault, "ok"), times=1)
    answer = client.post("/v1/chat/completions", openai_api.chat_body(
        "mock", Ask(prompt="Hi", max_tokens=64, stream=False)
    ))  # fmt: skip
    assert ("choices" in answer) == (fault != "empty")


def test_another_model_another_path_and_another_key_are_refused(asked: Any) -> None:
    client, _ = asked(key="k")
    for path, body in (
        ("/v1/completions", {"model": "other", "prompt": "a"}),
        ("/api/generate", {"model": "other", "prompt": "a"}),
        ("/v2/completions", {}),
    ):
        with pytest.raises(EndpointError) as refused:
            client.post(path, body)
        assert refused.value.outcome == "not found"
    with pytest.raises(EndpointError, match="cannot be answered"):
        client.post("/v1/completions", {})
    stranger = Client(client.address, retries=Retries(times=0))
    with pytest.raises(EndpointError, match="missing or wrong key"):
        stranger.get("/v1/models")
    stranger.close()
    client, _ = asked(speaks=("ollama",))
    with pytest.raises(EndpointError, match="status 404"):
        client.get("/props")


def test_a_share_of_answers_is_wrong_by_a_hash(asked: Any) -> None:
    _, ask = asked(text="ab", wrong_rate=0.5)
    texts = [ask(openai_api.CHAT, "/v1", prompt=str(n)).text for n in range(20)]
    assert set(texts) == {"ab", "ba"}
    assert texts == [ask(openai_api.CHAT, "/v1", prompt=str(n)).text for n in range(20)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--faults", "ok,explode"], '"explode" is no fault'),
        (["--key-env", "NO_SUCH_VARIABLE"], "no such variable"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0"),
    ],
)
def test_the_command_refuses_what_cannot_be(arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert says in str(result.exception)


def test_the_command_serves_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from runners.endpoint.mock.server import MockServer

    def serve(self: MockServer, *_: Any) -> None:
        thread = threading.Thread(target=super(MockServer, self).serve_forever, args=(0.01,))
        thread.start()
        client = Client(read_address(self.url))
        assert client.get("/v1/models")["data"][0]["id"] == "m"
        client.close()
        self.shutdown()
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(MockServer, "serve_forever", serve)
    result = CliRunner().invoke(command, ["--model", "m", "--speaks", "openai"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("http://127.0.0.1:")
    assert "ended" in result.stderr
