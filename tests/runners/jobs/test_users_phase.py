"""Numbers of users one after the other, of a worker that answers as the test says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from evals.errors import MeasureError
from runners.jobs.journal import Journal
from runners.jobs.measured import Measured
from runners.jobs.user_level import Users, UsersLevel
from runners.jobs.users_phase import KIND, serve_users
from runners.worker import protocol
from tests.runners.conftest import tiny_suite

TIMES = protocol.RequestTimes(prefill_s=None, token_s=[0.1, 0.2], streamed=True, counted=2)


def answered(users: int, *, there: bool) -> protocol.UsersTimes:
    """A window with a request a user, which a server answered, or which met none."""
    requests = [
        protocol.UserRequest(
            user=user, workload=0, sent_s=1.0, ended_s=1.2, times=TIMES if there else None,
            fault="" if there else "connection refused",
        )
        for user in range(users)
    ]  # fmt: skip
    return protocol.UsersTimes(
        window_s=2.0, requests=requests, warmups=1, held=0, client_cpus=0.1, client_lag_s=0.0
    )


class Worker:
    """Serves until so many users ask at once; from then on nobody is there."""

    pid = 1

    def __init__(self, gone_from: int) -> None:
        self.gone_from = gone_from
        self.asked: list[int] = []

    def ask(self, question: Any, _kind: type, _progress: Any = None) -> Any:
        if isinstance(question, protocol.OpenUsers):
            return protocol.UsersOpened(slots=None, context=None, ready_s=None, root_pid=None)
        self.asked.append(question.users)
        return answered(question.users, there=question.users < self.gone_from)


def serve(worker: Worker, journal: Journal) -> list[UsersLevel]:
    def no_counter() -> None:
        raise MeasureError("it runs elsewhere")

    job: Any = SimpleNamespace(users=Users(levels=(1, 2, 4)), times=True, suite=tiny_suite())
    marks: Any = SimpleNamespace(process=SimpleNamespace(end_phase=no_counter), group=None)
    measured = Measured()
    asked: Any = worker
    serve_users(job, asked, journal, measured, marks, lambda _step: None)
    return measured.all(UsersLevel)


def test_a_server_that_is_gone_ends_the_levels_and_is_asked_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "key")
    journal.open(fresh=False, wait_s=0)
    # As an earlier version kept one that was not answered.
    empty = UsersLevel(users=1, times=answered(1, there=False))
    journal.append({"kind": KIND, "level": asdict(empty)})
    worker = Worker(gone_from=2)
    one, two = serve(worker, journal)
    assert (one.users, one.error) == (1, "")
    assert (two.users, two.error) == (2, "no request was answered (connection refused 2)")
    assert worker.asked == [1, 2]  # and not 4
    # The first is kept, the second was no answer.
    again = Worker(gone_from=99)
    assert [level.error for level in serve(again, journal)] == ["", "", ""]
    assert again.asked == [2, 4]
    journal.close(done=True)
