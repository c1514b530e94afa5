"""Under which names the board answers."""

from __future__ import annotations

import socket

import pytest

from leaderboard.app.hosts import answers_to, names

KNOWN = ["board.example", "localhost"]


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost", True),
        ("localhost:8501", True),
        ("LOCALHOST.:8501", True),  # names know no case, and may end with the root's dot
        ("127.0.0.1:8501", True),
        ("192.168.1.7:8501", True),  # no name was looked up, so none was rebound
        ("[::1]:8501", True),
        ("board.example", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("board.example.evil.example:8501", False),
        ("evil.example:8501@localhost", False),
        ("localhost/evil.example", False),
        ("localhost, evil.example", False),
        ("[evil]", False),
        ("", False),
        (None, False),
    ],
)
def test_only_known_names_and_addresses_are_answered(host: str | None, answered: bool):
    assert answers_to(host, KNOWN) is answered


def test_a_star_answers_to_every_name_but_to_no_nonsense():
    assert answers_to("evil.example:80", ["*"])
    assert not answers_to("a b", ["*"])


def test_the_machines_own_name_is_known_and_what_was_allowed():
    found = names("board.internal", ["Proxy.Example."])
    own = socket.gethostname().lower()
    assert set(found) == {"localhost", "board.internal", "proxy.example", own}
