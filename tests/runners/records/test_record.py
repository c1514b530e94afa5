"""A record as JSON: there and back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RecordError
from runners.records.identity import digest
from runners.records.reading import parse_record
from runners.records.record import SCHEMA_VERSION, Record
from tests.support.records import IMPOSSIBLE, replaced

EXAMPLES = sorted((Path(__file__).parents[2] / "data" / "records").glob("v*/record.json"))


def example(**changes: Any) -> str:
    content = json.loads(EXAMPLES[-1].read_text(encoding="utf-8"))
    return json.dumps({**content, **changes})


def holds(whole: Any, part: Any) -> bool:
    """Whether every key and value of `part` is in `whole`."""
    if isinstance(part, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


STORED = sorted((Path(__file__).parents[3] / "results").glob("*/*/record.json"))


@pytest.mark.parametrize("path", [*EXAMPLES, *STORED], ids=lambda path: path.parent.name)
def test_circumstances_are_written_as_they_were_read(path: Path):
    """An early record lacks keys of today: they are not invented when it is written again."""
    content = json.loads(path.read_text(encoding="utf-8"))
    again = json.loads(parse_record(json.dumps(content), where="here").model_dump_json())
    for key in ("machine", "software", "budget", "verdict", "noise", "imported"):
        # As text, so that the order of keys counts.
        assert json.dumps(again[key]) == json.dumps(content.get(key)), key


def test_keys_that_are_not_known_are_kept_in_circumstances():
    given = {
        "budget": {"name": "b", "cpus": 2.0, "enforced": {"cpus": "jail"}, "note": "n", "x": [1]},
        "imported": {"from": "lm-eval 0.4", "files": ["a"], "lacks": "times", "y": {"z": None}},
        "verdict": {"verdict": "fits", "reason": "", "of": "tomorrow"},
    }
    record = parse_record(example(**given), where="here")
    assert record.budget
    assert record.budget.enforced
    assert (record.budget.cpus, record.budget.enforced.cpus) == (2.0, "jail")
    assert record.imported
    assert record.imported.source == "lm-eval 0.4"
    for again in (json.loads(record.model_dump_json()), record.model_dump(mode="json")):
        assert {key: again[key] for key in given} == given


def test_every_schema_has_an_example():
    assert [path.parent.name for path in EXAMPLES] == [
        f"v{number}" for number in range(1, SCHEMA_VERSION + 1)
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_records_of_every_schema_still_load(path: Path):
    text = path.read_text(encoding="utf-8")
    record = parse_record(text, where=str(path))
    assert (record.status, record.candidate.runtime) == ("completed", "fake")
    assert set(record.memory.phases if record.memory else ()) == {
        "baseline", "load", "latency", "scoring", "generation",
    }  # fmt: skip
    kept = json.loads(text)
    del kept["candidate"]["digest"]  # made anew (test_identity.py)
    assert holds(record.model_dump(mode="json"), kept)  # nothing is lost


def test_there_and_back():
    record = parse_record(example(), where="here")
    assert parse_record(record.model_dump_json(), where="there") == record


def test_keys_of_a_later_minor_version_are_kept():
    record = parse_record(example(weather="rain"), where="here")
    assert json.loads(record.model_dump_json())["weather"] == "rain"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"^r\.json: damaged: not JSON"),
        ('{"schema_version": 1,', r"^r\.json: damaged: not JSON"),
        ("[" * 100_000, r"^r\.json: damaged: not JSON"),
        ("[]", r"^r\.json: not a record of Weighin"),
        ("null", r"^r\.json: not a record of Weighin"),
        ('{"name": "left-pad"}', r"^r\.json: not a record of Weighin"),
        ('{"schema_version": "1"}', r"^r\.json: not a record of Weighin"),
        ('{"schema_version": true}', r"^r\.json: not a record of Weighin"),
        (f'{{"schema_version": {SCHEMA_VERSION + 1}}}', r"schema \d is newer .*; upgrade weighin"),
        ('{"schema_version": 0}', r"damaged: schema_version: "),
        ('{"schema_version": 1}', r"damaged: run_id: Field required"),
    ],
)
def test_what_is_no_record_is_one_line(text: str, says: str):
    with pytest.raises(RecordError, match=says) as caught:
        parse_record(text, where="r.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"status": "great"}, "status"),
        ({"run_id": "../../etc/passwd"}, "run_id"),
        ({"run_id": "20260101T000000-a/b"}, "run_id"),
        ({"job": {"key": "k"}}, "job.batch"),
        ({"accuracy": {"t": {"group": "t"}}}, "accuracy.t.metric"),
        ({"memory": {"source": "s", "phases": {"lunch": {"peak_bytes": 1}}}}, "memory.phases"),
    ],
)
def test_damage_is_named_by_its_place(changes: dict[str, Any], place: str):
    with pytest.raises(RecordError, match=f"here: damaged: {place}"):
        parse_record(example(**changes), where="here")


@pytest.mark.parametrize(("place", "value"), IMPOSSIBLE)
def test_what_no_measurement_gives_is_refused_by_its_place(place: str, value: Any):
    content = replaced(json.loads(example()), place.split("."), value)
    last = place.replace("*", ".*").replace(".0", r"\.0")
    with pytest.raises(RecordError, match=rf"^here: damaged: {last}") as caught:
        parse_record(json.dumps(content), where="here")
    assert "(found " in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_text_that_is_none_is_made_one():
    """A file name that is no UTF-8, as Python's JSON writes it."""
    record = parse_record(example(command="weighin run \udcff"), where="here")
    assert record.command == "weighin run \\udcff"
    assert parse_record(record.model_dump_json(), where="there") == record


def test_a_record_does_not_change():
    record = parse_record(example(), where="here")
    with pytest.raises(ValueError, match="frozen"):
        record.status = "failed"
    assert isinstance(record, Record)


def test_a_digest_is_of_the_content_not_of_its_order():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    # printf '[1,"\\u00e9"]' | sha256sum
    assert digest([1, "é"]) == "0b6a5f26fa54149f"
