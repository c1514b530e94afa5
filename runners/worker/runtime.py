"""The seam: what a runtime is to the worker. One module, one class; nothing else knows its name.

A runtime module also has two module-level strings, `VERSION` and `BUILD`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from runners.worker import protocol

MAX_TEMPLATE_CHARACTERS = 256 * 1024
OnProgress = Callable[[int], None]
"""Told how many items of the window are done, between batches."""


class WorkerError(Exception):
    """The candidate cannot do what was asked; the text is one sentence for people."""


def check_largest(logit: float) -> None:
    """Refuse a row of logits whose largest is NaN (which NumPy's maximum keeps) or infinite.

    One number a row, so that it costs nothing beside the row's own computation.

    Raises:
        WorkerError: it is not finite, so neither are the row's probabilities.
    """
    if not math.isfinite(logit):
        raise WorkerError(
            f"the model's logits are not numbers (the largest is {logit}): its weights are damaged "
            "or overflow, or the type of its KV cache or this build of the runtime computes them "
            "wrongly"
        )


def checked_template(template: protocol.ChatTemplate) -> protocol.ChatTemplate:
    """A chat template, refused where there is none or it is larger than any real one."""
    if not template.text:
        raise WorkerError("the model has no chat template")
    if len(template.text) > MAX_TEMPLATE_CHARACTERS:
        raise WorkerError(
            f"the model's chat template has {len(template.text):,} characters "
            f"(at most {MAX_TEMPLATE_CHARACTERS:,})"
        )
    return template


class Runtime(Protocol):
    """One loaded model. Phases come in this order: load, latency, scoring, generation."""

    def load(self, message: protocol.Load) -> protocol.Loaded:
        """Load the weights; make no context yet."""
        ...

    def latency(self, message: protocol.RunLatency, progress: OnProgress) -> protocol.LatencyTimes:
        """One workload in a context of one sequence and the candidate's own length.

        Progress is told between requests, so that a slow candidate is not taken for a hung one.
        """
        ...

    def open_engine(self, message: protocol.OpenEngine) -> protocol.EngineOpened:
        """Free the latency context and make the scoring engine's."""
        ...

    def score(self, items: Sequence[protocol.ScoreItem], progress: OnProgress) -> protocol.Scored:
        """Log-probabilities of one window."""
        ...

    def score_plain(
        self, items: Sequence[protocol.ScoreItem], progress: OnProgress
    ) -> protocol.Scored:
        """Score one sequence at a time, each from an empty cache."""
        ...

    def diverge(self, message: protocol.Diverge) -> protocol.Diverged:
        """Evaluate a window of text; keep its logits, or hold them against a reference's.

        Asked only where the runtime's spec has the ability `logits`.
        """
        ...

    def generate(self, message: protocol.Generate, progress: OnProgress) -> protocol.Generated:
        """One generation after the other, each from an empty cache; or packed, and not timed."""
        ...

    def chat_template(self) -> protocol.ChatTemplate:
        """The model's own template; its text is empty where there is none."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


@runtime_checkable
class ServingMany(Protocol):
    """A runtime that answers several users at once: a server's."""

    def open_users(self, message: protocol.OpenUsers) -> protocol.UsersOpened:
        """Have the server ready for so many."""
        ...

    def run_users(self, message: protocol.RunUsers, progress: OnProgress) -> protocol.UsersTimes:
        """Keep so many users busy; progress is told the whole seconds of the window that passed."""
        ...


def serving_many(runtime: Runtime) -> ServingMany:
    """The runtime, where it answers several users at once.

    Raises:
        WorkerError: it does not.
    """
    if isinstance(runtime, ServingMany):
        return runtime
    raise WorkerError("this runtime answers one request at a time")


@runtime_checkable
class KeepsDeviceAccount(Protocol):
    """A runtime that knows what it put on devices."""

    def device_memory(self) -> dict[str, int]:
        """Most bytes on devices since this was last asked, by the runtime's own words."""
        ...


@runtime_checkable
class OpensContexts(Protocol):
    """A runtime whose spec has the ability `contexts`."""

    def open_context(self, message: protocol.OpenContext) -> protocol.ContextOpened:
        """Make the context that the next generations are answered in, one at a time."""
        ...
