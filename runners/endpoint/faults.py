"""Named outcomes of a request that was not answered as it should be."""

from __future__ import annotations

from typing import Literal

from runners.worker.runtime import WorkerError

Outcome = Literal[
    "unknown host",
    "connection refused",
    "connection lost",
    "certificate refused",
    "no answer in time",
    "stopped in mid-answer",
    "answer without an end",
    "body cut short",
    "invalid JSON",
    "redirect refused",
    "not authorised",
    "not found",
    "request refused",
    "rate limited",
    "server error",
    "error in the answer",
    "empty answer",
    "wrong model",
]
PASSING: frozenset[Outcome] = frozenset(
    {
        "connection refused", "connection lost", "no answer in time", "stopped in mid-answer",
        "body cut short", "invalid JSON", "rate limited", "server error", "error in the answer",
        "empty answer",
    }
)  # fmt: skip
"""Outcomes that another try may turn into an answer."""


class EndpointError(WorkerError):
    """A server did not answer as it should; the text is one sentence that names the outcome."""

    def __init__(
        self, outcome: Outcome, text: str, *, status: int = 0, retry_after_s: float | None = None
    ) -> None:
        super().__init__(text)
        self.outcome: Outcome = outcome
        self.status = status
        """HTTP status; 0: there was none."""
        self.retry_after_s = retry_after_s
        """Seconds that the server asks to be left alone for."""


def outcome_of_status(status: int) -> Outcome:
    """The outcome that an HTTP status other than 2xx stands for."""
    if 300 <= status < 400:
        return "redirect refused"
    if status in (408, 425) or status >= 500:
        return "server error"
    named: dict[int, Outcome] = {
        401: "not authorised", 403: "not authorised", 404: "not found", 429: "rate limited",
    }  # fmt: skip
    return named.get(status, "request refused")
