"""Every message there and back; anything else is a WireError and nothing but a WireError."""

from __future__ import annotations

import builtins
import dataclasses
import io
import json
import math
import os
import struct
import subprocess
import sys
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.worker import protocol, wire

KINDS = protocol.Message.__args__
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3)
    ),
    max_leaves=8,
)
LEAVES = {
    str: st.text(),
    int: st.integers(),
    bool: st.booleans(),
    # -inf is a log-probability; nan is never sent, and would not be equal to itself here.
    float: st.floats(allow_nan=False),
    typing.Any: st.none() | st.booleans() | st.text() | st.floats(allow_nan=False),
}


def values(hint: typing.Any) -> st.SearchStrategy:
    """Any value that the protocol's annotation allows."""
    inside = [values(part) for part in typing.get_args(hint) if part is not type(None)]
    match typing.get_origin(hint):
        case None if dataclasses.is_dataclass(hint):
            return st.builds(hint, **{k: values(v) for k, v in typing.get_type_hints(hint).items()})
        case None:
            return LEAVES[hint]
        case builtins.list:
            return st.lists(inside[0], max_size=3)
        case builtins.tuple:
            return st.tuples(*inside)
        case builtins.dict:
            return st.dictionaries(*inside, max_size=3)
        case _:
            return st.none() | inside[0]


def framed(text: bytes) -> io.BytesIO:
    return io.BytesIO(struct.pack(">I", len(text)) + text)


def from_json(value: object) -> protocol.Message | None:
    return wire.receive(framed(json.dumps(value).encode()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_message_there_and_back(kind, data):
    message = data.draw(values(kind))
    pipe = io.BytesIO()
    wire.send(pipe, message)
    wire.send(pipe, protocol.Close())
    pipe.seek(0)
    received = wire.receive(pipe)
    assert received == message
    assert repr(received) == repr(message)  # also what == does not see: 1 and 1.0, a tuple's type
    assert wire.receive(pipe) == protocol.Close()
    assert wire.receive(pipe) is None


def test_what_json_forgets_is_restored():
    item = protocol.ScoreItem(contexts=["c"], continuations=[(0, "a")])
    assert json.loads(json.dumps(wire.to_wire(protocol.Score(items=[item]))))["body"] == {
        "items": [{"contexts": ["c"], "continuations": [[0, "a"]], "rolling": False}]
    }
    received = from_json(wire.to_wire(protocol.Score(items=[item])))
    assert type(received.items[0].continuations[0]) is tuple
    # Half a surrogate pair is no UTF-8, but travels.
    assert (
        from_json(wire.to_wire(protocol.ChatTemplate(text="\ud800", bos="", eos=""))).text
        == "\ud800"
    )


@given(kind=st.sampled_from(KINDS), data=st.data())
def test_a_message_cut_short(kind, data):
    pipe = io.BytesIO()
    wire.send(pipe, data.draw(values(kind)))
    whole = pipe.getvalue()
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(wire.WireError, match="closed in the middle"):
        wire.receive(io.BytesIO(whole[:cut]))


def test_a_closed_pipe_between_messages_is_the_end():
    assert wire.receive(io.BytesIO(b"")) is None


@pytest.mark.parametrize("said", [b"Traceback", b"    warning", b"\xff" * 64])
def test_what_a_library_prints_reads_as_an_absurd_length(said):
    # Four printable characters are at least 0x20202020: 538,976,288 bytes.
    with pytest.raises(wire.WireError, match="bytes is not ours"):
        wire.receive(io.BytesIO(said))


@given(st.binary(max_size=40))
def test_random_bytes(data):
    with pytest.raises(wire.WireError):
        wire.receive(framed(data))
    if data:
        with pytest.raises(wire.WireError):
            wire.receive(io.BytesIO(data))


@given(JSON)
def test_random_json(value):
    with pytest.raises(wire.WireError):
        from_json(value)


@given(kind=st.sampled_from(KINDS), data=st.data())
def test_a_field_of_any_value_is_read_or_refused(kind, data):
    fields = [field.name for field in dataclasses.fields(kind)]
    name = data.draw(st.sampled_from([*fields, "unknown"]))
    body = wire.to_wire(data.draw(values(kind)))["body"] | {name: data.draw(JSON)}
    try:
        received = from_json({"type": kind.__name__, "body": body})
    except wire.WireError:
        return
    assert name != "unknown"
    # What was let through has the protocol's types: it travels on, and arrives the same.
    assert repr(from_json(wire.to_wire(received))) == repr(received)


READY = dataclasses.asdict(
    protocol.Ready(protocol=1, pid=2, runtime="fake", runtime_version="1", runtime_build="")
)
ITEM = {"contexts": ["c"], "continuations": [[0, "a"]], "rolling": False}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"type": "Close"},
        {"type": "Shutdown", "body": {}},
        {"type": ["Close"], "body": {}},
        {"type": "Close", "body": []},
        {"type": "Close", "body": {"now": True}},
        {"type": "Ready", "body": {}},
        {"type": "Ready", "body": READY | {"protocol": "1"}},
        {"type": "Ready", "body": READY | {"protocol": True}},
        {"type": "Ready", "body": READY | {"protocol": 1.0}},
        {"type": "Ready", "body": READY | {"runtime": None}},
        {"type": "Progress", "body": {"done": [1]}},
        {"type": "Load", "body": {"path": 1, "settings": {}}},
        {"type": "Load", "body": {"path": None, "settings": None}},
        {"type": "Score", "body": {"items": ITEM}},
        {"type": "Score", "body": {"items": ["item"]}},
        {"type": "Score", "body": {"items": [ITEM | {"contexts": "c"}]}},
        {"type": "Score", "body": {"items": [ITEM | {"continuations": [[0]]}]}},
        {"type": "Score", "body": {"items": [ITEM | {"continuations": [["0", "a"]]}]}},
        {"type": "ChatTemplate", "body": {"text": "t", "bos": 1, "eos": ""}},
        {"type": "Progress", "body": {"done": 1, "type": "Progress"}},
    ],
)
def test_wrong_types_are_refused(value):
    with pytest.raises(wire.WireError, match="not a message"):
        from_json(value)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"type": "Close", "body": {}} x', b"1" * 5000],
    ids=["empty", "half", "no text", "deep", "more", "a huge number"],
)
def test_what_is_not_json_is_refused_in_one_line(text):
    with pytest.raises(wire.WireError) as caught:
        wire.receive(framed(text))
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


