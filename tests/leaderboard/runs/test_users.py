"""Several users over the runs of a candidate: means, the ones who are served, sentences."""

from __future__ import annotations

import pytest

from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import merged
from leaderboard.rows.shown import applies
from leaderboard.runs.users import SeveralUsers, conclusion, several_users
from runners.records.users import UsersInfo, UsersLevelInfo
from tests.leaderboard.conftest import Maker
from tests.support.users import MIB, level, users_info

FIRST = users_info(
    level(1, 100.0, [0.1, 0.2, 0.3]), level(2, 160.0, [0.4] * 4), level(4, 170.0, [2.5] * 4)
)
SECOND = users_info(
    level(1, 120.0, [0.4, 0.4, 0.4]),
    level(2, 140.0, [0.4] * 3 + [3.0]),
    level(4, 180.0, [2.5] * 4, failed={"rate limited": 2}, sent=6),
)


def found(made: Maker, *infos: UsersInfo) -> SeveralUsers:
    runs = [made.record(repeat=i, users=one) for i, one in enumerate(infos)]
    users = several_users(runs)
    assert users is not None
    return users


def test_numbers_are_means_over_runs_and_slow_ends_of_all_requests(made: Maker) -> None:
    users = found(made, FIRST, SECOND)
    one, two, four = users.points
    assert [point.users for point in users.points] == [1, 2, 4]
    assert (one.runs, one.sent) == (2, 6)
    assert one.tokens_per_s is not None
    assert one.tokens_per_s.value == 110.0
    assert one.tokens_per_s.interval is not None  # of two runs: ± 12.7 standard errors of 10
    assert one.tokens_per_s.interval.half == pytest.approx(12.706 * 10, rel=1e-3)
    (wait,) = one.ttft_s
    assert wait is not None
    assert wait.value == pytest.approx(0.3)  # medians 0.2 and 0.4
    assert one.ttft_slow is not None
    assert (one.ttft_slow.value, one.ttft_slow.basis) == (0.4, "maximum of 6")
    assert two.good_share == 7 / 8
    assert two.peak_bytes == 300 * MIB
    assert (four.failed, four.outcomes, four.good_share) == (2, "rate limited 2", 0.0)
    # 160 / 64 requests a second, all good; 140 / 64, three of four good
    assert two.goodput_per_s is not None
    assert two.goodput_per_s.value == pytest.approx((160 / 64 + 140 / 64 * 0.75) / 2)


def test_waits_are_told_apart_by_the_length_of_the_prompt(made: Maker) -> None:
    both = level(1, 100.0, [0.1, 0.9, 0.3, 1.1])
    assert both.requests is not None
    requests = both.requests.model_copy(update={"workload": [0, 1, 0, 1]})
    info = users_info(both.model_copy(update={"requests": requests}), workloads=["32+64", "512+64"])
    (point,) = found(made, info).points
    assert [one and one.value for one in point.ttft_s] == [0.2, 1.0]
    alone = users_info(both, workloads=["32+64", "512+64"])  # all of them short
    assert found(made, alone).points[0].ttft_s[1] is None


def test_users_are_served_who_are_in_every_run(made: Maker) -> None:
    assert found(made, FIRST).served == 2
    assert found(made, SECOND).served == 1  # one of four is late at two
    users = found(made, FIRST, SECOND)
    assert users.served == 1
    # power X^2 / N: 10,000, 12,800, 7,225 and 14,400, 9,800, 8,100
    assert users.knees == (1, 2)


def test_a_run_of_other_windows_or_deadlines_is_no_repeat(made: Maker) -> None:
    other = users_info(level(1, 50.0, [0.1]), deadline_ttft_s=0.5)
    users = found(made, FIRST, other)
    assert (users.runs, users.deadline_ttft_s) == (1, 0.5)
    assert several_users([made.record()]) is None


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        (FIRST.levels, "Within the deadline: 2 users at once (95% of the requests: first token "
                       "within 2 s, then at most 200 ms a token)."),
        (FIRST.levels[:2], "Within the deadline: 2 users at once (95% of the requests: first token "
                           "within 2 s, then at most 200 ms a token); more were not tried."),
        ([level(1, 9.0, [5.0] * 4)], "Not even 1 at once: the deadline was missed (95% of the "
                                     "requests: first token within 2 s, then at most 200 ms a "
                                     "token)."),
        ([UsersLevelInfo(users=3, error="no request was answered (connection refused 2)")],
         "Not even 3 at once: no request was answered (connection refused 2)."),
        ([UsersLevelInfo(users=3)], "No number of users was measured to its end."),
    ],
)  # fmt: skip
def test_the_conclusion(made: Maker, levels: list[UsersLevelInfo], says: str) -> None:
    assert conclusion(found(made, users_info(*levels)))[0] == says


def test_the_knee_in_words(made: Maker) -> None:
    assert conclusion(found(made, FIRST))[1].startswith("The knee is at 2 users: beyond it")
    assert conclusion(found(made, FIRST, SECOND))[1].startswith("The knee is at 1 or 2 users (runs")
    up = users_info(level(1, 100.0, [0.1]), level(2, 190.0, [0.1]))
    assert conclusion(found(made, up))[1].startswith("No knee up to 2 users")
    assert len(conclusion(found(made, users_info(level(1, 100.0, [0.1]))))) == 1


def test_metrics_of_several_users_are_shown_where_somebody_has_them(made: Maker) -> None:
    runs = [made.record(repeat=0, users=FIRST), made.record(repeat=1, users=SECOND)]
    (row,) = merged(runs)
    assert (row.value("users"), row.number("users").basis) == (1, "smallest of 2 runs")
    assert row.value("throughput") == 175.0  # mean of 170 and 180
    plain = made.row("b")
    assert plain.value("users") is None
    for key in ("users", "throughput"):
        assert applies(METRICS[key], [row, plain])
        assert not applies(METRICS[key], [plain])
