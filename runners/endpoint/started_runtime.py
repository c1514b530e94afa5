"""A runtime that starts a server with the model in it: loading is that, the rest are requests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from runners.endpoint.address import Address
from runners.endpoint.client import Client, Retries
from runners.endpoint.detect import find_served
from runners.endpoint.faults import EndpointError
from runners.endpoint.listening import free_port
from runners.endpoint.open_files import allow_connections
from runners.endpoint.served_model import DEFAULT_CONTEXT, ServedModel, with_apis
from runners.endpoint.started import StartedServer, filled
from runners.endpoint.transport import Patience
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

HOST = "127.0.0.1"
READY_S = 3600.0
"""A large model may load for long; the parent ends a worker that says nothing for its --timeout."""
PATIENCE = Patience(connect_s=2.0, silence_s=3600.0, whole_s=24 * 3600.0)
"""A server of one's own is slow at worst; whether it lives is seen from its process."""

BROKEN = ("connection lost", "connection refused", "body cut short")
"""Outcomes by which a server that has just died shows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server is started."""

    name: str
    """For messages, and for the record instead of the program's path."""
    program: Sequence[str]
    arguments: Sequence[str]
    """What follows the program, with `{weights}` and `{port}` for what is this machine's."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Values of other places in the arguments and variables, by name."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """Variables beside the user's, with places as well; None takes one away."""
    model: str = ""
    """Name that requests carry, with places as well; empty: the only one there."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Keys that each request carries besides."""


class StartedRuntime:
    """A server of our own and its model; a subclass says how it is started."""

    def __init__(self) -> None:
        self._server: StartedServer | None = None
        self._client: Client | None = None
        self._model: ServedModel | None = None
        self._load: protocol.Load | None = None

    def launch(self, message: protocol.Load, users: int = 1) -> Launch:
        """The command for these settings, and for so many users at once.

        Raises:
            WorkerError: there is none.
        """
        raise NotImplementedError

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Start the server, and wait until it has written a token."""
        called = time.perf_counter()
        launch = self.launch(message)
        loaded_s = self._start(launch, message)
        self._load = message
        with self._watched() as model:
            said = model.said()
        about, served, context = said.about, model.served, model.context
        return protocol.Loaded(
            seconds=loaded_s,
            weights_bytes=int(about.get("bytes", 0)),
            parameters=int(about.get("parameters", 0)),
            context=context,
            trained_context=int(about.get("trained_context", context)),
            threads=message.settings["threads"],
            vocabulary=int(about.get("vocabulary", 0)),
            architecture=str(about.get("architecture", "")),
            chat_template=bool(served.template) or served.chats,
            server=said,
            serve=[launch.name, *launch.arguments],
            checked_s=time.perf_counter() - called - loaded_s,
            root_pid=self._running().pid,
        )

    def open_users(self, message: protocol.OpenUsers) -> protocol.UsersOpened:
        """Start the server anew where its command depends on the number of users."""
        load, ready_s = self._load, None
        if load is None:
            raise WorkerError("no server was started")
        allow_connections(message.users)  # before the server starts, which inherits it
        launch = self.launch(load, message.users)
        if _told(launch) != _told(self.launch(load, message.users + 1)):
            self.close()
            self._server = None
            ready_s = self._start(launch, load)
        with self._watched() as model:
            return protocol.UsersOpened(
                slots=model.served.slots,
                context=model.context,
                ready_s=ready_s,
                root_pid=self._running().pid,
            )

    def run_users(self, message: protocol.RunUsers, progress: OnProgress) -> protocol.UsersTimes:
        """Keep so many users busy."""
        with self._watched() as model:
            return model.run_users(message, progress)

    def _start(self, launch: Launch, message: protocol.Load) -> float:
        """Start the server; the seconds from its start to its first token.

        A server may say that it is ready before its model is loaded. So the time runs to the first
        token, less what a token takes once more.
        """
        port = free_port()
        places = {**launch.places, **_places(launch, message.path, port)}
        server = self._server = StartedServer(
            [*launch.program, *filled(launch.arguments, places)],
            port=port,
            environment={
                name: None if value is None else filled([value], places)[0]
                for name, value in launch.environment.items()
            },
            name=launch.name,
        )
        client = self._client = Client(
            Address(scheme="http", host=HOST, port=port),
            patience=PATIENCE,
            retries=Retries(times=0),
        )
        server.wait_until(lambda: _says_ready(client), timeout_s=READY_S)
        with self._watched():
            found = find_served(client, "/v1", *filled([launch.model], places))
            served = with_apis(replace(found, extra=dict(launch.request)))
            again = time.perf_counter()
            with_apis(served)
            ended = time.perf_counter()
            loaded_s = (again - server.started_ns / 1e9) - (ended - again)
            context = served.context or int(message.settings["context"] or DEFAULT_CONTEXT)
            self._model = ServedModel(served, context)
        return loaded_s

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        with self._watched() as model:
            return model.latency(message, progress)

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:  # noqa: ARG002
        """Find a way to score that the server passes its self-check with."""
        with self._watched() as model:
            return model.open_engine()

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window; what its sequences share may come from the server's cache."""
        with self._watched() as model:
            return model.score(items, progress, fresh=False)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, each from an empty cache."""
        with self._watched() as model:
            return model.score(items, progress, fresh=True)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:  # noqa: ARG002
        """Refuse: no server gives whole rows of logits."""
        raise WorkerError("a server gives no logits, by which divergence could be measured")

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other."""
        with self._watched() as model:
            return model.generate(message, progress)

    def chat_template(self) -> protocol.ChatTemplate:
        """The model's own; where the server does not tell it, one that hands messages on to it."""
        with self._watched() as model:
            return model.chat_template()

    def output(self) -> str:
        """Text that the server wrote until now, at most its first mebibyte."""
        return self._server.output() if self._server else ""

    def close(self) -> None:
        """End the server, and all that it started."""
        if self._client is not None:
            self._client.close()
        if self._server is not None:
            self._server.stop()

    @contextmanager
    def _watched(self) -> Iterator[ServedModel]:
        """The server while it is asked; where it died meanwhile, that is what is said.

        Raises:
            WorkerError: its process ended, a part of it left the process tree, or a request failed.
        """
        server = self._running()
        server.check()
        try:
            yield self._model  # type: ignore[misc]  # None while it is loading alone
        except EndpointError as fault:
            if fault.outcome in BROKEN:
                server.settle()
            server.check()
            raise
        server.check()

    def _running(self) -> StartedServer:
        if self._server is None:
            raise WorkerError("no server was started")
        return self._server


def _told(launch: Launch) -> list[str]:
    """What the server is told, with the places that do not change from start to start filled."""
    variables = [f"{name}={value}" for name, value in launch.environment.items()]
    return filled([*launch.arguments, *variables], launch.places)


def _places(launch: Launch, weights: str | None, port: int) -> dict[str, str]:
    """The port and the weights' path, by the names of their places.

    Raises:
        WorkerError: the command has a place for weights, and there are none.
    """
    if weights is not None:
        return {"port": str(port), "weights": weights}
    if any("{weights}" in word for word in launch.arguments):
        raise WorkerError(
            f"the command of {launch.name} has {{weights}}, and the candidate names none"
        )
    return {"port": str(port)}


def _says_ready(client: Client) -> bool:
    """True once the server answers anything but that it is loading."""
    try:
        client.get("/health")
    except EndpointError as fault:
        return fault.status not in (0, 503) or fault.outcome == "invalid JSON"
    return True
