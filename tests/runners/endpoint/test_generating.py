"""Answers of servers to windows of prompts."""

from typing import Any

import pytest

from runners.endpoint.asking import Turn
from runners.endpoint.faults import EndpointError
from runners.endpoint.generating import TURNS, Refusals, cut_at, read_prompt, written_turns
from runners.endpoint.generating import generated as generated_by
from runners.endpoint.served import Served
from runners.worker.protocol import Generate, Generated, GenerateItem, Thinking
from runners.worker.runtime import OnProgress
from tests.runners.endpoint.conftest import Mocked


def generated(served: Served, asked: Generate, progress: OnProgress) -> Generated:
    return generated_by(served, asked, progress, Refusals())


def item(prompt: str = "Hi", **more: Any) -> GenerateItem:
    told = {
        "until": [], "max_tokens": 64, "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 1,
    }  # fmt: skip
    return GenerateItem(prompt=prompt, **{**told, **more})


@pytest.mark.parametrize("speaks", ["llama-server", "vllm", "ollama", "openai"])
@pytest.mark.parametrize("prompt", ["Hi", TURNS + '[{"role": "user", "content": "Hi"}]'])
def test_texts_and_conversations_are_answered(mocked: Mocked, speaks: str, prompt: str) -> None:
    served = mocked(speaks, model="mock", text="Grüße")
    told: list[int] = []
    found = generated(served, Generate(items=[item(prompt), item(prompt)]), told.append).items
    assert told == [1, 2]
    for one in found:
        assert (one.text, one.stop, one.new_tokens) == ("Grüße", "end of sequence", 7)
        assert one.prompt_tokens is not None
        assert one.times is not None
        assert (len(one.times.token_s), one.times.counted) == (5, 7)


def test_answers_are_cut_by_length_and_by_more_stop_strings_than_the_api_takes(
    mocked: Mocked,
) -> None:
    served = mocked("openai", text="one two three")
    cut, stopped = generated(
        served,
        Generate(items=[item(max_tokens=5), item(until=["a", "b", "c", "d", " two"])], packed=True),
        lambda _: None,
    ).items
    assert (cut.text, cut.stop, cut.times) == ("one t", "length", None)
    assert (stopped.text, stopped.stop) == ("one", "until")


def test_thought_is_kept_apart_and_stops_nothing(mocked: Mocked) -> None:
    marks = Thinking(start="<think>", end="</think>", opened=False, max_tokens=100)
    chat = TURNS + '[{"role": "user", "content": "Hi"}]'
    served = mocked("openai", text="42", reasoning="Hm.\n")
    (one,) = generated(served, Generate(items=[item(chat, until=["\n"])]), lambda _: None).items
    assert (one.text, one.raw, one.first_answer) == ("42", "<think>Hm.\n</think>42", 4)
    # The mock's tokens are bytes, each an event: "Hm.\n" is four.
    assert one.thought_tokens == 4
    inline = mocked("openai", text="<think>Hm.\n</think>42")
    asked = item("Hi", until=["\n"], max_tokens=2, thinking=marks)
    (one,) = generated(inline, Generate(items=[asked]), lambda _: None).items
    assert (one.text, one.raw) == ("42", "<think>Hm.\n</think>42")
    # In the text the marks are thought, too: 7 + 4 + 8 bytes.
    assert (one.thought_tokens, one.first_answer) == (19, 19)
    endless = mocked("openai", text="<think>Hm.")
    (one,) = generated(endless, Generate(items=[asked]), lambda _: None).items
    assert (one.text, one.thought_tokens, one.first_answer) == ("", 10, None)


def test_without_usage_tokens_are_not_known(mocked: Mocked) -> None:
    served = mocked("openai", usage=False)
    (one,) = generated(served, Generate(items=[item()]), lambda _: None).items
    assert (one.prompt_tokens, one.new_tokens) == (None, None)
    assert one.times is not None
    assert one.times.counted is None


def test_conversations_are_read_back() -> None:
    assert read_prompt("plain") == "plain"
    assert read_prompt(TURNS + '[{"role": "user", "content": "é\\n"}]') == (
        Turn(role="user", content="é\n"),
    )
    for broken in ("[{]", '[{"role": "user"}]', "7"):
        with pytest.raises(EndpointError, match="no conversation"):
            read_prompt(TURNS + broken)


def test_a_begun_answer_is_the_last_turn_and_vllm_is_told_to_go_on(mocked: Mocked) -> None:
    begun = [{"role": "user", "content": "<&>"}, {"role": "assistant", "content": '"""\n```\n'}]
    prompt = read_prompt(written_turns(begun))
    assert prompt == (
        Turn(role="user", content="<&>"),
        Turn(role="assistant", content='"""\n```\n'),
    )
    told = mocked("vllm").going_on(prompt)
    assert told == {"add_generation_prompt": False, "continue_final_message": True}
    assert mocked("vllm").going_on(prompt[:1]) == {}
    assert mocked("vllm").going_on("a text") == {}
    assert mocked("openai").going_on(prompt) == {}


@pytest.mark.parametrize(
    ("text", "until", "found"),
    [
        ("abc", [], ("abc", False)),
        ("abc", ["x", "c", "b"], ("a", True)),
        ("abc", [""], ("abc", False)),
    ],
)
def test_a_text_is_cut_at_its_first_stop_string(
    text: str, until: list[str], found: tuple[str, bool]
) -> None:
    assert cut_at(text, until) == found


def test_a_refused_item_is_wrong_and_the_others_go_on(mocked: Mocked) -> None:
    served = mocked("openai", most_prompt=20)
    long = item("Hi" * 20)
    one, two = generated(served, Generate(items=[long, item()]), lambda _: None).items
    assert (one.text, one.new_tokens, one.times) == ("", 0, None)
    assert one.stop.startswith("app error: POST http://127.0.0.1")
    assert "the prompt has 41 tokens, at most 20" in one.stop
    assert two.text == "The answer is 42."


def test_where_every_request_is_refused_the_first_reason_is_said(mocked: Mocked) -> None:
    served, refusals = mocked("openai", most_prompt=2), Refusals()
    with pytest.raises(EndpointError, match="at most 2"):
        generated_by(served, Generate(items=[item(), item()]), lambda _: None, refusals)
    refusals.answered = True  # an earlier window was answered
    answers = generated_by(served, Generate(items=[item()]), lambda _: None, refusals)
    assert answers.items[0].text == ""
