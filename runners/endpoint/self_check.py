"""Hold a way of scoring against what the server generates itself, before it is believed.

For each of three prompts the server writes one greedy token and says its log-probability. Scored as
a continuation it must have the same one, within 1 nat. The greedy tokens of the other prompts, and
the prompt's own last token, must not be likelier, and some must be less likely. A server that
ignores `echo`, or whose echo is off by one position (llama-cpp-python's issue 1983), fails here.
"""

from __future__ import annotations

from dataclasses import dataclass

from runners.endpoint.asking import Ask
from runners.endpoint.faults import EndpointError, Outcome
from runners.endpoint.likelihood import ECHO, TOLERANCE_NATS, WAYS, Way
from runners.endpoint.served import Served
from runners.endpoint.tokens import Tokens
from runners.engine.encoding import Scoring

PROMPTS = (
    "The capital of France is",
    "One, two, three, four,",
    "Water freezes at zero degrees",
)
SAYS_NO: frozenset[Outcome] = frozenset(
    {"error in the answer", "request refused", "not found", "invalid JSON", "server error"}
)
"""Outcomes by which a server says that it cannot do something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A way of scoring that this server passed."""

    way: Way
    apart_nats: float
    """Largest difference between a token's log-probability generated and scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Greedy:
    prompt: tuple[int, ...]
    token: int
    logprob: float


def prove(served: Served, tokens: Tokens) -> tuple[Proven | None, list[str]]:
    """The first way that passes, and why those before it did not.

    Raises:
        EndpointError: the server does not answer at all.
    """
    failed: list[str] = []
    greedy = [_greedy(served, tokens, prompt) for prompt in PROMPTS]
    for way in WAYS:
        if way.name != ECHO and served.kind != "llama-server":
            continue
        try:
            return Proven(way=way, apart_nats=_apart(served, way, greedy)), failed
        except EndpointError as fault:
            if fault.outcome not in SAYS_NO:
                raise
            failed.append(f"{way.name}: {fault}")
    return None, failed


def _greedy(served: Served, tokens: Tokens, prompt: str) -> _Greedy:
    """The token that the server writes first after a prompt."""
    ids = tuple(tokens.encode(prompt, True))
    ask = Ask(prompt=ids, max_tokens=1, stream=False, logprobs=1, extra=served.uncached)
    written = served.whole(served.text_dialect, ask).logprobs
    logprob = written[0].logprob if len(written) == 1 else None
    if logprob is None:
        raise _fails("generated tokens have no log-probability")
    one, token = written[0], written[0].id
    if token is None:
        again = tokens.encode(prompt + one.token, True)[len(ids) :]
        found = again if len(again) == 1 else tokens.encode(one.token, False)
        if len(found) != 1:
            raise _fails(f"{one.token!r} is not one token")
        token = found[0]
    return _Greedy(prompt=ids, token=token, logprob=logprob)


def _apart(served: Served, way: Way, greedy: list[_Greedy]) -> float:
    """The largest difference of a token generated and scored; raises where the check fails."""
    apart, gaps, any_greedy = 0.0, [], False
    for own in greedy:
        nats, is_greedy = _score(served, way, own, own.token)
        any_greedy = any_greedy or is_greedy
        apart = max(apart, abs(nats - own.logprob))
        if apart > TOLERANCE_NATS:
            raise _fails(f"a token written with {own.logprob:.2f} nats is scored {nats:.2f}")
        others = {own.prompt[-1], *(one.token for one in greedy)} - {own.token}
        gaps += [nats - _score(served, way, own, other)[0] for other in sorted(others)]
    if min(gaps) < -TOLERANCE_NATS or max(gaps) < TOLERANCE_NATS:
        raise _fails("other tokens are scored as likely as the greedy ones")
    if not any_greedy:
        raise _fails("no greedy token is scored as one")
    return apart


def _fails(why: str) -> EndpointError:
    return EndpointError("error in the answer", why)


def _score(served: Served, way: Way, own: _Greedy, token: int) -> tuple[float, bool]:
    sequence = (*own.prompt, token)
    scoring = Scoring(tokens=sequence, first=len(own.prompt), truncated=False)
    return way.score(served, scoring, False)
