"""Goodput, the users that are served, and the knee: numbers worked by hand."""

import pytest

from runners.records.goodput import good, good_share, goodput, knee, served
from runners.records.users import UserRequestsInfo, UsersInfo, UsersLevelInfo


def requests(*times: tuple[float, float | None]) -> UserRequestsInfo:
    """Requests by their TTFT and TPOT."""
    n = len(times)
    return UserRequestsInfo(
        user=[0] * n, workload=[0] * n, sent_s=[float(i) for i in range(n)],
        ttft_s=[ttft for ttft, _ in times], tpot_s=[tpot for _, tpot in times], e2el_s=[9.0] * n,
        tokens=[8] * n,
    )  # fmt: skip


def level(users: int, late: int, n: int = 20, **more: float | str | None) -> UsersLevelInfo:
    """A level of `n` requests, of which so many miss the deadline."""
    told = requests(*[(3.0, 0.1)] * late, *[(1.0, 0.1)] * (n - late))
    content = {"users": users, "seconds": 10.0, "sent": n, "requests": told, **more}
    return UsersLevelInfo.model_validate(content)


def info(*levels: UsersLevelInfo) -> UsersInfo:
    return UsersInfo(workloads=["32+64"], seconds=10.0, deadline_ttft_s=2.0, deadline_tpot_s=0.2,
                     levels=list(levels))  # fmt: skip


def test_a_request_is_good_that_keeps_to_both_deadlines() -> None:
    told = requests((2.0, 0.2), (2.1, 0.1), (0.5, 0.21), (0.5, None))
    one = UsersLevelInfo(users=4, sent=5, failed={"rate limited": 1}, requests=told,
                         request_throughput=3.0)  # fmt: skip
    assert good(one, 2.0, 0.2) == 2  # the first, at its very limits, and one without a TPOT
    assert good_share(one, 2.0, 0.2) == 2 / 5  # the refused one is not good
    assert goodput(one, 2.0, 0.2) == 1.5  # 3 answers a second, two of four of them good
    nothing = UsersLevelInfo(users=8, error="the server ended")
    assert (good(nothing, 2.0, 0.2), good_share(nothing, 2.0, 0.2)) == (0, None)
    assert goodput(nothing, 2.0, 0.2) is None


def test_users_are_served_where_95_of_100_requests_are_good() -> None:
    # of 20 requests one may be late: 19 / 20 = 0.95
    assert served(info(level(1, 0), level(2, 1), level(4, 2), level(8, 20))) == 2
    # a greater level that keeps it does not make up for a smaller one that did not
    assert served(info(level(1, 0), level(2, 2), level(4, 0))) == 1
    assert served(info(level(1, 2))) == 0
    assert served(info(level(1, 0), UsersLevelInfo(users=2, error="killed"))) == 1
    assert served(info(UsersLevelInfo(users=1, error="killed"))) == 0
    assert served(info()) is None


@pytest.mark.parametrize(
    ("throughputs", "expected"),
    [
        # X^2 / N: 100, 162, 225, 242, 132: eight
        ({1: 10.0, 2: 18.0, 4: 30.0, 8: 44.0, 16: 46.0}, 8),
        # 100, 200 / ...: perfect scaling has no knee below the greatest
        ({1: 10.0, 2: 20.0, 4: 40.0}, 4),
        # one slot: 10, 10, 10: power 100, 50, 25
        ({1: 10.0, 2: 10.0, 4: 10.0}, 1),
        ({1: 10.0}, None),
        ({1: 0.0, 2: 0.0}, None),
    ],
)
def test_the_knee_has_the_greatest_power(
    throughputs: dict[int, float], expected: int | None
) -> None:
    levels = [
        UsersLevelInfo(users=users, output_throughput=found) for users, found in throughputs.items()
    ]
    assert knee(levels) == expected
    by_requests = [
        UsersLevelInfo(users=users, request_throughput=found)
        for users, found in throughputs.items()
    ]
    assert knee(by_requests) == expected


def test_columns_of_another_length_are_refused() -> None:
    content = requests((1.0, 0.1)).model_dump()
    with pytest.raises(ValueError, match="columns of another length"):
        UserRequestsInfo.model_validate({**content, "ttft_s": []})
