"""Own questions from file to sentence: asked of the fake, judged, shown, exported, asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from leaderboard.pages.blocks import Heading, Items, Table, Text
from leaderboard.pages.candidate.own_questions import own_blocks
from leaderboard.runs.own_questions import own_answers
from runners.candidates.catalogue import find_candidate
from runners.cli.app_options import with_app
from runners.records.record import Record
from runners.records.store import Store
from tests.runners.cli.test_commands import Said, weighin

__all__ = ["weighin"]

QUESTIONS = """question,answer,rule,id,group,A,B
What is 6 * 7?,42,number,six,maths,,
What is 2 + 2?,4,number,two,maths,,
"Is {{ 7*7 }} a template? {% for %} <b>",The answer is 42,contains,hostile,text,,
"Which is it, say: x or y?",B,,which,text,41,42
Which is not there?,B,,none,text,41,43
All of it?,(a+)+$,regex,slow,,,
"""
"""The fake says "The answer is 42." to each: right are six, hostile and which (42 is choice B)."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a candidate and a file of questions."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "mine.csv").write_text(QUESTIONS)
    (folder / "fake.yaml").write_text(yaml.safe_dump({"name": "fake", "runtime": "fake"}))
    return folder


@pytest.fixture
def store(asked: Path, weighin: Callable[..., Said]) -> tuple[Store, Said]:
    """The store after a run; the second test finds it measured."""
    said = weighin(
        "run", str(asked / "fake.yaml"), "--questions", str(asked / "mine.csv"),
        "--budget", "hf-space-free", "--store", str(asked / "store"),
    )  # fmt: skip
    assert said.code == 0, said.err
    return Store(asked / "store"), said


def test_a_run_ends_with_how_many_are_right(store: tuple[Store, Said]):
    folder, said = store
    last = said.out.splitlines()[-4:]
    # 3 of 6, z² = 3.8415: centre 0.5, half-width 1.96 sqrt(0.25/6 + 3.8415/144) / 1.6402 = 0.312.
    assert last[0].startswith("fake: 3 of 6 right (95% interval 19 to 81%), first words after ")
    assert " (medians), peak " in last[0]
    assert " of 16 GB" in last[0]
    assert last[1] == "  maths 1 of 2, text 2 of 3"
    assert last[2] == "  no number or choice: 1 answer"
    assert last[3] == f"  the 3 wrong answers: weighin show fake --store {folder.root} --wrong"


def test_wrong_answers_are_shown_with_what_was_expected(
    store: tuple[Store, Said], weighin: Callable[..., Said]
):
    said = weighin("show", "fake", "--store", str(store[0].root), "--wrong")
    lines = said.out.splitlines()
    begin = next(i for i, line in enumerate(lines) if line == "3 wrong answers to mine")
    assert [line.split()[0] for line in lines[begin + 3 : begin + 6]] == ["two", "none", "slow"]
    assert "number: 4" in lines[begin + 3]


def test_the_record_keeps_what_was_asked_and_the_page_shows_it(store: tuple[Store, Said]):
    (record,) = [one for one in store[0].records() if isinstance(one, Record)]
    samples = store[0].answers(record)
    assert record.data[0].is_own
    assert record.data[0].sha256
    assert record.accuracy["mine"].metric == "right"
    assert record.accuracy["mine"].scale == "share"
    first = json.loads(samples.column("target")[2].as_py())
    assert first["question"] == "Is {{ 7*7 }} a template? {% for %} <b>"
    (found,) = own_answers(record, samples)
    assert (found.right, found.asked) == (3, 6)
    assert found.answers[0].first_s is not None
    blocks = [*own_blocks(found)]
    assert [type(one) for one in blocks] == [Heading, Text, Table, Text, Items]
    assert blocks[-1].rows[0]["asked"] == "What is 2 + 2?"


def test_a_dry_run_shows_the_file_and_the_first_prompt(asked: Path, weighin: Callable[..., Said]):
    questions = str(asked / "mine.csv")
    said = weighin("run", str(asked / "fake.yaml"), "--questions", questions, "--dry-run")
    assert "your questions, 6 in" in said.out
    assert "the first prompt: What is 6 * 7?" in said.out


def test_an_endless_regular_expression_is_stopped(
    tmp_path: Path, asked: Path, weighin: Callable[..., Said]
):
    text = "a" * 40 + "!"
    fake = {"name": "long", "runtime": "fake", "settings": {"fake": {"text": text}}}
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(fake))
    said = weighin(
        "run", str(tmp_path / "long.yaml"), "--questions", str(asked / "mine.csv"),
        "--store", str(tmp_path / "store"),
    )  # fmt: skip
    assert said.code == 3
    assert "the regular expression '(a+)+$' takes longer than 2 s of a processor" in said.err


def test_options_of_an_app_become_its_settings(asked: Path, weighin: Callable[..., Said]):
    app = find_candidate("gradio:owner/name")
    told = {"endpoint": "/chat", "max_items": 5}
    (found,) = with_app((app,), told)
    assert found.settings.model_dump(exclude_defaults=True) == {"space": "owner/name", **told}
    assert found.settings.most_items == 5
    (same,) = with_app((app,), {"endpoint": None, "max_items": None})
    assert same == app
    said = weighin("run", str(asked / "fake.yaml"), "--max-items", "5")
    assert said.code == 3
    assert "--max-items goes with a candidate that is an app" in said.err


def test_a_file_alone_has_no_app_run(asked: Path, weighin: Callable[..., Said]):
    (asked / "app.py").write_text("import gradio")
    content = {"name": "app", "runtime": "gradio", "weights": "app.py"}
    (asked / "app.yaml").write_text(yaml.safe_dump(content))
    refused = weighin("run", str(asked / "app.yaml"), "--dry-run")
    assert refused.code == 3
    assert "run as an app, with your rights; --trust-remote-code" in refused.err
    assert weighin("run", str(asked / "app.yaml"), "--dry-run", "--trust-remote-code").code == 0
    assert weighin("run", str(asked / "app.py"), "--dry-run").code == 0
