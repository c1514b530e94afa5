"""Parts of a record about answers that were generated, and the percentiles of what was timed."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from runners.records.parts import Part
from runners.records.values import Count, Rate


class SummaryInfo(Part):
    """Percentiles of raw values, by linear interpolation."""

    n: Count
    p50: Rate
    p95: Rate
    p99: Rate | None
    """99th percentile; None below 100 values."""
    mean: Rate
    minimum: Rate
    maximum: Rate
    values: list[Rate] | None = None
    """One a request, where a reader leaves the raw times out; a stored record has no such key."""

    @model_serializer(mode="wrap")
    def _stored(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = as_usual(self)
        if self.values is None:
            found.pop("values", None)
        return found


class AnswersInfo(Part):
    """Generations of one task: their thought, the wait for their answers, and what was cut."""

    n: Count
    """Generations; an item may ask for several."""
    tokens: Count | None
    """Tokens of all of them together, thought included; None: a server does not count them."""
    thought_tokens: Count
    """Tokens before the answers, marks included."""
    answer_s: SummaryInfo | None = None
    """Seconds from the request to the first token of the answer with text; to its last token where
    it never came to an answer. None: packed generations are not timed."""
    cut: Count = 0
    """Answers that ended by the most tokens that their task allows."""
    thought_cut: Count = 0
    """Thoughts that had not ended within their tokens, so that there is no answer."""
