"""What a number of users came to: a level of a record out of requests that are written by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runners.compute.budget_use import ad_hoc
from runners.jobs.flags import flags
from runners.jobs.measured import LoadedModel, Measured
from runners.jobs.seen import Seen
from runners.jobs.user_level import Users, UsersLevel, no_answer, why_no_users
from runners.jobs.users_record import deadlines, users_info
from runners.measure.memory import PhaseMemory
from runners.records.reading import parse_record
from runners.records.record import Record
from runners.records.users import UsersInfo, UsersLevelInfo
from runners.runtimes.table import RUNTIMES
from runners.worker.protocol import RequestTimes, UserRequest, UsersOpened, UsersTimes
from tests.runners.conftest import tiny_suite

if TYPE_CHECKING:
    from runners.jobs.job import Job

RECORD = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
MIB = 2**20


def request(
    user: int, sent_s: float, *token_s: float, counted: int | None = 4, fault: str = ""
) -> UserRequest:
    """One request; without tokens it failed after a second."""
    times = RequestTimes(prefill_s=None, token_s=list(token_s), streamed=True, counted=counted)
    return UserRequest(
        user=user,
        workload=0,
        sent_s=sent_s,
        ended_s=sent_s + (token_s[-1] if token_s else 1.0),
        times=times if token_s else None,
        fault=fault,
    )


def times(*requests: UserRequest, **more: Any) -> UsersTimes:
    about: dict[str, Any] = {"warmups": 2, "held": 1, "client_cpus": 0.1, "client_lag_s": 0.0}
    return UsersTimes(window_s=10.0, requests=list(requests), **{**about, **more})


def info_of(*levels: UsersLevel, budget: Any = None, elsewhere: str = "") -> UsersInfo | None:
    job: Any = SimpleNamespace(
        users=Users(levels=(1, 2)), suite=tiny_suite(), budget=budget, elsewhere=elsewhere
    )
    measured = Measured()
    measured.add(LoadedModel(model=SimpleNamespace(context=4096), load_s=1.0))  # type: ignore[arg-type]
    for level in levels:
        measured.add(level)
    asked: Job = job
    return users_info(asked, measured)


def level_of(*requests: UserRequest, **more: Any) -> UsersLevelInfo:
    opened = UsersOpened(slots=2, context=512, ready_s=0.5, root_pid=1)
    found = info_of(UsersLevel(users=2, opened=opened, times=times(*requests, **more)))
    assert found is not None
    return found.levels[0]


STRADDLES = request(0, -2.0, 1.0, 1.5, 2.5, 3.0)  # two of its four tokens came in the window
FIRST = request(1, 0.0, 1.0, 2.0, 3.0, 4.0)
LATE = request(0, 9.0, 0.5, 1.0, 1.5, 2.0)  # at 9.5 and 10.0 within, at 10.5 and 11.0 after
REFUSED = request(1, 5.0, fault="rate limited")


def test_throughput_is_of_the_window_and_latency_of_what_was_sent_in_it() -> None:
    level = level_of(STRADDLES, FIRST, REFUSED, LATE)
    assert level.seconds == 10.0
    assert (level.sent, level.failed) == (3, {"rate limited": 1})
    # Ended within: the one that straddles (at 1.0) and the first (at 4.0); not the late one.
    assert level.request_throughput == 2 / 10
    assert level.output_throughput == (2 + 4 + 2) / 10
    # Under way: 1 s + 4 s + 1 s (the refused) + 1 s of ten.
    assert level.in_flight == pytest.approx(7 / 10)
    assert level.requests is not None
    assert level.requests.ttft_s == [1.0, 0.5]  # the late one is followed to its end
    assert level.requests.e2el_s == [4.0, 2.0]
    assert level.requests.tpot_s == [1.0, 0.5]  # (4 - 1) / 3, (2 - 0.5) / 3
    assert level.requests.sent_s == [0.0, 9.0]
    assert level.ttft_s is not None
    assert (level.ttft_s.n, level.ttft_s.p50) == (2, 0.75)
    assert level.itl_s is not None
    assert (level.itl_s.n, level.itl_s.maximum) == (6, 1.0)
    assert (level.slots, level.context, level.ready_s) == (2, 512, 0.5)


def test_tokens_that_nobody_counts_give_no_rate_of_them() -> None:
    level = level_of(FIRST, request(0, 1.0, 1.0, 2.0, counted=None))
    assert level.output_throughput is None
    assert level.request_throughput == 2 / 10
    assert level.requests is not None
    assert level.requests.tokens == [4, None]


def test_several_tokens_in_an_event_count_by_their_share() -> None:
    # 4 tokens in 2 events, at 9.5 and 10.5: half of them came within; there are no gaps of tokens.
    level = level_of(request(0, 9.0, 0.5, 1.5))
    assert level.output_throughput == 2 / 10
    assert level.itl_s is None
    assert level.requests is not None
    assert level.requests.tpot_s == [pytest.approx(1 / 3)]


def test_a_level_without_an_answer_says_so() -> None:
    refused = (REFUSED, request(0, 1.0, fault="rate limited"))
    # One that was sent before the window counts neither way.
    assert no_answer(times(STRADDLES, *refused)) == "no request was answered (rate limited 2)"
    assert no_answer(times(STRADDLES)) == "no request was answered (none was sent)"
    assert no_answer(times(FIRST, *refused)) == ""
    level = level_of(*refused)
    assert level.ttft_s is None
    assert level.request_throughput == 0.0


def test_memory_is_the_servers_and_unknown_elsewhere() -> None:
    memory = PhaseMemory(peak_bytes=300 * MIB, anon_bytes=MIB, file_bytes=MIB, source="VmHWM")
    level = UsersLevel(users=1, times=times(FIRST), memory=memory, group_peak_bytes=5)
    found = info_of(level)
    assert found is not None
    one = found.levels[0]
    assert (one.peak_bytes, one.memory_source, one.group_peak_bytes) == (300 * MIB, "VmHWM", 5)
    found = info_of(level, elsewhere="h:1")
    assert found is not None
    assert found.levels[0].peak_bytes is None
    assert "behind a URL" in found.levels[0].memory_source
    found = info_of(UsersLevel(users=1, times=times(FIRST), error="it ended"))
    assert found is not None
    assert "gone" in found.levels[0].memory_source


def test_deadlines_are_the_budgets_or_the_usual_ones() -> None:
    none: Any = SimpleNamespace(budget=None)
    assert deadlines(none) == (2.0, 0.2)
    own: Any = SimpleNamespace(budget=ad_hoc(deadline_ttft_s=0.5, min_decode_tokens_per_s=20.0))
    assert deadlines(own) == (0.5, 0.05)  # 20 tokens a second are 50 ms a token


def test_no_part_where_nobody_asked() -> None:
    assert info_of() is None


# flags


def flags_of(*levels: UsersLevelInfo) -> dict[str, tuple[str, str]]:
    record: Record = parse_record(RECORD.read_text(), where="test")
    part = UsersInfo(workloads=["8+4"], seconds=10.0, deadline_ttft_s=2.0, deadline_tpot_s=0.2,
                     levels=list(levels))  # fmt: skip
    plain = {f.name for f in flags(record, Seen(truncated={}))}
    with_users = flags(record.model_copy(update={"users": part}), Seen(truncated={}))
    return {f.name: (f.level, f.detail) for f in with_users if f.name not in plain}


QUIET = {"users": 4, "sent": 9, "in_flight": 3.95, "client_cpus": 0.2, "client_lag_s": 0.001}


@pytest.mark.parametrize(
    ("told", "name", "level", "says"),
    [
        ({"error": "it ended"}, "users not served", "warning", "4 at once: it ended"),
        ({"failed": {"rate limited": 2}}, "requests failed", "warning", "2 of 9 (rate limited 2)"),
        ({"client_cpus": 0.9}, "client saturated", "warning", "used 0.90 cores"),
        ({"in_flight": 3.6}, "client saturated", "warning", "without a request 10% of the time"),
        ({"client_lag_s": 0.02}, "client saturated", "warning", "stamped 20.0 ms late"),
        ({"others_cpus": 1.5}, "contended", "warning", "1.50 at 4"),
        ({"cached_tokens": 30}, "prompt cache", "warning", "up to 30 prompt tokens"),
        ({"ended_early": 3}, "answers ended early", "note", "3 answers to several users"),
        ({"slots": 2}, "users wait", "note", "works on 2 requests at once"),
    ],
)
def test_each_flag(told: dict[str, Any], name: str, level: str, says: str) -> None:
    summary = {"n": 9, "p50": 0.2, "p95": 0.2, "p99": None, "mean": 0.2, "minimum": 0.2,
               "maximum": 0.2}  # fmt: skip
    one = UsersLevelInfo.model_validate({**QUIET, "ttft_s": summary, **told})
    assert list(flags_of(one)) == [name]
    assert flags_of(one)[name][0] == level
    assert says in flags_of(one)[name][1]


def test_a_quiet_level_has_no_flag_and_a_pause_after_a_failure_is_no_idle_client() -> None:
    assert flags_of(UsersLevelInfo.model_validate({**QUIET, "slots": 4, "cached_tokens": 1})) == {}
    paused = UsersLevelInfo.model_validate({**QUIET, "in_flight": 1.0, "failed": {"x": 1}})
    assert list(flags_of(paused)) == ["requests failed"]


# who can have them


@pytest.mark.parametrize("name", ["llamacpp", "hf", "fake", "gradio"])
def test_what_answers_one_at_a_time_names_the_way_out(name: str) -> None:
    assert why_no_users(RUNTIMES[name], tiny_suite()).startswith(
        f"runtime {name} answers one request at a time; several users at once need a server: "
        "--runtime llama-server"
    )


@pytest.mark.parametrize("name", ["llama-server", "own-server", "endpoint"])
def test_servers_can_have_them_where_a_workload_has_a_fixed_length(name: str) -> None:
    assert why_no_users(RUNTIMES[name], tiny_suite()) == ""
    without = tiny_suite().model_copy(update={"workloads": ()})
    assert "no workload of a fixed length" in why_no_users(RUNTIMES[name], without)


@pytest.mark.parametrize("levels", [(), (2, 1), (1, 1), (0,), (2000,)])
def test_numbers_of_users_ascend(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"ascend|greater than|less than|at least 1"):
        Users(levels=levels)
