"""Fuzz whatever reads what others wrote: `make fuzz` (a few minutes; not part of `make test`).

Valid examples are damaged (a value replaced, dropped, nested, bytes flipped), since random bytes
rarely come past the first check. Whatever happens, a reader answers or raises its own error.
FUZZ_EXAMPLES sets how many inputs each test tries (default 20,000).
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import tempfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import ArtifactError, RecordError, SpecError
from evals.spec_file import read_spec
from evals.suites import Suite, find_suite
from runners.candidates.catalogue import find_candidate
from runners.candidates.gguf_header import quantisation, read_header
from runners.candidates.spec import Candidate
from runners.compute.budget import Budget, find_budget
from runners.records.reading import parse_record
from runners.worker import protocol, wire

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000"))
fuzz = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
HERE = Path(__file__).parent.parent
RECORD = json.loads((HERE / "tests/data/records/v1/record.json").read_text(encoding="utf-8"))
SPECS = {
    Candidate: find_candidate("smollm2-135m-instruct-q8_0").model_dump(by_alias=True),
    Suite: find_suite("quick").model_dump(mode="json"),
    Budget: find_budget("vps-1gb").model_dump(by_alias=True),
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, content: Any) -> Any:
    """A copy of nested data in which one to four places are replaced, dropped or added to."""
    copy = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 4))):
        place = copy
        while isinstance(place, dict | list) and place:
            key = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
                match draw(st.sampled_from(["replace", "drop", "add"])):
                    case "replace":
                        place[key] = draw(JUNK)
                    case "drop":
                        del place[key]
                    case _ if isinstance(place, dict):
                        place[draw(st.text(max_size=10))] = draw(JUNK)
                break
            place = inner
    return copy


@fuzz
@given(damaged(RECORD))
def test_record_reader(content: Any) -> None:
    with contextlib.suppress(RecordError):
        parse_record(json.dumps(content), where="fuzz")


@fuzz
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_record_reader_on_noise(text: str) -> None:
    with contextlib.suppress(RecordError):
        parse_record(text, where="fuzz")


@pytest.mark.parametrize("kind", SPECS)
def test_specs(kind: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"

        @fuzz
        @given(damaged(SPECS[kind]))
        def read(content: Any) -> None:
            path.write_text(yaml.safe_dump(content), encoding="utf-8")
            with contextlib.suppress(SpecError):
                read_spec(path, kind)

        @fuzz
        @given(st.binary(max_size=400))
        def read_noise(content: bytes) -> None:
            path.write_bytes(content)
            with contextlib.suppress(SpecError):
                read_spec(path, kind)

        read()
        read_noise()


MESSAGES = [
    protocol.Scored(
        items=[protocol.ItemScore(logprobs=[-1.0], greedy=[True], tokens=1, truncated=False)],
        seconds=1.0, raw_tokens=2, distinct_tokens=1,
    ),
    protocol.Generated(
        items=[protocol.ItemText(
            text="a", stop="until", prompt_tokens=3, new_tokens=1, truncated=False,
            times=protocol.RequestTimes(prefill_s=0.1, token_s=[0.1]),
        )]
    ),
    protocol.Failed(message="no", expected=True),
]  # fmt: skip


@fuzz
@given(
    st.sampled_from(MESSAGES).flatmap(
        lambda m: damaged({"type": type(m).__name__, "body": asdict(m)})
    )
)
def test_wire_messages(content: Any) -> None:
    text = json.dumps(content).encode()
    with contextlib.suppress(wire.WireError):
        wire.receive(BytesIO(struct.pack(">I", len(text)) + text))


@fuzz
@given(st.binary(max_size=200))
def test_wire_on_noise(raw: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        wire.receive(BytesIO(raw))


def _gguf() -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 2)
    pairs = string("general.architecture") + struct.pack("<I", 8) + string("llama")
    pairs += string("general.file_type") + struct.pack("<II", 4, 7)
    tensor = string("w") + struct.pack("<IQQIQ", 2, 32, 1, 8, 0)
    body = head + pairs + tensor
    return body + b"\0" * (-len(body) % 32) + b"\0" * 34


VALID = _gguf()


@st.composite
def damaged_bytes(draw: st.DrawFn) -> bytes:
    raw = bytearray(VALID)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw) - 1))
        raw[at : at + 1] = draw(st.binary(max_size=9))
    return bytes(raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw)


def test_gguf_header() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        path.write_bytes(VALID)
        assert read_header(path).architecture == "llama"

        @fuzz
        @given(damaged_bytes())
        def read(raw: bytes) -> None:
            path.write_bytes(raw)
            with contextlib.suppress(ArtifactError):
                quantisation(read_header(path))

        read()
