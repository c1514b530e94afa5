"""Requests and answers of each API, as real servers sent them (llama.cpp 0c1e570, vLLM 0.32)."""

import json
from typing import Any

import pytest

from runners.endpoint import llama_api, ollama_api, openai_api
from runners.endpoint.answer import read_answer
from runners.endpoint.asking import Ask, Dialect, Likely, Piece, Scored, Turn, Usage
from runners.endpoint.client import Streamed
from runners.endpoint.events import Event
from runners.endpoint.faults import EndpointError

TURNS = (Turn(role="system", content="Be brief."), Turn(role="user", content="Hi"))


def test_a_greedy_request_says_no_more_than_it_must() -> None:
    body = openai_api.completions_body("m", Ask(prompt="a", max_tokens=5))
    assert body == {
        "model": "m",
        "prompt": "a",
        "max_tokens": 5,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_completions_take_ids_echo_and_what_is_a_servers_own() -> None:
    ask = Ask(
        prompt=(1, 2), max_tokens=0, stream=False, logprobs=1, echo=True, seed=0, top_p=0.9,
        top_k=40, min_p=0.05, repetition_penalty=1.1, stop=("\n",), extra={"cache_salt": "x"},
    )  # fmt: skip
    assert openai_api.completions_body("m", ask) == {
        "model": "m",
        "prompt": [1, 2],
        "max_tokens": 0,
        "temperature": 0.0,
        "stream": False,
        "logprobs": 1,
        "echo": True,
        "seed": 0,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "stop": ["\n"],
        "cache_salt": "x",
    }


def test_a_chat_takes_turns_and_a_text_is_the_users() -> None:
    body = openai_api.chat_body("m", Ask(prompt=TURNS, max_tokens=5, logprobs=20))
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    alone = openai_api.chat_body("m", Ask(prompt="Hi", max_tokens=5))
    assert alone["messages"] == [{"role": "user", "content": "Hi"}]


def test_llama_server_is_told_each_sampler() -> None:
    ask = Ask(
        prompt=(1, 2), max_tokens=3, stream=False, logprobs=1, extra={"grammar": "root ::= <[5]>"}
    )
    assert llama_api.completion_body("m", ask) == {
        "prompt": [1, 2],
        "n_predict": 3,
        "temperature": 0.0,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repeat_penalty": 1.0,
        "stream": False,
        "n_probs": 1,
        "grammar": "root ::= <[5]>",
    }


def test_ollama_is_asked_without_a_template() -> None:
    body = ollama_api.generate_body("m", Ask(prompt="a", max_tokens=3, stop=("\n",), logprobs=2))
    assert body == {
        "model": "m",
        "prompt": "a",
        "raw": True,
        "stream": True,
        "logprobs": True,
        "top_logprobs": 2,
        "options": {
            "num_predict": 3,
            "temperature": 0.0,
            "top_p": 1.0,
            "top_k": 0,
            "min_p": 0.0,
            "repeat_penalty": 1.0,
            "stop": ["\n"],
        },
    }
    assert ollama_api.chat_body("m", Ask(prompt="a", max_tokens=3))["messages"] == [
        {"role": "user", "content": "a"}
    ]


@pytest.mark.parametrize(
    ("dialect", "prompt"),
    [
        (openai_api.COMPLETIONS, TURNS),
        (openai_api.CHAT, (1, 2)),
        (llama_api.COMPLETION, TURNS),
        (ollama_api.GENERATE, (1, 2)),
        (ollama_api.GENERATE, TURNS),
        (ollama_api.CHAT, (1, 2)),
    ],
)
def test_a_prompt_that_a_dialect_has_no_words_for_is_refused(dialect: Dialect, prompt: Any) -> None:
    with pytest.raises(EndpointError, match="no"):
        dialect.body("m", Ask(prompt=prompt, max_tokens=1))


def test_log_probabilities_in_columns_as_vllm_echoes_them() -> None:
    event = {
        "model": "m",
        "choices": [
            {
                "text": " a b",
                "finish_reason": "length",
                "logprobs": {
                    "tokens": ["x", " a"],
                    "token_logprobs": [None, -8.24],
                    "top_logprobs": [None, {" a": -8.24, " the": -0.5}],
                    "text_offset": [0, 1],
                },
            }
        ],
    }
    assert openai_api.completions_piece(event).logprobs == (
        Scored(token="x", logprob=None),
        Scored(
            token=" a",
            logprob=-8.24,
            top=(Likely(token=" a", logprob=-8.24), Likely(token=" the", logprob=-0.5)),
        ),
    )


def test_log_probabilities_as_a_list_of_objects() -> None:
    entry = {
        "id": 18,
        "token": ".",
        "bytes": [46],
        "logprob": -0.399,
        "top_logprobs": [{"id": 18, "token": ".", "bytes": [46], "logprob": -0.399}],
    }
    found = (
        Scored(token=".", logprob=-0.399, id=18, top=(Likely(token=".", logprob=-0.399, id=18),)),
    )
    choice = {"text": ".", "logprobs": {"content": [entry]}, "finish_reason": "length"}
    assert openai_api.completions_piece({"choices": [choice]}).logprobs == found
    own = {"content": ".", "completion_probabilities": [entry], "stop": False}
    assert llama_api.completion_piece(own) == Piece(text=".", logprobs=found)
    ollama = {"response": ".", "done": False, "logprobs": [entry]}
    assert ollama_api.generate_piece(ollama) == Piece(text=".", logprobs=found)


def test_odd_answers_are_pieces_without_a_text() -> None:
    for event in ({}, {"choices": None}, {"choices": ["x"]}, {"choices": [{"delta": None}]}):
        assert openai_api.chat_piece(event) == Piece()
    odd = {"choices": [{"text": 7, "logprobs": {"tokens": 3}}], "usage": {"prompt_tokens": True}}
    assert openai_api.completions_piece(odd) == Piece(usage=Usage())


def streamed(*events: Any, done: bool = True) -> Streamed:
    """Events that arrived 1, 2, 3 … s after the request."""
    arrived = [
        (float(at), Event(event if isinstance(event, str) else json.dumps(event)))
        for at, event in enumerate(events, start=1)
    ]
    return Streamed(started_ns=0, arrived=arrived, done=done)


def chat(delta: dict[str, Any], stop: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"delta": delta, "finish_reason": stop}], **more}


