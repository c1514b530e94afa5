"""Several users of one mock server: what it can be worked out to answer."""

import itertools
import random
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from runners.endpoint.client import Client, Retries
from runners.endpoint.crowd import Crowd, start_all
from runners.endpoint.faults import EndpointError
from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import mock_server
from runners.endpoint.served import Served
from runners.endpoint.served_model import ServedModel
from runners.endpoint.timing import NONCE, Prompts
from runners.endpoint.tokens import Tokens
from runners.worker.protocol import RunUsers, UserRequest, UsersTimes
from runners.worker.runtime import WorkerError
from tests.runners.endpoint.conftest import Mocked

TOLD = {"text": "abc", "first_token_s": 0.004, "per_token_s": 0.002}
SERVICE_S = 0.004 + 3 * 0.002
"""A slot's time for a request of four tokens."""


def asked(users: int, *, seconds: float = 0.15, workloads: tuple[tuple[int, int], ...]) -> RunUsers:
    return RunUsers(users=users, seconds=seconds, workloads=list(workloads), seed=7)


def found(served: Served, users: int, **more: object) -> UsersTimes:
    ids = Tokens(served) if served.kind in ("llama-server", "vllm") else None
    message = asked(users, workloads=((16, 4),), **more)  # type: ignore[arg-type]
    return Crowd(served, Prompts(served, ids), message, pause_s=0.001).run(lambda _: None)


def most_at_once(requests: list[UserRequest]) -> int:
    """Most requests that were under way at one moment."""
    moments = [(one.sent_s, 1) for one in requests] + [(one.ended_s, -1) for one in requests]
    under_way = most = 0
    for _, change in sorted(moments):
        under_way += change
        most = max(most, under_way)
    return most


def test_users_beyond_the_slots_wait_for_one_service_after_the_other(mocked: Mocked) -> None:
    # Four users, two slots: a request waits until the one before it in its slot has ended, so that
    # its first token comes after a whole service and 4 ms; the server does no more than 2 / 10 ms.
    served = mocked("llama-server", slots=2, **TOLD)
    times = found(served, 4)
    assert times.window_s >= 0.15
    counted = [one for one in times.requests if one.sent_s >= 0]
    assert {one.user for one in counted} == {0, 1, 2, 3}
    assert most_at_once(times.requests) == 4
    waits = [one.times.token_s[0] for one in counted if one.times]
    assert len(waits) == len(counted)
    assert min(waits) >= 0.004
    assert sorted(waits)[len(waits) // 2] >= SERVICE_S  # half of them at least waited for a slot
    assert len(counted) <= 2 * times.window_s / SERVICE_S + 4
    assert times.warmups >= 1 + 4  # one alone, and the first of each user
    assert times.cached_tokens == 0


def test_each_request_that_counts_is_whole(mocked: Mocked) -> None:
    times = found(mocked("llama-server", **TOLD), 3)
    for one in times.requests:
        assert one.times is not None
        assert (one.times.counted, len(one.times.token_s)) == (4, 4)
        assert one.times.token_s[-1] <= one.ended_s - one.sent_s + 1e-6
        assert one.sent_s < times.window_s
    by_user = [[one for one in times.requests if one.user == user] for user in range(3)]
    for own in by_user:  # a user sends the next when the last was answered
        assert all(a.ended_s <= b.sent_s for a, b in itertools.pairwise(own))


def test_refusals_are_counted_and_are_no_times(mocked: Mocked) -> None:
    # Every second request for a completion is refused in passing: 429, then an answer, and so on;
    # the one alone, which comes first, too.
    served = mocked("vllm", faults=("429", "ok"), **TOLD)
    times = found(served, 2)
    counted = [one for one in times.requests if one.sent_s >= 0]
    failed = [one for one in counted if one.times is None]
    assert {one.fault for one in failed} == {"rate limited"}
    assert all(one.fault == "" for one in counted if one.times is not None)
    # In turn, so that neither has more than two (one a user) above the other.
    assert abs(2 * len(failed) - len(counted)) <= 2


def test_what_the_next_request_would_meet_too_ends_it(mocked: Mocked) -> None:
    served = mocked("vllm", faults=("ok", "ok", "401"), **TOLD)
    with pytest.raises(EndpointError, match="not authorised"):
        found(served, 2)


def test_workloads_are_taken_in_turn_in_an_order_that_is_drawn(mocked: Mocked) -> None:
    served = mocked("llama-server", text="abc")
    message = asked(2, workloads=((16, 2), (32, 2), (48, 2)), seconds=0.1)
    crowd = Crowd(served, Prompts(served, Tokens(served)), message)
    times = crowd.run(lambda _: None)
    for user in (0, 1):
        own = [one.workload for one in times.requests if one.user == user]
        counts = [own.count(workload) for workload in range(3)]
        assert max(counts) - min(counts) <= 2  # a round at either end is not whole


def test_prompts_differ_at_their_beginning_and_have_one_length(mocked: Mocked) -> None:
    served = mocked("llama-server")
    for tokens in (None, Tokens(served)):
        prompts = Prompts(served, tokens)
        prompts.ready(40)
        draw = random.Random(1)
        made = [prompts.fresh(40, draw) for _ in range(20)]
        assert len({one[: 1 + NONCE] for one in made}) == 20
        assert len({len(one) for one in made}) == 1
        if tokens is not None:
            assert {one[0] for one in made} == {256}  # the BOS stays where it is
            assert len(made[0]) == 40


def test_what_does_not_fit_a_slot_is_refused(mocked: Mocked) -> None:
    model = ServedModel(mocked("llama-server"), 40)
    with pytest.raises(WorkerError, match="needs a context of 41 tokens, a slot of the server has"):
        model.run_users(asked(2, workloads=((16, 4), (32, 9))), lambda _: None)
    with pytest.raises(WorkerError, match="no workload of a fixed length"):
        model.run_users(asked(2, workloads=()), lambda _: None)


def test_slots_are_said_and_kept() -> None:
    with mock_server(MockOptions(slots=2)) as server:
        slots = server.mock.slots
        with slots.taken() as first_s, slots.taken() as second_s:
            assert first_s <= second_s
        assert slots.most == 2
        with slots.taken():
            pass
        assert slots.most == 2


class Torn(Client):
    """A client whose reading thread meets an odd error when it is hung up, as over TLS."""

    torn = False

    def another(self) -> Client:
        return Torn(self.address, patience=self.patience, retries=Retries(times=0))

    def hang_up(self) -> None:
        self.torn = True
        super().hang_up()

    def stream(self, *given: Any, **more: Any) -> Any:
        try:
            return super().stream(*given, **more)
        except EndpointError:
            if self.torn:
                raise ValueError("read of closed file") from None
            raise


def test_what_is_broken_off_at_the_end_counts_nowhere_however_it_ends(mocked: Mocked) -> None:
    served = mocked("llama-server", **TOLD)
    with closing(Torn(served.client.address)) as torn:
        times = found(replace(served, client=torn), 2)
    assert {one.user for one in times.requests if one.times} == {0, 1}


def test_threads_that_the_system_does_not_give_are_named() -> None:
    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    threads = [threading.Thread(target=int), Refused(), Refused()]
    with pytest.raises(WorkerError, match=r"2 users at once .* this system gives 1 .can't start"):
        start_all(threads)
    threads[0].join()
