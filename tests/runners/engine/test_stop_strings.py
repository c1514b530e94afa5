"""Stop strings and characters that do not end where tokens do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runners.engine.stop_strings import StopWatcher


def feed(until: list[str], pieces: list[bytes]) -> tuple[int | None, str]:
    """After how many tokens it stopped (None: never), and the text that is left."""
    watcher = StopWatcher(until)
    stopped = next((n for n, piece in enumerate(pieces, start=1) if watcher.add(piece)), None)
    return stopped, watcher.cut(b"".join(pieces[:stopped]).decode("utf-8", "replace"))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Cut into tokens; two equal places make an empty one."""
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize(
    "pieces", [[b"yes\n\nQ:", b"no"], [b"yes\n", b"\nQ", b": no"], [b"y", b"es\n\nQ:"]]
)
def test_a_stop_string_over_several_tokens(pieces):
    stopped, text = feed(["\n\nQ:"], pieces)
    # It stops with the token that completes the string, and shows nothing of it.
    assert stopped == next(n for n in (1, 2, 3) if b"\n\nQ:" in b"".join(pieces[:n]))
    assert text == "yes"


def test_a_beginning_that_is_not_completed_is_kept():
    assert feed(["\n\nQ:"], [b"yes\n", b"\nA:"]) == (None, "yes\n\nA:")


def test_a_character_over_several_tokens():
    # U+1F642 is f0 9f 99 82, é is c3 a9.
    assert feed([], [b"ca", b"f\xc3", b"\xa9 \xf0\x9f", b"\x99", b"\x82"]) == (None, "café 🙂")


def test_a_stop_string_of_characters_over_several_tokens():
    assert feed(["é🙂"], [b"a\xc3", b"\xa9\xf0\x9f", b"\x99", b"\x82b", b"c"]) == (4, "a")


def test_bytes_that_are_no_text_are_replaced_and_do_not_stop_it():
    assert feed(["b"], [b"a\xff", b"\xc3", b"c", b"b"]) == (4, "a\ufffd\ufffdc")


def test_overlapping_stop_strings():
    # "aab" holds both; as in lm-eval the text is cut at each in turn, so that the order counts:
    # cut at "ab" first, no "aa" is left.
    assert feed(["aa", "ab"], [b"x", b"aab"]) == (2, "x")
    assert feed(["ab", "aa"], [b"x", b"aab"]) == (2, "xa")
    # "aaab": "aab" begins at the second a, and the search must not have slipped past it.
    assert feed(["aab"], [b"a", b"a", b"a", b"b"]) == (4, "a")


def test_a_stop_string_in_the_first_token():
    assert feed(["\n"], [b"\nyes"]) == (1, "")


def test_empty_stop_strings_stop_nothing():
    assert feed(["", "z"], [b"a", b"b"]) == (None, "ab")
    assert feed([], []) == (None, "")


def test_a_stop_string_may_name_a_special_token():
    watcher = StopWatcher(["<|im_end|>", "\n"])
    assert not watcher.add(b"yes", hidden="yes")
    assert not watcher.add(b"", hidden="<|other|>")
    assert watcher.add(b"", hidden="<|im_end|>")


def test_a_shown_token_is_not_taken_for_a_special_one():
    # `hidden` is the token's text even where it is shown; only what is shown is searched then.
    watcher = StopWatcher(["yes"])
    assert not watcher.add(b"ye", hidden="yes")


@given(
    text=st.text(alphabet="ab\n🙂é", max_size=20),
    until=st.lists(st.text(alphabet="ab\n🙂", min_size=1, max_size=3), max_size=3),
    places=st.lists(st.integers(0, 99), max_size=12),
)
@example(text="\naa", until=["\naa", "a"], places=[2])
def test_the_text_is_what_splitting_the_generation_leaves(text, until, places):
    pieces = cut(text.encode(), places)
    stopped, left = feed(until, pieces)

    # As lm-eval cuts an answer: at each stop string in turn. The generation ends with the token
    # that completes the first of them, so that a longer one may never come.
    expected = b"".join(pieces[:stopped]).decode("utf-8", "replace")
    for stop in until:
        expected = expected.split(stop)[0]
    assert left == expected
    assert (stopped is not None) == any(stop in text for stop in until)
