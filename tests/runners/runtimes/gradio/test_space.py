"""Spaces: their stages by what a Hub of the test's own says, and the wait for one that sleeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import EndpointError
from runners.runtimes.gradio.space import ENDED, Space, wake
from runners.worker.runtime import WorkerError
from tests.support.raw_server import RawServer, raw_server, whole

CONFIG = {"protocol": "sse_v3", "version": "6.31.0", "dependencies": [], "components": []}


def said(body: Any, status: str = "200 OK") -> list[bytes]:
    return whole(json.dumps(body).encode(), status=status)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Hub that gives these answers, in order."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def told(*answers: list[bytes]) -> RawServer:
            server = stack.enter_context(raw_server(*answers))
            monkeypatch.setenv("HF_ENDPOINT", server.address.text)
            return server

        yield told


def test_a_space_is_found_with_its_token(hub: Any):
    server = hub(said({"host": "https://owner-name.hf.space", "sdk": "gradio"}))
    space = Space("owner/name", "secret")
    assert space.address().text == "https://owner-name.hf.space"
    space.close()
    assert b"GET /api/spaces/owner/name " in server.asked[0]
    assert b"Authorization: Bearer secret" in server.asked[0]


@pytest.mark.parametrize("stage", ENDED)
def test_a_stage_that_no_waiting_ends_is_named(hub: Any, stage: str):
    hub(said({"runtime": {"stage": stage, "errorMessage": "why\nso"}}))
    space = Space("owner/name", "")
    with pytest.raises(WorkerError, match=rf"the Space owner/name .*\(stage {stage}\): why so"):
        space.stage()
    space.close()


def test_what_is_no_gradio_app_or_cannot_be_seen_is_said(hub: Any):
    hub(said({"sdk": "static"}), said({"error": "not found"}, status="404 Not Found"))
    space = Space("owner/name", "")
    with pytest.raises(WorkerError, match="is no Gradio app"):
        space.address()
    with pytest.raises(WorkerError, match="no Space owner/name that can be seen"):
        space.address()
    space.close()


def test_a_sleeping_space_is_waited_for(hub: Any):
    asleep = whole(b"<html>preparing</html>", status="503 Service Unavailable")
    hub(*[said({"runtime": {"stage": stage}}) for stage in ("SLEEPING", "APP_STARTING", "RUNNING")])
    waits: list[float] = []
    with raw_server(asleep, asleep, said(CONFIG), said({"named_endpoints": {}})) as app:
        client, space = Client(app.address, retries=Retries(times=0)), Space("owner/name", "")
        found, slept_s = wake(client, space, within_s=60, wait=waits.append)
        client.close()
        space.close()
    assert found.version == "6.31.0"
    assert len(waits) == 2
    assert slept_s > 0


def test_a_space_that_does_not_wake_in_time_is_named(hub: Any):
    asleep = whole(b"<html>preparing</html>", status="503 Service Unavailable")
    hub(said({"runtime": {"stage": "BUILDING"}}))
    with raw_server(asleep) as app:
        client, space = Client(app.address, retries=Retries(times=0)), Space("owner/name", "")
        with pytest.raises(WorkerError, match=r"was not awake after -1 s \(stage BUILDING\)"):
            wake(client, space, within_s=-1, wait=lambda _: None)
        client.close()
        space.close()


def test_an_app_that_is_no_space_is_asked_once():
    with raw_server(whole(b"nothing", status="503 Service Unavailable")) as app:
        client = Client(app.address, retries=Retries(times=0))
        with pytest.raises(EndpointError, match="server error"):
            wake(client, None, within_s=60, wait=lambda _: None)
        client.close()
