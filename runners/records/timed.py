"""Times of requests in a record: raw, and what they come to."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from runners.records.answers import SummaryInfo
from runners.records.parts import Part
from runners.records.values import Count, Seconds


class RequestTimesInfo(Part):
    """One timed request, seconds after it was made."""

    prefill_s: Seconds | None
    """When the prompt had been evaluated; None: a server does not say."""
    token_s: list[Seconds]
    first_text: Count | None = 0
    """Index in `token_s` of the first token whose text is not empty, which TTFT waits for; None:
    all texts are empty."""
    streamed: bool = False
    """True: `token_s` are moments when pieces of text came from a server, which need not be tokens.
    Left out where it is false."""
    counted: Count | None = None
    """Output tokens of a streamed answer as the server counts them; None: it does not. Left out
    where it is not streamed."""

    @model_serializer(mode="wrap")
    def _stored(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = as_usual(self)
        if not self.streamed:
            found.pop("streamed", None)
            found.pop("counted", None)
        return found


class WorkloadLatency(Part):
    """One fixed workload: the raw times, and what they come to (docs/metrics.md)."""

    prompt_tokens: Count | None
    """Tokens of the prompt; None where a server does not count them."""
    new_tokens: Count
    evaluated_tokens: Count | None
    warmups: list[RequestTimesInfo]
    repeats: list[RequestTimesInfo]
    ttft_s: SummaryInfo
    tpot_s: SummaryInfo | None
    itl_s: SummaryInfo | None
    prefill_tokens_per_s: SummaryInfo | None
    decode_tokens_per_s: SummaryInfo | None
    unknown: dict[str, str] = Field(default_factory=dict)
    """Key that is None -> why; left out where all are known."""

    @model_serializer(mode="wrap")
    def _stored(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = as_usual(self)
        if not self.unknown:
            found.pop("unknown", None)
        return found
