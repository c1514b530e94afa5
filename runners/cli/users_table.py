"""The table of several users at once, as `weighin run` and `weighin show` print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.runs.users import Mean, SeveralUsers, conclusion
from leaderboard.units import MISSING, format_half, format_number, format_percent, mib, ms
from runners.cli.layout import Column, Grid, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from leaderboard.runs.users import LevelPoint


def print_users(out: Console, found: SeveralUsers, name: str = "") -> None:
    """Print the levels of one candidate, and what they come to."""
    out.print(users_grid(found, name))
    for line in conclusion(found):
        say(out, line)
    for point in found.points:
        if point.error:
            say(out, f"{point.users} at once: {point.error}")
        elif point.failed:
            say(out, f"{point.users} at once: {point.failed} of {point.sent} requests failed "
                     f"({point.outcomes}); they are in no time")  # fmt: skip


def users_grid(found: SeveralUsers, name: str = "") -> Grid:
    """A row a number of users."""
    runs = f", {found.runs} runs" if found.runs > 1 else ""
    of = f"{name}: " if name else ""
    lengths = " and ".join(found.workloads)
    table = Grid(
        f"{of}several users at once, {lengths} tokens, windows of {found.seconds:g} s{runs}",
        "users", Column(heading="n", drop=4), Column(heading="requests/s", drop=3),
        "output tokens/s", *(f"TTFT ms, {length}" for length in _lengths(found)),
        Column(heading="TTFT slow end", drop=1),
        Column(heading="ITL ms, median", drop=2), Column(heading="ITL p95", drop=5),
        Column(heading="E2EL ms, median", drop=6), "within deadline %",
        Column(heading="goodput requests/s", drop=7), "peak MiB",
    )  # fmt: skip
    for point in found.points:
        table.add_row(*map(plain, _cells(point)))
    return table


def _lengths(found: SeveralUsers) -> list[str]:
    """What tells the waits of several workloads apart; of one it is their median."""
    return [*found.workloads] if len(found.workloads) > 1 else ["median"]


def _cells(point: LevelPoint) -> list[str]:
    slow = point.ttft_slow
    share = point.good_share
    return [
        str(point.users),
        str(point.sent),
        _mean(point.requests_per_s),
        _mean(point.tokens_per_s),
        *(_mean(one, ms) for one in point.ttft_s),
        MISSING if slow is None else f"{format_number(ms(slow.value))} ({slow.name})",
        _mean(point.itl_s, ms),
        format_number(None if point.itl_p95_s is None else ms(point.itl_p95_s)),
        _mean(point.e2el_s, ms),
        MISSING if share is None else format_percent(share).removesuffix("%"),
        _mean(point.goodput_per_s),
        format_number(None if point.peak_bytes is None else mib(point.peak_bytes)),
    ]


def _mean(mean: Mean | None, scale: Callable[[float], float] = float) -> str:
    """A mean over runs, with half its interval where there is one."""
    if mean is None:
        return MISSING
    value = scale(mean.value)
    if mean.interval is None:
        return format_number(value)
    return f"{format_number(value)} ± {format_half(scale(mean.interval.half), value)}"
