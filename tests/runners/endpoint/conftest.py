"""Mock servers in threads of this process, and clients that never wait between tries."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runners.endpoint.address import read_address
from runners.endpoint.client import Client, Retries
from runners.endpoint.detect import find_served
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.endpoint.served import Served
from runners.endpoint.transport import Patience

Mocked = Callable[..., Served]


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """A client of a mock that is told what it is given; both end with the test."""
    with contextlib.ExitStack() as stack:

        def make(
            *, times: int = 0, patience: Patience | None = None, secret: str = "", **told: Any
        ) -> Client:
            server = stack.enter_context(mock_server(MockOptions(**told)))
            client = Client(
                read_address(server.url),
                key=secret or told.get("key", ""),
                retries=Retries(times=times),
                patience=patience or Patience(connect_s=5, silence_s=10),
                wait=lambda _: None,
            )
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def mocked(client_of: Callable[..., Client]) -> Mocked:
    """A mock that speaks one API, as the client finds it."""

    def make(speaks: str, *, model: str = "", **told: Any) -> Served:
        return find_served(client_of(speaks=(speaks,), **told), "/v1", model)

    return make
