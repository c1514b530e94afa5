"""Files of questions: what is read, and how a wrong row is named."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import SpecError
from evals.questions.question import Question
from evals.questions.reading import read_questions, task_name


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str | bytes, name: str = "mine.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def refused(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read_questions(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def test_every_column_of_a_csv(write):
    path = write(
        'Question,Answer,answer_2,Rule,id,group,notes\n'
        '"Capital of France, today?",Paris,paris city,,q1,geo,easy\n'
        "\n"
        '"Two\nlines",42,,number,q2,maths,\n'
    )  # fmt: skip
    assert read_questions(path).questions == (
        Question(line=2, text="Capital of France, today?", accepted=("Paris", "paris city"),
                 rule="contains", id="q1", group="geo"),
        Question(line=4, text="Two\nlines", accepted=("42",), rule="number", id="q2",
                 group="maths"),
    )  # fmt: skip


def test_choices_stand_in_columns_or_in_one_cell(write):
    by_letter = write("question,answer,A,B,C\nWhere?,B,York,Paris,\n")
    (one,) = read_questions(by_letter).questions
    assert (one.rule, one.choices, one.accepted) == ("choice", ("York", "Paris"), ("B",))
    assert one.prompt == "Where?\nA. York\nB. Paris\nAnswer with one letter, A to B."
    in_one = write("question;answer;choices\nWhere?;paris;York | Paris\n")
    assert read_questions(in_one).questions[0].accepted == ("B",)
    row = {"question": "Where?", "answer": "A", "choices": ["York", "Paris"]}
    assert read_questions(write(json.dumps(row), "m.jsonl")).questions[0].accepted == ("A",)


def test_jsonl_has_numbers_and_lists(write):
    rows = [
        {"question": "2 + 2?", "answer": 4, "rule": "number"},
        {"Question": "Capital?", "answer": ["Paris", "Lutetia"]},
    ]
    path = write("\n\n".join(map(json.dumps, rows)), "m.jsonl")
    first, second = read_questions(path).questions
    assert (first.accepted, first.line) == (("4",), 1)
    assert (second.accepted, second.line) == (("Paris", "Lutetia"), 3)


def test_the_same_content_is_the_same_whoever_saved_it(write):
    plain = read_questions(write("question,answer\na,b\n"))
    marked = read_questions(write(b"\xef\xbb\xbfquestion,answer\na,b\n", "other.csv"))
    assert plain.sha256 == marked.sha256
    assert plain.questions == marked.questions
    assert read_questions(write("question,answer\na,c\n")).sha256 != plain.sha256


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",b", "line 2 has no question"),
        ("a,", "line 2 has no answer"),
        ("a,b,contain", 'line 2 has the rule "contain" (did you mean "contains"?)'),
        ("a,four,number", 'line 2 has the answer "four", which is no number (42, or 9.81 ± 0.05)'),
        ("a,(,regex", "line 2 has an answer that is no regular expression (missing ), "
         "unterminated subpattern at position 0)"),
        ("a,b,choice", "line 2 has the rule choice, but no choices"),
        ("a,b,,x|x", "line 2 has the same choice twice"),
        ("a,z,,x|y", 'line 2 has the answer "z", which is none of its choices'),
        ("a,x,,x|", "line 2 has 2 choices, or an empty one; give 2 to 26"),
        ("a\0,b", "line 2 has a question with a NUL or half a surrogate pair"),
        ("a,b,c,d,e", "line 2 has 5 cells, the first row 4; put a text that holds a comma into "
         'quotes: "one, two"'),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_by_its_line(write, row: str, why: str):
    assert refused(write(f"question,answer,rule,choices\n{row}\n")) == why


def test_several_wrong_rows_are_named_together(write):
    said = refused(write("question,answer\n" + "a,\n" * 7))
    assert said.startswith("line 2 has no answer; line 3 has no answer; ")
    assert said.endswith("; and 2 more rows")


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("", "m.csv", "has no questions; a row has at least a question and an answer"),
        ("question,anwser\na,b", "m.csv", 'has no column "answer"; rename "anwser" (its first row '
         "names: question, anwser)"),
        ("question,answer,rules\na,b,exact", "m.csv", 'column "rules" is unknown (did you mean '
         '"rule"?)'),
        ("question,answer,answer\na,b,c", "m.csv", 'column "answer" is there twice'),
        ('question,answer\n"a,b', "m.csv", "line 2 is not CSV (unexpected end of data)"),
        ("[1]\n", "m.jsonl", "line 1 is no object of keys and values"),
        ('{"question": "a"', "m.jsonl", "line 1 is not JSON (Expecting ',' delimiter: line 1 "
         "column 17 (char 16))"),
        ('{"question": ["a"], "answer": "b"}', "m.jsonl", "line 1 has a question that is no text "
         "but a list"),
        ('{"question": "\\ud800", "answer": "b"}', "m.jsonl", "line 1 has a question with a NUL or "
         "half a surrogate pair"),
        ('{"question": "a", "answer": "b", "id": 1}\n' * 2, "m.jsonl", 'line 2 has the id "1" of '
         "line 1"),
        (b"question,answer\n\xff,b", "m.csv", "is not UTF-8 (byte 16); save it as UTF-8 (Excel: "
         "CSV UTF-8)"),
        ("a", "m.xlsx", "questions are a .csv, .tsv or .jsonl file"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_what_is_wrong(write, text: str | bytes, name: str, why: str):
    assert refused(write(text, name)) == why


def test_a_missing_file_is_one_line(tmp_path: Path):
    assert refused(tmp_path / "m.csv") == "cannot be read (No such file or directory)"


@given(st.binary(max_size=300), st.sampled_from(["m.csv", "m.tsv", "m.jsonl"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content: bytes, name: str):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(b"question,answer\n" + content)
    with contextlib.suppress(SpecError):
        assert read_questions(path).questions


def test_a_task_is_named_after_its_file():
    assert task_name(Path("My Questions (v2).csv")) == "my-questions-v2"
    assert task_name(Path("質問.csv")) == "questions"