def test_a_chat_is_put_together_with_thought_apart_and_usage_in_a_last_event() -> None:
    answer = read_answer(
        openai_api.CHAT,
        streamed(
            chat({"role": "assistant", "content": None}),
            chat({"content": ""}),
            chat({"reasoning_content": "Hm"}),
            chat({"content": "He"}),
            chat({"content": "llo"}),
            chat({}, "stop"),
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 9,
                    "completion_tokens": 4,
                    "prompt_tokens_details": {"cached_tokens": 2},
                },
                "timings": {
                    "cache_n": 1, "prompt_n": 8, "prompt_ms": 250.0,
                    "predicted_n": 4, "predicted_ms": 500,
                },
            },
        ),
    )  # fmt: skip
    assert (answer.text, answer.reasoning, answer.stop) == ("Hello", "Hm", "stop")
    # events 1 and 2 have no text: the first token came with the third
    assert answer.piece_s == (3.0, 4.0, 5.0)
    assert (answer.first_s, answer.first_answer, answer.end_s) == (3.0, 1, 7.0)
    assert answer.usage == Usage(
        prompt_tokens=9, new_tokens=4, cached_tokens=1, prompt_s=0.25, new_s=0.5
    )
    assert answer.model == "m-1"
    assert not answer.cut


def test_usage_within_the_last_event_that_has_a_choice() -> None:
    last = chat({}, "length", usage={"prompt_tokens": 3, "completion_tokens": 2})
    answer = read_answer(openai_api.CHAT, streamed(chat({"content": "a"}), last))
    assert answer.usage == Usage(prompt_tokens=3, new_tokens=2)
    assert answer.cut


def test_llama_servers_own_stream() -> None:
    answer = read_answer(
        llama_api.COMPLETION,
        streamed(
            {"content": "a", "stop": False},
            {"content": "b", "stop": False},
            {
                "content": "",
                "stop": True,
                "stop_type": "limit",
                "tokens_evaluated": 9,
                "tokens_predicted": 2,
                "tokens_cached": 11,
                "timings": {"cache_n": 4, "prompt_n": 5, "predicted_n": 2},
            },
            done=False,
        ),
    )
    assert (answer.text, answer.stop) == ("ab", "length")
    assert answer.usage == Usage(prompt_tokens=9, new_tokens=2, cached_tokens=4)


def test_ollamas_stream() -> None:
    answer = read_answer(
        ollama_api.CHAT,
        streamed(
            {"message": {"content": "", "thinking": "Hm"}, "done": False},
            {"message": {"content": "a"}, "done": False},
            {
                "message": {"content": ""}, "done": True, "done_reason": "stop",
                "prompt_eval_count": 7, "prompt_eval_duration": 2_000_000_000,
                "eval_count": 2, "eval_duration": 500_000_000,
            },
            done=False,
        ),
    )  # fmt: skip
    assert (answer.text, answer.reasoning, answer.stop) == ("a", "Hm", "stop")
    assert answer.usage == Usage(prompt_tokens=7, new_tokens=2, prompt_s=2.0, new_s=0.5)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (streamed(chat({"content": "a"}), done=False), "body cut short"),
        (streamed(done=False), "body cut short"),
        (streamed(chat({"content": "a"}), "{"), "invalid JSON"),
        (streamed(chat({"content": "a"}), "[]"), "invalid JSON"),
        (streamed({"error": {"message": "out of memory"}}), "error in the answer"),
    ],
)
def test_broken_streams_have_names(found: Streamed, outcome: str) -> None:
    with pytest.raises(EndpointError) as broken:
        read_answer(openai_api.CHAT, found)
    assert broken.value.outcome == outcome


def test_an_answer_without_a_text_has_no_first_token() -> None:
    answer = read_answer(openai_api.CHAT, streamed(chat({"content": ""}), chat({}, "stop")))
    assert (answer.text, answer.first_s, answer.first_answer) == ("", None, None)
