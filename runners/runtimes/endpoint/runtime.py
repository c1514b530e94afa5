"""Runtime `endpoint`: a model behind a URL, by HTTP and the standard library alone."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runners.endpoint.address import read_address
from runners.endpoint.client import Client, Retries
from runners.endpoint.detect import find_served, root_of
from runners.endpoint.open_files import allow_connections
from runners.endpoint.served_model import DEFAULT_CONTEXT, ServedModel, with_apis
from runners.endpoint.transport import Patience
from runners.worker import protocol
from runners.worker.runtime import OnProgress, WorkerError

VERSION = ""
"""The server's own stands in the record."""
BUILD = ""


class Endpoint:
    """One model that somebody else serves."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._model: ServedModel | None = None

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Find out what answers there, and have it answer."""
        started = time.perf_counter()
        settings = message.settings
        client, prefix = _client(settings)
        self._client = client
        served = replace(
            find_served(client, prefix, settings["model"]), extra=dict(settings["request"])
        )
        client.retries = Retries(times=settings["retries"], first_wait_s=settings["retry_wait_s"])
        served = with_apis(served)
        # The default of weights of one's own; a longer context is used where somebody asks for it.
        most = min(served.context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)
        context = settings["context"] or most
        self._model = ServedModel(served, int(context))
        return protocol.Loaded(
            seconds=time.perf_counter() - started,
            weights_bytes=0,
            parameters=0,
            context=int(context),
            trained_context=int(served.context or context),
            threads=settings["threads"],
            vocabulary=0,
            architecture="",
            chat_template=served.chats,
            server=self._model.said(),
        )

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """Time the requests of one workload."""
        return self._ready().latency(message, progress)

    def open_users(self, message: protocol.OpenUsers) -> protocol.UsersOpened:
        """The server as it is, whatever the number of users."""
        served = self._ready().served
        allow_connections(message.users)
        return protocol.UsersOpened(
            slots=served.slots, context=served.context, ready_s=None, root_pid=None
        )

    def run_users(self, message: protocol.RunUsers, progress: OnProgress) -> protocol.UsersTimes:
        """Keep so many users busy."""
        return self._ready().run_users(message, progress)

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:  # noqa: ARG002
        """Find a way to score that the server passes its self-check with."""
        return self._ready().open_engine()

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Score one window; what its sequences share may come from the server's cache."""
        return self._ready().score(items, progress, fresh=False)

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, from an empty cache where one can be asked for."""
        return self._ready().score(items, progress, fresh=True)

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:  # noqa: ARG002
        """Refuse: no server gives whole rows of logits."""
        raise WorkerError("a server gives no logits, by which divergence could be measured")

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """Answer one prompt after the other."""
        return self._ready().generate(message, progress)

    def chat_template(self) -> protocol.ChatTemplate:
        """The server's own; where it does not tell it, one that hands messages on as they are."""
        return self._ready().chat_template()

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def _ready(self) -> ServedModel:
        if self._model is None:
            raise WorkerError("no server was asked yet")
        return self._model


def _client(settings: dict[str, Any]) -> tuple[Client, str]:
    """A client of the server's root, and the prefix of OpenAI's API.

    Raises:
        WorkerError: the variable with the key is not set.
    """
    name = settings["api_key_env"]
    key = os.environ.get(name, "") if name else ""
    if name and not key.strip():
        raise WorkerError(f"the variable {name}, which api_key_env names, is not set")
    root, prefix = root_of(read_address(settings["url"]))
    patience = Patience(silence_s=settings["silence_s"])
    # What a server does not have it may answer with an error that passes: one more try tells.
    retries = Retries(times=1, first_wait_s=settings["retry_wait_s"])
    return Client(root, key=key, patience=patience, retries=retries), prefix
