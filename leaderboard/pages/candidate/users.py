"""Several users at once, on the Candidate page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leaderboard.pages.blocks import Beside, Block, Figure, Heading, Note, Table, Text
from leaderboard.pages.candidate.users_figure import throughput_figure, ttft_figure
from leaderboard.pages.grid import Cell, Grid, Head, missing
from leaderboard.runs.users import LevelPoint, Mean, SeveralUsers, conclusion
from leaderboard.units import format_half, format_number, mib, ms, points

SEVERAL = "Several users at once"
NOT_ASKED = "not measured at this number of users"


def users_blocks(found: SeveralUsers, where: str) -> Iterator[Block]:
    """What so many users met: the conclusion, both figures, the table."""
    yield Heading(SEVERAL)
    yield Text(" ".join(conclusion(found)))
    throughput = (
        Heading("Throughput", 3),
        Figure("throughput", lambda dark: throughput_figure(found, dark=dark), "Throughput"),
    )
    wait = (
        Heading("Time to first token of several users", 3),
        Figure("users ttft", lambda dark: ttft_figure(found, dark=dark), "Wait against users"),
    )
    yield Beside((throughput, wait))
    yield Table(users_grid(found, where))
    for point in found.points:
        if point.error:
            yield Note(f"{point.users} at once: {point.error}", "warning")


def users_grid(found: SeveralUsers, where: str) -> Grid:
    """A row a number of users."""
    lengths = " and ".join(found.workloads)
    runs = f"{found.runs} runs, ± is half the 95 % interval, run to run" if found.runs > 1 else (
        "one run: no interval"
    )  # fmt: skip
    heads = (
        Head("users", hint="each sends its next request when the last was answered"),
        Head("n", hint="requests sent within the windows, each followed to its end"),
        Head("requests", "/s", "answered within the window, by its seconds"),
        Head("output", "tokens/s", "of all users together, within the window, by its seconds"),
        *(
            Head(f"TTFT {length}", "ms", "time to first token of the requests of this length: mean "
                 "over runs of each run's median")
            for length in found.workloads
        ),
        Head("slow end", "ms", "of TTFT, of all runs' requests: the slowest below 20, p90 from "
             "20, p95 from 60"),
        Head("ITL", "ms", "inter-token latency: mean over runs of each run's median gap"),
        Head("ITL p95", "ms", "mean over runs"),
        Head("E2EL", "ms", "end-to-end latency: mean over runs of each run's median"),
        Head("within deadline", "%", "share of the requests sent, failed ones too, that keep to "
             "both deadlines"),
        Head("goodput", "/s", "requests a second that keep to both deadlines"),
        Head("failed", hint="requests that were refused or broke; none of them is in a time"),
        Head("slots", hint="requests that the server works on at once"),
        Head("peak", "MiB", "high-water mark of the server's processes; of the largest run"),
    )  # fmt: skip
    return Grid(
        caption=f"{lengths} (prompt + new tokens), windows of {found.seconds:g} s; {where}; {runs}",
        heads=heads,
        rows=tuple(_row(point) for point in found.points),
    )


def _row(point: LevelPoint) -> tuple[Cell, ...]:
    why = point.error or NOT_ASKED
    slow = point.ttft_slow
    share = point.good_share
    late = point.itl_p95_s
    return (
        Cell(f"{point.users:,}"),
        Cell(f"{point.sent:,}"),
        _mean(point.requests_per_s, why),
        _mean(point.tokens_per_s, point.error or "the server does not count its tokens"),
        *(_mean(one, why, ms) for one in point.ttft_s),
        missing(why) if slow is None else Cell(f"{format_number(ms(slow.value))} ({slow.name})"),
        _mean(point.itl_s, point.error or "tokens came several at a time", ms),
        missing(why) if late is None else Cell(format_number(ms(late))),
        _mean(point.e2el_s, why, ms),
        missing(why) if share is None else Cell(f"{points(share):.1f}"),
        _mean(point.goodput_per_s, why),
        Cell(f"{point.failed:,}", hint=point.outcomes),
        missing("the server does not say") if point.slots is None else Cell(str(point.slots)),
        missing(point.memory_source)
        if point.peak_bytes is None
        else Cell(format_number(mib(point.peak_bytes))),
    )


def _mean(mean: Mean | None, why: str, scale: Callable[[float], float] = float) -> Cell:
    if mean is None:
        return missing(why)
    value = scale(mean.value)
    if mean.interval is None:
        return Cell(format_number(value))
    return Cell(format_number(value), format_half(scale(mean.interval.half), value))
