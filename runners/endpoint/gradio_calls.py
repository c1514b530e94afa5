"""Ask a running Gradio app: what it offers, and one question in a session of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from runners.endpoint.client import Client
from runners.endpoint.faults import EndpointError
from runners.endpoint.gradio_answer import GradioAnswer, is_last, read_answer, text_of
from runners.endpoint.gradio_app import AppEndpoint, GradioApp, NoEndpoint, read_app


def describe(client: Client) -> GradioApp:
    """The app as it describes itself.

    Raises:
        EndpointError: it does not answer, or is no Gradio app that is known here.
    """
    config = client.get("/config")
    if "dependencies" not in config:
        raise EndpointError("not found", f"{client.address.text}: is no Gradio app")
    prefix = config.get("api_prefix") or ""
    info = client.get(f"{prefix}/info")
    try:
        return read_app(config, info)
    except NoEndpoint as error:
        raise EndpointError("request refused", f"{client.address.text}: {error}") from error


def ask(client: Client, app: GradioApp, endpoint: AppEndpoint, data: Sequence[Any]) -> GradioAnswer:
    """Call an endpoint once, in a new session: a chat remembers nothing of the calls before.

    The clock starts on an open connection, right before the question's first byte. The client must
    not send anything again by itself (`Retries(times=0)`): the waiting would be in the time.

    Raises:
        EndpointError: it did not answer whole. An error that the app raises is an answer
            (`GradioAnswer.fault`).
    """
    place = endpoint.answer or 0
    session = secrets.token_hex(8)
    body = {"data": list(data), "fn_index": endpoint.index, "session_hash": session}
    try:
        client.connect()
    except OSError:
        client.close()  # the request meets it again, and names it
    sent_ns = time.perf_counter_ns()
    if not endpoint.queued:
        return _at_once(client, app, endpoint, data, place, sent_ns)
    client.post(f"{app.prefix}/queue/join", body)
    return client.stream(
        f"{app.prefix}/queue/data?session_hash={session}",
        None,
        lambda streamed: read_answer(
            streamed,
            place,
            differences=app.sends_differences,
            sent_s=(streamed.started_ns - sent_ns) / 1e9,
        ),
        stop=is_last,
    )


def _at_once(
    client: Client, app: GradioApp, endpoint: AppEndpoint, data: Sequence[Any], place: int,
    sent_ns: int,
) -> GradioAnswer:  # fmt: skip
    """An endpoint that no queue stands before: one request, one whole answer."""
    found = client.post(f"{app.prefix}/run{endpoint.name}", {"data": list(data)})
    end_s = (time.perf_counter_ns() - sent_ns) / 1e9
    values = found.get("data")
    text = text_of(values[place]) if isinstance(values, list) and place < len(values) else ""
    return GradioAnswer(
        text=text,
        text_s=(end_s,) if text else (),
        starts_s=0.0,
        ahead=0,
        end_s=end_s,
    )
