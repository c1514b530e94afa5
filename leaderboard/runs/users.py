"""Several users at once: what each number of them met, over the runs of one candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from leaderboard.stats.intervals import Interval, mean_interval
from leaderboard.stats.tails import Tail, tail
from runners.records.goodput import ENOUGH, good, goodput, knee, served
from runners.records.latency import median_of, percentile
from runners.records.record import Record
from runners.records.users import UsersInfo, UsersLevelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Mean over runs of a run's own number."""

    value: float
    interval: Interval | None
    """95 %, run to run; None for a single run, whose requests say nothing of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPoint:
    """One number of users, over the runs that tried it."""

    users: int
    runs: int
    sent: int
    """Requests of all runs that were sent within the windows."""
    failed: int
    outcomes: str
    """How those failed, with counts; empty where none did."""
    error: str
    """Why a run did not measure it to its end; empty where each did."""
    slots: int | None
    context: int | None
    requests_per_s: Mean | None
    tokens_per_s: Mean | None
    goodput_per_s: Mean | None
    """Requests a second that keep to both deadlines."""
    good_share: float | None
    """Share of the requests sent, of all runs together, that keep to them."""
    ttft_s: tuple[Mean | None, ...]
    """A number a workload, whose prompts differ in length: medians of the runs; so are TPOT and the
    end-to-end time."""
    ttft_slow: Tail | None
    """Slow end of the TTFT of all runs' requests."""
    itl_s: Mean | None
    itl_p95_s: float | None
    """Mean over runs of the 95th percentile of gaps between tokens."""
    tpot_s: Mean | None
    e2el_s: Mean | None
    peak_bytes: int | None
    """Peak of the run that held most."""
    memory_source: str
    """Counter of the peak, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralUsers:
    """Several users of one candidate's server at once."""

    workloads: tuple[str, ...]
    seconds: float
    """Length of a window that was asked for."""
    deadline_ttft_s: float
    deadline_tpot_s: float
    points: tuple[LevelPoint, ...]
    """Ascending by users."""
    served: int | None
    """Most users whom every run served within the deadlines; None: no number was measured."""
    knees: tuple[int, ...]
    """Knee of each run that has one, without repetitions, ascending."""
    runs: int

    @property
    def most(self) -> int:
        """The greatest number of users that was tried."""
        return self.points[-1].users


def several_users(runs: Iterable[Record]) -> SeveralUsers | None:
    """Levels of runs that were asked by several users; None where no run was.

    Runs are those of one candidate under one set of conditions. The newest says which workloads,
    windows and deadlines are shown, and those of others count with it where they are the same.
    """
    having = [run.users for run in runs if run.users is not None and run.users.levels]
    if not having:
        return None
    newest = having[-1]
    alike = [one for one in having if _asked(one) == _asked(newest)]
    numbers = sorted({level.users for one in alike for level in one.levels})
    found = [count for one in alike if (count := served(one)) is not None]
    knees = {at for one in alike if (at := knee(one.levels)) is not None}
    return SeveralUsers(
        workloads=tuple(newest.workloads),
        seconds=newest.seconds,
        deadline_ttft_s=newest.deadline_ttft_s,
        deadline_tpot_s=newest.deadline_tpot_s,
        points=tuple(_point(number, alike) for number in numbers),
        served=min(found, default=None),
        knees=tuple(sorted(knees)),
        runs=len(alike),
    )


def _asked(info: UsersInfo) -> tuple[object, ...]:
    return info.workloads, info.seconds, info.deadline_ttft_s, info.deadline_tpot_s


def _point(users: int, runs: Sequence[UsersInfo]) -> LevelPoint:
    info = runs[0]
    levels = [level for one in runs for level in one.levels if level.users == users]
    failed: Counter[str] = Counter()
    for level in levels:
        failed.update(level.failed)
    ttft, tpot = info.deadline_ttft_s, info.deadline_tpot_s
    sent = sum(level.sent for level in levels)
    peaks = [level.peak_bytes for level in levels if level.peak_bytes is not None]
    late = [level.itl_s.p95 for level in levels if level.itl_s]
    return LevelPoint(
        users=users,
        runs=len(levels),
        sent=sent,
        failed=failed.total(),
        outcomes=", ".join(f"{name} {n}" for name, n in sorted(failed.items())),
        error=next((level.error for level in levels if level.error), ""),
        slots=levels[-1].slots,
        context=levels[-1].context,
        requests_per_s=_mean(levels, lambda level: level.request_throughput),
        tokens_per_s=_mean(levels, lambda level: level.output_throughput),
        goodput_per_s=_mean(levels, lambda level: goodput(level, ttft, tpot)),
        good_share=sum(good(one, ttft, tpot) for one in levels) / sent if sent else None,
        ttft_s=tuple(
            _mean(levels, partial(_median_ttft, workload=at)) for at in range(len(info.workloads))
        ),
        ttft_slow=tail([t for one in levels if one.requests for t in one.requests.ttft_s], "high"),
        itl_s=_mean(levels, lambda level: median_of(level.itl_s)),
        itl_p95_s=mean_interval(late)[0] if late else None,
        tpot_s=_mean(levels, lambda level: median_of(level.tpot_s)),
        e2el_s=_mean(levels, lambda level: median_of(level.e2el_s)),
        peak_bytes=max(peaks, default=None),
        memory_source=levels[-1].memory_source,
    )


def _median_ttft(level: UsersLevelInfo, workload: int) -> float | None:
    """Median TTFT of the requests of one workload."""
    found = level.requests
    if found is None:
        return None
    times = [ttft for ttft, of in zip(found.ttft_s, found.workload, strict=True) if of == workload]
    return percentile(sorted(times), 0.5) if times else None


def _mean(
    levels: Sequence[UsersLevelInfo], number: Callable[[UsersLevelInfo], float | None]
) -> Mean | None:
    known = [value for level in levels if (value := number(level)) is not None]
    if not known:
        return None
    value, interval = mean_interval(known)
    return Mean(value=value, interval=interval)


def conclusion(found: SeveralUsers) -> list[str]:
    """What the numbers come to, in sentences."""
    return [_served_words(found), *_knee_words(found)]


def _served_words(found: SeveralUsers) -> str:
    deadline = (
        f"{ENOUGH:.0%} of the requests: first token within {found.deadline_ttft_s:g} s, then at "
        f"most {1e3 * found.deadline_tpot_s:g} ms a token"
    )
    first = found.points[0]
    if first.error and not found.served:
        return f"Not even {first.users} at once: {first.error}."
    if found.served is None:
        return "No number of users was measured to its end."
    if found.served == 0:
        return f"Not even {first.users} at once: the deadline was missed ({deadline})."
    more = "; more were not tried" if found.served == found.most else ""
    users = "user" if found.served == 1 else "users"
    return f"Within the deadline: {found.served} {users} at once ({deadline}){more}."


def _knee_words(found: SeveralUsers) -> list[str]:
    if not found.knees:
        return []
    at = " or ".join(map(str, found.knees))
    each = " (runs differ)" if len(found.knees) > 1 else ""
    if found.knees == (found.most,):
        return [f"No knee up to {found.most} users: throughput still grows by more than it costs."]
    users = "user" if at == "1" else "users"
    return [
        f"The knee is at {at} {users}{each}: beyond it more of them wait longer for little more "
        "throughput."
    ]
