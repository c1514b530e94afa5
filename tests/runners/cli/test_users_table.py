"""Options and table of several users on a terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import click
import pytest
from rich.console import Console

from evals.errors import SpecError
from leaderboard.runs.users import several_users
from runners.candidates.spec import Candidate
from runners.cli.users_options import choose_users, users_line
from runners.cli.users_table import print_users
from runners.records.reading import parse_record
from tests.leaderboard.conftest import EXAMPLE, Maker
from tests.runners.conftest import tiny_suite
from tests.support.users import level, users_info

SERVER = Candidate.model_validate({"name": "there", "url": "http://127.0.0.1:1/v1"})
FAKE = Candidate.model_validate({"name": "here", "runtime": "fake"})


def chosen(users: str | None, seconds: float | None = None, *candidates: Candidate) -> Any:
    options = {"users": users, "users_time": seconds}
    return choose_users(options, candidates or (SERVER,), tiny_suite())


def test_numbers_of_users() -> None:
    found = chosen("1, 2,8", 5.0)
    assert (found.levels, found.seconds) == ((1, 2, 8), 5.0)
    assert chosen("4").seconds == 30.0
    assert chosen(None) is None


@pytest.mark.parametrize(
    ("users", "says"),
    [("2,1", "ascend"), ("two", "give numbers with commas"), ("1,", "give numbers"),
     ("0", "--users 0: "), ("1,5000", "1024")],
)  # fmt: skip
def test_what_are_no_numbers_of_users_is_one_line(users: str, says: str) -> None:
    with pytest.raises(SpecError, match="--users") as caught:
        chosen(users)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_candidate_in_process_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match=r"here: runtime fake answers .* --runtime llama-"):
        chosen("1,2", None, SERVER, FAKE)
    with pytest.raises(click.UsageError, match="--users-time goes with --users"):
        chosen(None, 5.0)


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_table_fits_and_keeps_what_matters(width: int) -> None:
    made = Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))
    info = users_info(level(1, 123.4, [0.1] * 70), level(16, 1234.5, [12.3456] * 700))
    found = several_users([made.record(users=info)])
    assert found is not None
    out = Console(file=StringIO(), width=width)
    print_users(out, found, "a candidate")
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    last = next(line for line in text.splitlines() if line.startswith("16"))
    # users, output tokens/s, median TTFT in ms, share within the deadline, peak in MiB
    assert {"16", "1,234", "12,346", "0.0", "1,000"} <= set(last.split())
    assert "Within the deadline: 1 user at once" in " ".join(text.split())


def test_a_dry_run_says_what_several_users_take() -> None:
    assert users_line(chosen("1,2,8", 20.0)) == (
        "then 1, 2, 8 users at once, a window of 20 s each: 60 s a run, and some requests before "
        "and after each window"
    )
