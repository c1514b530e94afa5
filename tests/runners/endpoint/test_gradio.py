"""Gradio's protocol: read from what real apps sent, and asked of the shipped mock."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runners.endpoint.address import read_address
from runners.endpoint.client import Client, Retries, Streamed
from runners.endpoint.events import Event
from runners.endpoint.faults import EndpointError
from runners.endpoint.gradio_answer import (
    MASKED,
    GradioAnswer,
    Outputs,
    changed,
    is_last,
    read_answer,
    text_of,
)
from runners.endpoint.gradio_app import (
    AppEndpoint,
    Input,
    NoEndpoint,
    choose_endpoint,
    data_of,
    read_app,
)
from runners.endpoint.gradio_calls import ask, describe
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.endpoint.transport import Patience

QUICK = Patience(connect_s=5, silence_s=0.3, whole_s=0.6)


def function(place: int, name: Any, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
    return {"id": place, "api_name": name, "inputs": inputs, "outputs": outputs, "queue": True}


def parameter(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"parameter_name": name, "type": {"type": kind}, "parameter_has_default": False, **more}


KINDS = ("textbox", "state", "slider", "chatbot", "multimodaltextbox", "number")
COMPONENTS = [{"id": i, "type": kind, "skip_api": kind == "state"} for i, kind in enumerate(KINDS)]
TEXT, COUNT = parameter("message", "string"), parameter("n", "number")


def app(*functions: tuple[dict[str, Any], list[dict[str, Any]]], **config: Any):
    given = {"protocol": "sse_v3", "version": "6.31.0", "api_prefix": "/gradio_api", **config}
    return read_app(
        {"components": COMPONENTS, "dependencies": [one for one, _ in functions], **given},
        {"named_endpoints": {f"/{one['api_name']}": {"parameters": p} for one, p in functions}},
    )


def test_a_chat_is_told_by_its_message_and_state_is_sent_as_null():
    slider = parameter("temperature", "number", parameter_has_default=True, parameter_default=0.7)
    found = app(
        (function(4, "clear", [], [0]), []),
        (function(6, "answer", [0, 1, 2], [3, 1]), [TEXT, slider]),
    )
    endpoint = choose_endpoint(found)
    assert endpoint.signature == "/answer(message, temperature=0.7)"
    assert (endpoint.index, endpoint.answer, found.sends_differences) == (6, 0, True)
    assert data_of(endpoint, "Hi", {}) == ["Hi", None, 0.7]
    assert data_of(endpoint, "Hi", {"temperature": 0}) == ["Hi", None, 0]
    with pytest.raises(NoEndpoint, match='no parameter "top_k" \\(it has: message, temperature'):
        data_of(endpoint, "Hi", {"top_k": 1})


def test_a_chat_of_blocks_is_begun_anew_and_read_from_its_chatbot():
    history = parameter("history", "array")
    endpoint = choose_endpoint(app((function(0, "respond", [0, 3], [0, 3]), [TEXT, history])))
    assert data_of(endpoint, "Hi", {}) == ["Hi", []]
    assert endpoint.answer == 1


def test_a_multimodal_chat_is_sent_a_text_without_files():
    message = parameter("message", "object")
    endpoint = choose_endpoint(app((function(0, "chat", [4, 1], [3]), [message])))
    assert data_of(endpoint, "Hi", {}) == [{"text": "Hi", "files": []}, None]


def test_a_parameter_without_a_value_is_asked_for():
    endpoint = choose_endpoint(app((function(0, "ask", [0, 5], [0]), [TEXT, COUNT])))
    assert data_of(endpoint, "Hi", {"n": 3}) == ["Hi", 3]
    with pytest.raises(NoEndpoint, match=r"/ask\(message, n\) needs a value for n"):
        data_of(endpoint, "Hi", {})


def test_which_endpoint_is_meant_is_asked_where_it_cannot_be_told():
    one, two = function(0, "a", [0], [0]), function(1, "b", [0], [0])
    topic = parameter("topic", "string")
    found = app((one, [topic]), (two, [topic]))
    with pytest.raises(NoEndpoint, match=r"several endpoints; .*it has /a\(topic\), /b\(topic\)"):
        choose_endpoint(found)
    assert choose_endpoint(found, "b").name == "/b"
    assert choose_endpoint(app((one, [topic]), (two, [TEXT]))).name == "/b"
    with pytest.raises(NoEndpoint, match="has no endpoint /c"):
        choose_endpoint(found, "/c")
    with pytest.raises(NoEndpoint, match="no endpoint that takes a text"):
        choose_endpoint(app((function(0, "add", [5], [5]), [COUNT])))
    with pytest.raises(NoEndpoint, match="its API is empty"):
        choose_endpoint(app((function(0, False, [0], [0]), [])))
    with pytest.raises(NoEndpoint, match='speaks Gradio\'s protocol "ws"'):
        app(protocol="ws")


def test_changes_are_applied_as_the_official_client_does():
    assert changed("L", [("append", [], "a")]) == "La"
    assert changed([{"content": "L"}], [("append", [0, "content"], "a")]) == [{"content": "La"}]
    assert changed([1], [("add", [1], 2), ("replace", [0], 0)]) == [0, 2]
    assert changed({"a": 1, "b": 2}, [("delete", ["a"], None), ("add", ["c"], 3)]) == {
        "b": 2,
        "c": 3,
    }
    assert changed("L", []) == "L"


@pytest.mark.parametrize(
    "data", [[[["append", [0, "x"], "a"]]], [["append"]], ["x"], [[["jump", [], 1]]], [[[1, 2, 3]]]]
)
def test_changes_that_do_not_fit_are_named(data: list[Any]):
    outputs = Outputs(differences=True)
    outputs.take(["L"], whole=False)
    with pytest.raises(EndpointError, match="a change does not fit"):
        outputs.take(data, whole=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        (3, "3"),
        ({"text": "a", "files": []}, "a"),
        ([{"role": "user", "content": "q"}], ""),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "a"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}]}], "a"),
        ([{"role": "assistant", "content": "old"}, {"role": "user", "content": "q"}], ""),
        ([["q", "a"]], "a"),
        ([["q", None]], ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ({"x": 1}, ""),
        (True, ""),
    ],
)
def test_the_text_of_an_output_is_what_a_person_reads(value: Any, text: str):
    assert text_of(value) == text


def streamed(*messages: dict[str, Any]) -> Streamed:
    """Messages that arrive a tenth of a second apart."""
    arrived = [(i / 10, Event(json.dumps(one))) for i, one in enumerate(messages, 1)]
    return Streamed(started_ns=0, arrived=arrived, done=False)


def generating(*data: Any) -> dict[str, Any]:
    return {"msg": "process_generating", "output": {"data": list(data)}, "success": True}


def completed(*data: Any) -> dict[str, Any]:
    return {"msg": "process_completed", "output": {"data": list(data)}, "success": True}


def test_first_words_are_the_first_text_that_is_not_empty():
    found = read_answer(
        streamed(
            {"msg": "estimation", "rank": 2},
            {"msg": "heartbeat"},
            {"msg": "estimation", "rank": 0},
            {"msg": "process_starts"},  # at 0.4 s, and 0.05 s after the question
            generating("", None),
            generating([["append", [], "L"]], []),
            {"msg": "log", "log": "working"},
            generating([["append", [], "a"]], []),
            completed("La", None),
        ),
        0, differences=True, sent_s=0.05,
    )  # fmt: skip
    assert found == GradioAnswer(
        text="La", text_s=(pytest.approx(0.65), pytest.approx(0.85)),
        starts_s=pytest.approx(0.45), ahead=2, end_s=pytest.approx(0.95),
    )  # fmt: skip


def test_an_older_protocol_sends_whole_outputs():
    found = read_answer(
        streamed(generating("L"), generating("La"), completed("La!")),
        0, differences=False, sent_s=0.0,
    )  # fmt: skip
    assert found.text == "La!"
    assert len(found.text_s) == 3


def test_an_error_of_the_app_is_its_answer_and_one_of_the_queue_is_not():
    failed = {"msg": "process_completed", "success": False, "output": {"error": None}}
    assert read_answer(streamed(failed), 0, differences=True, sent_s=0).fault == MASKED
    quota = "You have exceeded your GPU quota (60s requested vs. 42s left)"
    failed["output"] = {"error": quota}
    found = read_answer(streamed(failed), 0, differences=True, sent_s=0)
    assert (found.fault, found.over_quota, found.text) == (quota, True, "")
    lost = {"msg": "unexpected_error", "message": "session not found"}
    with pytest.raises(EndpointError, match="server error: session not found"):
        read_answer(streamed(lost), 0, differences=True, sent_s=0)
    with pytest.raises(EndpointError, match="ended without the app's result"):
        read_answer(streamed(generating("L")), 0, differences=True, sent_s=0)


def test_a_message_ends_a_session_whatever_the_app_says():
    assert is_last(Event('{"msg":"close_stream","event_id":null}'))
    assert not is_last(Event('{"msg":"process_generating","output":{"msg":"close_stream"}}'))


@pytest.fixture
def asked() -> Iterator[Callable[..., GradioAnswer]]:
    """Asks a mock that is made as it is told."""
    with contextlib.ExitStack() as stack:

        def one(message: str = "Hi", **told: Any) -> GradioAnswer:
            server = stack.enter_context(mock_server(MockOptions(speaks=("gradio",), **told)))
            client = Client(
                read_address(server.url), retries=Retries(times=0), patience=QUICK,
                key=told.get("key", ""),
            )  # fmt: skip
            stack.callback(client.close)
            found = describe(client)
            endpoint = choose_endpoint(found)
            return ask(client, found, endpoint, data_of(endpoint, message, {}))

        yield one


def test_the_mock_answers_as_a_real_app_does(asked: Callable[..., GradioAnswer]):
    found = asked(text="The answer is 42.", coalesce=4, key="secret")
    assert (found.text, found.ahead, found.fault) == ("The answer is 42.", 0, "")
    assert len(found.text_s) == 5  # 17 letters, four at a time


def test_waiting_and_work_are_told_apart(asked: Callable[..., GradioAnswer]):
    found = asked(queue_s=0.05, first_token_s=0.05)
    assert found.ahead == 1
    assert found.starts_s is not None
    assert found.starts_s >= 0.05  # no sooner than the mock is told
    assert found.text_s[0] >= 0.1


def test_the_apps_own_errors_are_answers(asked: Callable[..., GradioAnswer]):
    assert asked("raise no such city").fault == "no such city"
    assert asked("raise").fault == MASKED


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("500", "server error"),
        ("429", "rate limited"),
        ("reset", "connection lost"),
        ("hang", "no answer in time"),
        ("cut", "body cut short"),
        ("stall", "stopped in mid-answer"),
        ("endless", "answer without an end"),
        ("invalid", "invalid JSON"),
        ("error", "error in the answer"),
        ("empty", "body cut short"),
    ],
)
def test_every_fault_of_the_way_has_a_name(
    asked: Callable[..., GradioAnswer], fault: str, outcome: str
):
    with pytest.raises(EndpointError) as caught:
        asked(faults=(fault,))
    assert caught.value.outcome == outcome


def test_a_server_that_is_no_app_is_said_to_be_none():
    with mock_server(MockOptions(speaks=("openai",))) as server:
        client = Client(read_address(server.url), retries=Retries(times=0))
        with pytest.raises(EndpointError, match="not found"):
            describe(client)
        client.close()


def test_an_endpoint_without_a_queue_is_called_at_once():
    endpoint = AppEndpoint(
        name="/a", index=0, outputs=("textbox",), queued=False,
        inputs=(Input(name="message", component="textbox", takes_text=True),),
    )  # fmt: skip
    from tests.support.raw_server import raw_server, whole

    with raw_server(whole(b'{"data": ["Hello"]}')) as server:
        client = Client(server.address, retries=Retries(times=0))
        found = ask(client, app(), endpoint, ["Hi"])
        client.close()
    assert found.text == "Hello"
    assert len(found.text_s) == 1
    assert b"POST /gradio_api/run/a " in server.asked[0]