def test_a_huge_whole_number_where_a_float_belongs():
    with pytest.raises(wire.WireError):
        from_json({"type": "Scored", "body": {"items": [], "seconds": 10**400, "raw_tokens": 0,
                                              "distinct_tokens": 0}})  # fmt: skip


CLAIMS = """
import os, subprocess, sys
from runners.worker import protocol, wire
inbox, outbox = wire.claim_pipes()
assert wire.claim_pipes() == (inbox, outbox)
print("from Python", flush=True)
os.write(1, b"from C")
subprocess.run([sys.executable, "-c", "print('from a child')"])
assert sys.stdin.read() == ""
wire.send(outbox, wire.receive(inbox))
"""


def test_the_pipes_carry_the_protocol_alone():
    pipe = io.BytesIO()
    wire.send(pipe, protocol.Progress(done=3))
    done = subprocess.run(
        [sys.executable, "-P", "-c", CLAIMS],
        input=pipe.getvalue(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=60,
        check=True,
    )
    assert done.stdout == pipe.getvalue()
    for said in (b"from Python", b"from C", b"from a child"):
        assert said in done.stderr


def test_a_nan_is_refused_and_an_infinity_is_not():
    def carried(value: float) -> protocol.Message | None:
        score = protocol.ItemScore(logprobs=[value], greedy=[False], tokens=1, truncated=False)
        pipe = io.BytesIO()
        wire.send(pipe, protocol.Scored(items=[score], seconds=0, raw_tokens=1, distinct_tokens=1))
        pipe.seek(0)
        return wire.receive(pipe)

    found = carried(-math.inf)
    assert isinstance(found, protocol.Scored)
    assert found.items[0].logprobs == [-math.inf]
    with pytest.raises(wire.WireError, match="a number is NaN"):
        carried(math.nan)
