"""Numbers of users at which a job's server is asked, and what one of them came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from evals.spec_file import Spec
from evals.suites import Suite, Workload
from runners.measure.memory import PhaseMemory
from runners.runtimes.spec import RuntimeSpec
from runners.worker import protocol

MOST_USERS, LONGEST_S = 1024, 3600.0


class Users(Spec):
    """Several users at once: how many in turn, and for how long."""

    levels: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MOST_USERS)], ...], Field(min_length=1, max_length=32)
    ]
    seconds: Annotated[float, Field(ge=0.1, le=LONGEST_S)] = 30.0
    """Length of each level's window."""

    @model_validator(mode="after")
    def _ascend(self) -> Users:
        if list(self.levels) != sorted(set(self.levels)):
            raise ValueError("numbers of users ascend, e.g. 1,2,4,8")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersLevel:
    """One number of users, as it was measured."""

    users: int
    opened: protocol.UsersOpened | None = None
    times: protocol.UsersTimes | None = None
    memory: PhaseMemory | None = None
    """Memory of the server; None: it runs elsewhere, or was gone when the level ended."""
    group_peak_bytes: int | None = None
    others_cpus: float | None = None
    error: str = ""
    """Why it was not measured to its end."""


def no_answer(times: protocol.UsersTimes) -> str:
    """Why a level tells nothing: how all requests sent in its window failed; empty where one was
    answered.
    """
    sent = [one for one in times.requests if one.sent_s >= 0]
    if any(one.times is not None for one in sent):
        return ""
    failed = Counter(one.fault for one in sent)
    outcomes = ", ".join(f"{name} {count}" for name, count in failed.items())
    return f"no request was answered ({outcomes or 'none was sent'})"


def fixed_workloads(suite: Suite, context: int | None = None) -> Sequence[Workload]:
    """Workloads of a fixed length, of which several users ask; those that fit a context."""
    return [
        one
        for one in suite.workloads
        if not one.fills and (context is None or one.prompt_of(context) is not None)
    ]


def why_no_users(runtime: RuntimeSpec, suite: Suite) -> str:
    """Why several users cannot be had at once; empty where they can."""
    if "users" not in runtime.can:
        return (
            f"runtime {runtime.name} answers one request at a time; several users at once need a "
            "server: --runtime llama-server for GGUF weights, or a server's address"
        )
    if not fixed_workloads(suite):
        return f"suite {suite.name} has no workload of a fixed length that several users could ask"
    return ""
