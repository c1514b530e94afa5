"""Latency of one generation, and percentiles over many: pure arithmetic on recorded times."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from evals.errors import MeasureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runners.records.answers import SummaryInfo
    from runners.records.timed import WorkloadLatency

FILL = "fill+"
"""Prefix of the name of a workload whose prompt fills the candidate's own context."""

P99_FROM = 100
"""Number of values below which the 99th percentile is not given: it is little more than the
maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLatency:
    """One request, split at its first token that has text; n counts the tokens from there on."""

    ttft_s: float
    """Time to first token: request made -> first token that has text, tokenising and sampling
    included."""
    itl_s: tuple[float, ...]
    """Shape (n - 1,): the gaps between output tokens, raw."""
    tpot_s: float | None
    """Time per output token after the first; None for one token, which leaves no gap."""
    e2e_s: float
    """Request made -> last token."""
    decode_tokens_per_s: float | None
    """Tokens after the first by the time they took. None for one token, a clock too coarse to see
    them apart, and tokens that nobody counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Percentiles of n values, in the unit of the values."""

    n: int
    p50: float
    p95: float
    p99: float | None
    """99th percentile; None below `P99_FROM` values."""
    mean: float
    minimum: float
    maximum: float


def token_latency(start_s: float, token_s: Sequence[float], *, first_text: int = 0) -> TokenLatency:
    """Split one generation into TTFT and inter-token latencies.

    Args:
        start_s: when the request was made, seconds on `time.perf_counter`'s clock.
        token_s: shape (tokens,), at least one: when each output token arrived, same clock.
        first_text: index of the first token whose text is not empty. A user waits for the ones
            before it as for the prompt's evaluation, so they are part of TTFT.

    Returns:
        With n the tokens from `first_text` on: TTFT = token_s[first_text] - start_s;
        TPOT = (end-to-end - TTFT) / (n - 1); decode rate = (n - 1) / (end-to-end - TTFT).

    Raises:
        MeasureError: no token arrived, there is none at `first_text`, or the clock ran backwards.

    TPOT leaves the first token out, as vLLM's serving benchmark defines it.
    """
    if not 0 <= first_text < len(token_s):
        raise MeasureError(
            f"no latency: {len(token_s)} tokens arrived, the first with text would be "
            f"number {first_text + 1}"
        )
    times = (start_s, *token_s)
    for place, (earlier, later) in enumerate(pairwise(times)):
        if not later >= earlier:  # so written, NaN is refused too
            raise MeasureError(
                f"the clock ran backwards: output token {place} arrived at {later} s, "
                f"{earlier - later} s before what precedes it"
            )
    shown = token_s[first_text:]
    gaps = len(shown) - 1
    decode_s = shown[-1] - shown[0]
    return TokenLatency(
        ttft_s=shown[0] - start_s,
        itl_s=tuple(later - earlier for earlier, later in pairwise(shown)),
        tpot_s=decode_s / gaps if gaps else None,
        e2e_s=token_s[-1] - start_s,
        decode_tokens_per_s=gaps / decode_s if decode_s > 0 else None,
    )


class Timed(Protocol):
    """One timed request, its times counted from when it was made (`RequestTimesInfo`)."""

    @property
    def prefill_s(self) -> float | None:
        """When the prompt had been evaluated; None: a server does not say."""
        ...

    @property
    def token_s(self) -> Sequence[float]:
        """When each output token, or piece of a streamed text, was there."""
        ...

    @property
    def first_text(self) -> int | None:
        """Index in `token_s` of the first with text; None: all are empty."""
        ...

    @property
    def streamed(self) -> bool:
        """True: `token_s` are pieces of text, which need not be tokens."""
        ...

    @property
    def counted(self) -> int | None:
        """Output tokens of a streamed answer; None: nobody counted them."""
        ...


def request_latency(request: Timed) -> TokenLatency:
    """TTFT and inter-token latencies of one request.

    Without text there is no TTFT, so the first token's time stands in for it (a flag says so). In a
    streamed answer TPOT is over the tokens that the server counts, and there are gaps between
    tokens only where each came in a piece of its own.

    Raises:
        MeasureError: no token arrived, or the clock ran backwards.
    """
    pieces = len(request.token_s)
    found = token_latency(0.0, request.token_s, first_text=awaited(request.first_text, pieces) or 0)
    if not request.streamed or request.counted == pieces:
        return found
    gaps = (request.counted or 1) - 1
    decode_s = found.e2e_s - found.ttft_s
    known = gaps > 0 and decode_s > 0
    return replace(
        found,
        itl_s=(),
        tpot_s=decode_s / gaps if known else None,
        decode_tokens_per_s=gaps / decode_s if known else None,
    )


def by_request(requests: Sequence[Timed], evaluated_tokens: int | None) -> dict[str, list[float]]:
    """TTFT, decode speed and prefill speed of each request, by the names that a record has.

    Args:
        requests: with their raw times.
        evaluated_tokens: prompt tokens that went through the model, in each; None: not counted.

    Returns:
        A request whose times are not whole is left out.
    """
    found: dict[str, list[float]] = {
        "ttft_s": [],
        "decode_tokens_per_s": [],
        "prefill_tokens_per_s": [],
    }
    for request in requests:
        with suppress(MeasureError):
            one = request_latency(request)
            found["ttft_s"].append(one.ttft_s)
            if one.decode_tokens_per_s is not None:
                found["decode_tokens_per_s"].append(one.decode_tokens_per_s)
            if evaluated_tokens is not None and request.prefill_s is not None:
                speed = prefill_tokens_per_s(evaluated_tokens, request.prefill_s)
                found["prefill_tokens_per_s"].append(speed)
    return found


def awaited(first_text: int | None, tokens: int) -> int | None:
    """Index of the token that TTFT waits for.

    Args:
        first_text: index of the first token whose text is not empty; None: all are empty.
        tokens: output tokens of the request.

    Returns:
        None where no text came before the last token, so that there is no TTFT with a TPOT.
    """
    return first_text if first_text is not None and first_text < tokens - 1 else None


def fixed(workloads: Mapping[str, WorkloadLatency]) -> dict[str, WorkloadLatency]:
    """The workloads of a fixed length, by which candidates are compared; all, where none is fixed.

    What fills the context is another length for each candidate, and is timed once.
    """
    found = {name: one for name, one in workloads.items() if not name.startswith(FILL)}
    return found or dict(workloads)


def median_of(summary: SummaryInfo | None) -> float | None:
    """The median of a summary; None where a server told nothing to summarise."""
    return summary.p50 if summary is not None else None


def headline(workloads: Mapping[str, WorkloadLatency]) -> str | None:
    """The workload whose times stand for a run: the fixed one with the longest prompt."""
    known = fixed(workloads)
    return max(known, key=lambda name: known[name].prompt_tokens or 0, default=None)


def prefill_tokens_per_s(tokens_evaluated: int, prefill_s: float) -> float:
    """Speed of the prompt's evaluation.

    Args:
        tokens_evaluated: prompt tokens that went through the model. Tokens found in a prefix cache
            are not evaluated and would flatter the figure.
        prefill_s: seconds that their evaluation took.

    Raises:
        MeasureError: nothing was evaluated, or it took no time: there is no rate.
    """
    if tokens_evaluated < 1 or not prefill_s > 0:
        raise MeasureError(
            f"no prefill rate: {tokens_evaluated} tokens evaluated in {prefill_s} s "
            "(both must be positive)"
        )
    return tokens_evaluated / prefill_s


def percentile(ordered: Sequence[float], share: float) -> float:
    """A percentile by linear interpolation between the two nearest ranks.

    Args:
        ordered: shape (n,), n >= 1, ascending.
        share: 0 to 1; 0.95 is the 95th percentile.

    The rank is h = (n - 1) * share: method 7 of Hyndman and Fan (1996), numpy's default.
    """
    rank = (len(ordered) - 1) * share
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def summary(values: Sequence[float]) -> Summary:
    """Percentiles, mean and range of raw values (see `percentile` for the method).

    Args:
        values: shape (n,), n >= 1, any unit, warm-ups already left out.

    Raises:
        MeasureError: there is no value, or one is not a finite number.
    """
    if not values:
        raise MeasureError("no values to summarise")
    if not all(map(math.isfinite, values)):
        raise MeasureError("a value to summarise is not a finite number")
    ordered = sorted(values)
    return Summary(
        n=len(ordered),
        p50=percentile(ordered, 0.50),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99) if len(ordered) >= P99_FROM else None,
        mean=math.fsum(ordered) / len(ordered),
        minimum=ordered[0],
        maximum=ordered[-1],
    )
