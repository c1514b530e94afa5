"""Which requests of several users count: timelines by hand."""

import pytest

from runners.endpoint.window import Sent, Window


def timeline(window: Window, *moments: tuple[float, str, int]) -> dict[tuple[int, int], Sent]:
    """Play `(moment, send | end | fail | look, user)`; requests by user and number."""
    sent: dict[tuple[int, int], Sent] = {}
    count: dict[int, int] = {}
    for now_s, what, user in moments:
        if what == "send":
            count[user] = count.get(user, -1) + 1
            sent[user, count[user]] = window.send(user, 0, now_s)
        elif what == "look":
            window.look(now_s)
        else:
            window.end(sent[user, count[user]], now_s, fault="server error" * (what == "fail"))
    return sent


def test_a_request_counts_by_when_it_was_sent_however_late_it_ends() -> None:
    window = Window(users=2, seconds=10.0)
    sent = timeline(
        window,
        (0.0, "send", 0), (1.0, "send", 1),
        (3.0, "end", 0), (3.0, "send", 0),   # user 1 has no answer yet: a warm-up
        (5.0, "end", 1),                     # each has one: the window is [5, 15)
        (5.5, "send", 1), (8.0, "end", 0), (8.0, "send", 0), (9.0, "end", 1), (9.0, "send", 1),
        (12.0, "end", 0), (12.0, "send", 0),
        (15.5, "look", 0),                   # at the first look after 15 it ends: at 15.5
        (16.0, "end", 1), (16.0, "send", 1), # sent after it: holds the load
    )  # fmt: skip
    assert (window.begun_s, window.ended_s) == (5.0, 15.5)
    assert [key for key, one in sent.items() if window.counts(one)] == [
        (1, 1), (0, 2), (1, 2), (0, 3)
    ]  # fmt: skip
    # One that straddles the beginning is within: some of its tokens came in the window.
    within = [key for key, one in sent.items() if one in window.within]
    assert within == [(0, 1), (1, 1), (0, 2), (1, 2)]  # (0, 3) has not ended yet
    assert [key for key, one in sent.items() if window.holds(one)] == [(1, 3)]
    assert not window.over  # the slowest of them is under way
    window.end(sent[0, 3], 40.0)
    assert window.over
    assert sent[0, 3] in window.within


def test_a_window_waits_until_each_user_has_sent_a_request_in_it() -> None:
    window = Window(users=2, seconds=1.0)
    timeline(
        window,
        (0.0, "send", 0), (0.0, "send", 1), (4.0, "end", 0), (4.0, "send", 0), (5.0, "end", 1),
        (5.0, "send", 1), (6.5, "look", 0),  # user 0 still waits for what he sent before
    )  # fmt: skip
    assert window.ended_s is None
    timeline_goes_on = window.requests[2]
    window.end(timeline_goes_on, 8.0)
    window.send(0, 0, 8.0)
    window.look(8.1)
    assert window.ended_s == 8.1


@pytest.mark.parametrize("what", ["end", "fail"])
def test_a_failure_ends_a_request_too_so_that_a_window_begins(what: str) -> None:
    window = Window(users=1, seconds=1.0)
    timeline(window, (0.0, "send", 0), (2.0, what, 0))
    assert window.begun_s == 2.0


def test_nothing_counts_before_the_window() -> None:
    window = Window(users=2, seconds=1.0)
    sent = timeline(window, (0.0, "send", 0), (9.0, "look", 0))
    assert not window.counts(sent[0, 0])
    assert not window.over
    assert window.within == []
