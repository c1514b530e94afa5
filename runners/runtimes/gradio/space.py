"""A Space on the Hub: its address, whether it is awake, and why it never will be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from runners.endpoint.address import Address, read_address
from runners.endpoint.asking import table, words
from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import EndpointError
from runners.endpoint.gradio_app import GradioApp
from runners.endpoint.gradio_calls import describe
from runners.worker.runtime import WorkerError

HUB = "https://huggingface.co"
ENDED = {
    "NO_APP_FILE": "has no app file",
    "CONFIG_ERROR": "has a wrong configuration in its README",
    "BUILD_ERROR": "could not be built",
    "RUNTIME_ERROR": "failed while it started",
    "PAUSED": "is paused; its owner can restart it",
    "STOPPED": "is stopped; its owner can restart it",
    "DELETING": "is being deleted",
}
"""Stages that no waiting ends."""
LOOK_EVERY_S = 2.0
_ASLEEP = frozenset({
    "server error", "not found", "invalid JSON", "connection refused", "connection lost",
    "no answer in time", "error in the answer", "redirect refused", "rate limited",
})  # fmt: skip
"""Outcomes of asking a Space that is not awake yet: pages of the Hub stand in for it."""


class Space:
    """One Space, as the Hub describes it."""

    def __init__(self, name: str, key: str) -> None:
        """Asks the Hub with each look.

        Args:
            name: owner/name.
            key: token for a private one; empty: none.
        """
        hub = read_address(os.environ.get("HF_ENDPOINT") or HUB)
        self.name = name
        self._hub = Client(hub, key=key, retries=Retries(times=2))

    def address(self) -> Address:
        """Where its app listens.

        Raises:
            WorkerError: there is no such Space, or none that will ever answer.
        """
        about = self._look()
        host = words(about.get("host")) or f"https://{self.name.replace('/', '-')}.hf.space"
        sdk = words(about.get("sdk"))
        if sdk not in ("", "gradio", "docker"):
            raise WorkerError(f"the Space {self.name} is no Gradio app (its SDK is {sdk[:40]})")
        try:
            return read_address(host)
        except ValueError as error:
            raise WorkerError(f"the Space {self.name}: {host[:100]} {error}") from error

    def stage(self) -> str:
        """The stage that it is in, e.g. RUNNING, SLEEPING or BUILDING.

        Raises:
            WorkerError: it is in one that no waiting ends.
        """
        runtime = table(self._look().get("runtime"))
        stage = words(runtime.get("stage"))
        if stage in ENDED:
            said = " ".join(words(runtime.get("errorMessage")).split())[:200]
            why = f": {said}" if said else ""
            raise WorkerError(f"the Space {self.name} {ENDED[stage]} (stage {stage}){why}")
        return stage

    def close(self) -> None:
        """Close the connection to the Hub."""
        self._hub.close()

    def _look(self) -> dict[str, object]:
        try:
            return self._hub.get(f"/api/spaces/{self.name}")
        except EndpointError as fault:
            if fault.outcome in ("not found", "not authorised"):
                raise WorkerError(
                    f"there is no Space {self.name} that can be seen; a private one needs "
                    "settings.api_key_env, the name of the variable with your token"
                ) from fault
            raise


def wake(
    client: Client, space: Space | None, *, within_s: float, wait: Callable[[float], None]
) -> tuple[GradioApp, float]:
    """Ask an app elsewhere what it offers, until it is awake: the first request wakes a Space.

    Args:
        client: of the app.
        space: asked for its stage meanwhile; None: the app is not known to be a Space.
        within_s: how long it may take.
        wait: waits between two looks.

    Returns:
        The app, and the seconds that it was waited for; 0 where it was awake.

    Raises:
        WorkerError: it is no Gradio app, will never wake, or was not awake in time.
    """
    began, slept = time.monotonic(), False
    while True:
        stage = space.stage() if space else ""
        try:
            app = describe(client)
        except EndpointError as fault:
            slept = True
            sleeps = space is not None or client.address.host.endswith(".hf.space")
            if not sleeps or fault.outcome not in _ASLEEP or stage == "RUNNING":
                raise
            if time.monotonic() > began + within_s:
                known = f" (stage {stage})" if stage else ""
                raise WorkerError(
                    f"{client.address.text} was not awake after {within_s:g} s{known}: {fault}"
                ) from fault
        else:
            return app, time.monotonic() - began if slept else 0.0
        wait(LOOK_EVERY_S)
