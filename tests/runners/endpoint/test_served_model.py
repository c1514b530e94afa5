"""What a server can be asked, found out once when its model is looked for."""

from dataclasses import replace
from typing import Any

import pytest

from runners.endpoint.asking import Ask, Turn
from runners.endpoint.faults import EndpointError
from runners.endpoint.generating import THINKING_TURNS, TURNS
from runners.endpoint.served_model import ServedModel, with_apis
from runners.engine.thought import find_marks
from runners.worker.protocol import Generate, GenerateItem
from tests.runners.endpoint.conftest import Mocked

HI = (Turn(role="user", content="Hi"),)


@pytest.mark.parametrize("speaks", ["llama-server", "vllm", "ollama", "openai"])
def test_both_apis_are_found(mocked: Mocked, speaks: str) -> None:
    served = with_apis(mocked(speaks, model="mock"))
    assert (served.completes, served.chats, served.reasons) == (True, True, False)
    said = ServedModel(served, 4096).said()
    assert (said.kind, len(said.apis), len(said.answers)) == (speaks, 2, 3)


def test_a_server_of_conversations_alone_is_asked_by_them(mocked: Mocked) -> None:
    served = with_apis(mocked("openai", chats_alone=True))
    assert (served.completes, served.chats) == (False, True)
    assert served.stream(served.text_dialect, Ask(prompt="Hi", max_tokens=64)).text
    assert ServedModel(served, 4096).said().apis == ["OpenAI chat"]


def test_newer_models_of_openai_are_told_their_limit_by_its_newer_name(mocked: Mocked) -> None:
    served = with_apis(mocked("openai", newer=True))
    assert served.limit_key == "max_completion_tokens"
    cut = served.stream(served.chat_dialect, Ask(prompt=HI, max_tokens=3))
    assert (cut.text, cut.cut) == ("The", True)


def test_keys_of_each_request_are_added_or_left_out(mocked: Mocked) -> None:
    served = replace(mocked("openai"), extra={"stop": ["answer"], "temperature": None})
    body = served._body(served.chat_dialect, Ask(prompt=HI, max_tokens=3))
    assert body["stop"] == ["answer"]
    assert "temperature" not in body
    assert served.stream(served.chat_dialect, Ask(prompt=HI, max_tokens=64)).text == "The "


def test_thought_that_a_server_tells_apart_has_tokens_of_its_own(mocked: Mocked) -> None:
    model = ServedModel(with_apis(mocked("openai", text="42", reasoning="Hm. ")), 4096)
    template = model.chat_template().text
    assert template == THINKING_TURNS
    marks = find_marks(template)
    assert marks is not None
    assert (marks.start, marks.end) == ("<think>", "</think>")
    assert find_marks(TURNS) is None


def test_a_server_that_answers_neither_is_refused_by_its_own_words(mocked: Mocked) -> None:
    with pytest.raises(EndpointError, match="told to fail with 404"):
        with_apis(mocked("openai", faults=("404",)))


def test_what_befell_the_requests_of_a_question_is_told(mocked: Mocked) -> None:
    served = mocked("openai", times=2, faults=("ok", "ok", "503", "cut", "ok", "ok"))
    model = ServedModel(with_apis(served), 4096)
    told: dict[str, Any] = {"until": [], "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 1}
    asked = Generate(items=[GenerateItem(prompt="Hi", max_tokens=8, **told)])
    tries = model.generate(asked, lambda _: None).tries
    assert tries is not None
    assert (tries.requests, tries.retries, tries.outcomes) == (
        1, 2, {"server error": 1, "body cut short": 1},
    )  # fmt: skip
    again = model.generate(asked, lambda _: None).tries
    assert again is not None
    assert (again.requests, again.outcomes) == (1, {})
