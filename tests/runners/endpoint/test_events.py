"""Events out of bytes, cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.endpoint.events import Event, JsonLinesReader, SseReader

STREAM = (
    ": keep-alive\r\n\r\n"
    'data: {"text": "Grüß"}\n\n'
    "event: complete\ndata:[1,\ndata: 2]\n\n"
    "retry: 5\nid: 7\n\n"
    "data\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    Event('{"text": "Grüß"}'),
    Event("[1,\n2]", "complete"),
    Event(""),
    Event("[DONE]"),
]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_do_not_depend_on_where_the_network_cuts(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = SseReader()
    found = [event for begin, end in pairwise(places) for event in reader.feed(STREAM[begin:end])]
    assert found + reader.end() == EVENTS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_ends_a_line(end: str) -> None:
    reader = SseReader()
    found = reader.feed(f"\ufeffdata: a{end}{end}data: b{end}{end}".encode())
    assert [event.data for event in [*found, *reader.end()]] == ["a", "b"]


def test_a_last_event_without_its_empty_line_is_read() -> None:
    reader = SseReader()
    assert reader.feed(b"data: a\n\ndata: b") == [Event("a")]
    assert reader.end() == [Event("b")]
    assert reader.end() == []


def test_json_lines_skip_empty_ones_and_read_the_last() -> None:
    reader = JsonLinesReader()
    raw = '{"response":"é"}\n\n{"done":true}'.encode()
    cut = raw.index(b"\xa9")  # within the é
    found = [*reader.feed(raw[:cut]), *reader.feed(raw[cut:]), *reader.end()]
    assert found == [Event('{"response":"é"}'), Event('{"done":true}')]
