"""A Gradio app's paths on the mock server: a chat, whose function is called `answer`.

A message `raise TEXT` has the function raise `gr.Error(TEXT)`, `raise` alone any other error, whose
text Gradio does not show.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from runners.endpoint.mock.answering import Mock, Request, Stream, Whole, grouped, sse
from runners.endpoint.mock.openai import prompt_ids

PREFIX = "/gradio_api"
INDEX = 6
"""The function's place among the app's, as in a real ChatInterface."""
MOST_TOKENS = 4096
_COMPONENTS = ("textbox", "state", "slider", "json")
_TEXT = {
    "label": "", "parameter_name": "message", "parameter_has_default": False,
    "parameter_default": None, "type": {"type": "string"}, "component": "Textbox",
}  # fmt: skip
_SLIDER = {
    "label": "Temperature", "parameter_name": "temperature", "parameter_has_default": True,
    "parameter_default": 0.7, "type": {"type": "number"}, "component": "Slider",
}  # fmt: skip


def config(mock: Mock, _request: Request) -> Whole:
    """`/config`: components and functions, most of which no client may call."""
    hidden = {"id": 0, "api_name": "clear", "inputs": [], "outputs": [0], "queue": False}
    function = {
        "id": INDEX, "api_name": "answer", "inputs": [0, 1, 2], "outputs": [3, 1], "queue": True,
    }  # fmt: skip
    return Whole(
        body={
            "version": "6.31.0",
            "api_prefix": PREFIX,
            "protocol": "sse_v3",
            "title": mock.options.model,
            "enable_queue": True,
            "components": [
                {"id": place, "type": kind, "props": {}, "skip_api": kind == "state"}
                for place, kind in enumerate(_COMPONENTS)
            ],
            "dependencies": [hidden, function],
        }
    )


def info(_mock: Mock, _request: Request) -> Whole:
    """`/gradio_api/info`: the parameters of the one function that may be called."""
    answer = {"parameters": [_TEXT, _SLIDER], "returns": [{"component": "Json"}]}
    return Whole(body={"named_endpoints": {"/answer": answer}, "unnamed_endpoints": {}})


def join(mock: Mock, request: Request) -> Whole:
    """`/gradio_api/queue/join`: takes a question, whose answer comes in the session's stream."""
    message, _, _ = request.body["data"]
    if request.body["fn_index"] != INDEX:
        raise ValueError(f"no function {request.body['fn_index']}")
    mock.sessions[request.body["session_hash"]] = message
    return Whole(body={"event_id": request.body["session_hash"]})


def data(mock: Mock, request: Request) -> Whole | Stream:
    """`/gradio_api/queue/data`: the messages of a session, to its end; they are sent once."""
    session = parse_qs(request.query)["session_hash"][0]
    message = mock.sessions.pop(session, None)
    if message is None:  # as where a stream was left before
        lost = _said("unexpected_error", session, message="Session not found.", success=False)
        return Stream(frames=[(0.0, lost)])
    waits_s = mock.options.queue_s
    frames = [
        (0.0, _said("estimation", session, rank=int(waits_s > 0), queue_size=1)),
        (waits_s, _said("process_starts", session)),
        *_worked(mock, message, session),
    ]
    end_s = frames[-1][0]
    return Stream(frames=[*frames, (end_s, _said("close_stream", None))])


def _worked(mock: Mock, message: str, session: str) -> list[tuple[float, bytes]]:
    """Messages from the function's beginning to its result."""
    waits_s = mock.options.queue_s
    raises, _, text = message.partition(" ")
    if raises == "raise":
        error = {"error": text or None, "title": "Error"}
        return [(waits_s, _said("process_completed", session, output=error, success=False))]
    done = mock.complete(prompt_ids(mock, message), MOST_TOKENS, may_cache=False)
    outputs: list[Any] = ["", None]
    frames = [(waits_s, _generating(session, outputs))]
    written = ""
    for group in grouped(done.tokens, mock.options.coalesce):
        added = "".join(token.text for token in group if not token.thought)
        if added:
            written += added
            change = [[["append", [], added]], []]
            frames.append((waits_s + group[-1].due_s, _generating(session, change)))
    output = {"data": [written, None], "is_generating": False}
    last = _said("process_completed", session, output=output, success=True)
    return [*frames, (waits_s + done.due_s, last)]


def _generating(session: str, outputs: list[Any]) -> bytes:
    output = {"data": outputs, "is_generating": True}
    return _said("process_generating", session, output=output, success=True)


def _said(kind: str, session: str | None, **more: Any) -> bytes:
    return sse({"msg": kind, "event_id": session, **more})
