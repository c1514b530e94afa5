"""Log-likelihoods from a server: four ways, none of them believed before it was checked.

1. `echo`: the prompt comes back with the log-probability of each of its tokens (vLLM).
2. `token grammar`: a grammar leaves the sampler no choice but the continuation's tokens, and their
   log-probabilities are those of the softmax before it (llama-server, llama.cpp PR #17816).
3. `teacher forcing`: one request a token, with a bias that leaves no choice (older llama-server).
4. `single letters`: the likeliest tokens after the prompt, for choices of one letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runners.endpoint import llama_api, openai_api
from runners.endpoint.asking import Ask, Scored
from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served
from runners.engine.encoding import Scoring

TOLERANCE_NATS = 1.0
"""Largest difference of one token's log-probability when it is generated and when it is scored.
On quantised weights kernels for one token and for many differ by up to this."""
GRAMMAR, FORCING, ECHO = "token grammar", "teacher forcing", "echo"
Likelihood = tuple[float, bool]
"""Summed log-probability, nats; True where greedy decoding would write the same tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to score a continuation."""

    name: str
    score: Callable[[Served, Scoring, bool], Likelihood]
    """Server, sequence, and True where nothing may come from a cache."""


def by_echo(served: Served, scoring: Scoring, fresh: bool) -> Likelihood:
    """Have the whole sequence echoed, and one token written: some servers take 0 as no limit.

    Raises:
        EndpointError: it is not echoed, or its log-probabilities are not all there.
    """
    extra = served.uncached if fresh else {}
    ask = Ask(prompt=scoring.tokens, max_tokens=1, stream=False, logprobs=1, echo=True, extra=extra)
    found = served.whole(openai_api.COMPLETIONS, ask).logprobs
    if len(found) not in (len(scoring.tokens), len(scoring.tokens) + 1):
        raise _refused(f"{len(found)} log-probabilities for {len(scoring.tokens)} echoed tokens")
    return _summed(found[scoring.first : len(scoring.tokens)])


def by_grammar(served: Served, scoring: Scoring, fresh: bool) -> Likelihood:
    """Have the continuation written under a grammar of its tokens.

    Raises:
        EndpointError: the grammar is refused, or other tokens came back.
    """
    wanted = scoring.tokens[scoring.first :]
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in wanted)
    return _written(served, scoring.tokens[: scoring.first], wanted, fresh, {"grammar": grammar})


def by_forcing(served: Served, scoring: Scoring, fresh: bool) -> Likelihood:
    """Have each token of the continuation written by itself, under a bias on it.

    Raises:
        EndpointError: another token came back.
    """
    parts = []
    for at in range(scoring.first, len(scoring.tokens)):
        wanted = scoring.tokens[at : at + 1]
        bias = {"logit_bias": [[wanted[0], 1000]]}
        parts.append(_written(served, scoring.tokens[:at], wanted, fresh, bias))
    return sum(nats for nats, _ in parts), all(greedy for _, greedy in parts)


WAYS = (
    Way(name=ECHO, score=by_echo),
    Way(name=GRAMMAR, score=by_grammar),
    Way(name=FORCING, score=by_forcing),
)


def _written(
    served: Served, before: Sequence[int], wanted: Sequence[int], fresh: bool, extra: dict[str, Any]
) -> Likelihood:
    ask = Ask(
        prompt=tuple(before),
        max_tokens=len(wanted),
        stream=False,
        logprobs=1,
        extra={"cache_prompt": not fresh, **extra},
    )
    found = served.whole(llama_api.COMPLETION, ask).logprobs
    if [one.id for one in found] != list(wanted):
        raise _refused(f"asked for tokens {list(wanted)[:8]}, got {[one.id for one in found][:8]}")
    return _summed(found)


def _summed(found: Sequence[Scored]) -> Likelihood:
    """Add up log-probabilities; what is missing is an error, never 0.

    Raises:
        EndpointError: there is none, one is missing, or one is above 0.
    """
    nats, greedy = 0.0, True
    if not found:
        raise _refused("no log-probabilities")
    for one in found:
        if one.logprob is None or one.logprob > 1e-6 or not one.top:
            raise _refused(f"the log-probability of {one.token!r} is {one.logprob}")
        nats += min(one.logprob, 0.0)
        greedy = greedy and one.logprob >= max(likely.logprob for likely in one.top)
    return nats, greedy


def _refused(why: str) -> EndpointError:
    return EndpointError("error in the answer", why)
