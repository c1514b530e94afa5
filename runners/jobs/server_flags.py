"""Reasons to distrust or to qualify the numbers of a run that asked a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runners.records.parts import FlagInfo

if TYPE_CHECKING:
    from runners.jobs.seen import Seen
    from runners.records.record import Record

CACHE_RATIO = 1.5
"""A prompt that is answered this many times sooner when it is asked again came from a cache."""
NEAR = 0.02
"""Share by which a prompt may differ from the workload's length without a flag."""


def _shared(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    if seen.elsewhere:
        detail = f"{seen.elsewhere}: whom else it serves, and on what machine, is not known; its "
        yield _warning("shared server", f"{detail}times are the network's, too")


def _other_model(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Warn where the first greedy answers are not those of the run before."""
    server = record.server
    if server is not None and server.answered_otherwise:
        detail = f"the first greedy answers are not those of {server.answered_otherwise}: another "
        yield _warning("answers otherwise", f"{detail}model, template or build may answer there")


def _cache(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    server = record.server
    if server is None or not record.latency:
        return
    prompts = [one.prompt_tokens for one in record.latency.values() if one.prompt_tokens]
    if server.cached_tokens is not None and server.cached_tokens > 1:
        detail = f"up to {server.cached_tokens} prompt tokens of a timed request came from a cache"
        yield _warning(
            "prompt cache", f"{detail} (the shortest prompt has {min(prompts, default=0)})"
        )
    elif server.cache_ratio is not None and server.cache_ratio > CACHE_RATIO:
        detail = f"a repeated prompt is answered {server.cache_ratio:.1f} times sooner, and what "
        yield _note(
            "prompt cache",
            f"{detail}the server takes from its cache it does not say; each timed prompt begins "
            "with a word of its own",
        )


def _tried(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    server = record.server
    if server is not None and server.retries:
        met = ", ".join(f"{name} {n}" for name, n in sorted(server.outcomes.items()))
        detail = f"{server.retries} of {server.requests} requests were sent again ({met}), "
        yield _note("requests retried", f"{detail}{server.waited_s:.0f} s between tries")


def _lengths(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    server = record.server
    if server is None:
        return
    if server.ended_early:
        detail = f"{server.ended_early} timed answers ended before the tokens that were asked for"
        yield _note("answers ended early", detail)
    for name, workload in record.latency.items():
        asked = name.split("+")[0]
        found = workload.prompt_tokens
        if asked.isdigit() and found is not None and abs(found - int(asked)) > NEAR * int(asked):
            yield _note("prompt of another length", f"{name}: the server counts {found} tokens")
        for key, why in workload.unknown.items():
            yield _note("not known", f"{key} of {name}: {why}")


def _weights(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """A server that Weighin started with a command that names no weights of its candidate."""
    server = record.server
    if server is not None and server.url is None and record.candidate.weights_sha256 is None:
        detail = "the candidate names none, so that no hash says what the server loaded"
        yield _note("weights unknown", detail)


def _bounds(_record: Record, seen: Seen) -> Iterator[FlagInfo]:
    for task, (bounded, n) in seen.bounds.items():
        if bounded:
            detail = f"{task}: in {bounded} of {n} items a choice is not among the likeliest "
            yield _note("bounded likelihoods", f"{detail}tokens, and is scored as the last of them")


def _warning(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail)


def _note(name: str, detail: str) -> FlagInfo:
    return FlagInfo(name=name, detail=detail, level="note")


SERVER_RULES = (_shared, _other_model, _cache, _tried, _lengths, _weights, _bounds)
