"""Options about several users at once, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evals.errors import SpecError
from runners.cli.options import time_option

if TYPE_CHECKING:
    from evals.suites import Suite
    from runners.candidates.spec import Candidate
    from runners.jobs.user_level import Users

F = TypeVar("F", bound=Callable[..., Any])


def users_options(command: F) -> F:
    """How many users at once, and for how long."""
    for option in reversed([
        click.option(
            "--users", metavar="N,…",
            help="Several users of a server at once, e.g. 1,2,4,8, after everything else: "
            "throughput, TTFT, goodput and memory at each number (docs/servers.md). "
            "--deadline-ttft and --min-decode say what is good.",
        ),
        click.option(
            "--users-time", metavar="TIME", callback=time_option,
            help="With --users: length of each window that counts; default 30s.",
        ),
    ]):  # fmt: skip
        command = option(command)
    return command


def choose_users(
    options: dict[str, Any], candidates: Sequence[Candidate], suite: Suite
) -> Users | None:
    """The numbers of users that are asked for; None where one alone asks.

    Raises:
        SpecError: they are no ascending numbers, or a candidate cannot have several.
        click.UsageError: --users-time without --users.
    """
    from evals.spec_file import check_spec
    from runners.jobs.user_level import Users, why_no_users

    text, seconds = options["users"], options["users_time"]
    if text is None:
        if seconds is not None:
            raise click.UsageError("--users-time goes with --users, e.g. --users 1,2,4,8")
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise SpecError(f"--users {text}: give numbers with commas between them, e.g. 1,2,4,8")
    content: dict[str, Any] = {"levels": [int(word) for word in words]}
    if seconds is not None:
        content["seconds"] = seconds
    found = check_spec(content, Users, where=f"--users {text}")
    for one in candidates:
        if why := why_no_users(one.runtime_spec, suite):
            raise SpecError(f"{one.name}: {why}")
    return found


def users_line(users: Users) -> str:
    """Numbers of users and the least that they take, for a dry run."""
    from leaderboard.units import format_duration

    numbers = ", ".join(f"{level:,}" for level in users.levels)
    least = format_duration(len(users.levels) * users.seconds)
    return (
        f"then {numbers} users at once, a window of {users.seconds:g} s each: {least} a run, and "
        "some requests before and after each window"
    )
