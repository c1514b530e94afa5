"""Answers of the most characters that are read, made to be slow or to raise: every scorer ends.

A process of its own judges them all, so that one that does not end fails here and hangs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evals.questions.rules import chosen
from evals.scoring.code import code_of
from evals.scoring.scorer import MOST_TEXT as N
from evals.scoring.scorer import Means
from evals.scoring.table import SCORERS, find_scorer
from evals.scoring.written_calls import MOST_SCANNED, _bracketed, _closing

ROOT = Path(__file__).parents[3]
LONG_S = 120
FORM = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
DOC = {
    "functions": json.dumps([{"name": "f", "parameters": FORM}]),
    "truth": json.dumps({"f": {"a": [1]}}),
    "nothing": "",
    "form": json.dumps(FORM),
    "answers": ["Paris", "the city"],
    "none": [],
    "yes": ["yes"],
    "values": ["4815162", "Paris"],
    "answer": "42",
    "tests": "assert f(1)",
}
TOLD = (
    "calls", {"calls": {"truth": "nothing"}}, "schema", "spans", {"spans": {"accepted": "none"}},
    {"spans": {"accepted": "yes"}}, "found", "rule", {"rule": {"rule": "exact"}},
    {"rule": {"rule": "number"}}, "code", {"code": {"opened": True}},
)  # fmt: skip
REPEATED = (
    " ", "\n", " \n", "\t", "`", "``` ", "```\n", "```json", "<tool_call>", "(", "[", "{", '{"a":',
    "f(", "f('", 'f("', "f(a=", "f(a=[", "f(\n", "f().", "f()", "f(a=1)", "x = f(1)\n", "a.", "a ",
    "a", "def ", "async ", "async\n", "def f(", "no ", "no function ", "not ", "answer ",
    "answer:", "the ", "text does not ", "none", "1,111", "1.", "9", "-", "+-", "0x", "'", "\\",
    "\0", "\ud800", "\N{LATIN SMALL LIGATURE FFI}", "yes ", "A) ", "# ",
)  # fmt: skip
WHOLE = (
    '{"a":' + " " * N + "1}",
    "```json" + " " * N,
    "```json\n" + " " * N + "1```",
    "f(" * (N // 3) + ")" * (N // 3),
    "f(a=" * (N // 5) + "1" + ")" * (N // 5),
    " ".join(f"f(a={n})" for n in range(N // 10)),
    "f(a=0x" + "f" * N + ")",
    "Say f(a=0x" + "f" * (N // 2) + ") so.",
    "f(a=1" + "0" * 400 + ")",
    '{"a": 1' + "0" * 400 + "}",
    '{"a": 1e999}',
    "f(a=" + "1+" * (N // 3) + "1)",
    "f(a=" + "-" * (N // 2) + "1)",
    "f(a={[1]: 2})",
    "f(a={{}})",
    "a." * (N // 3) + "f(a=1)",
    "answer" + " " * N,
    "async" + " " * N,
    "x" + "\n" * N + "=",
    '{"name": "f", "arguments": "' + "[" * (N // 2) + '"}',
)
MEANS = Means(execute=lambda _: False, search=lambda *_: False)


def judge_all() -> None:
    """Every answer by every scorer; a metric is a share."""
    answers = [*((one * N)[:N] for one in REPEATED), *WHOLE]
    scorers = [find_scorer(told, "t") for told in TOLD]
    assert not [scorer.fault_of(DOC) for scorer in scorers if scorer.fault_of(DOC)]
    for answer in answers:
        for scorer in scorers:
            assert all(0 <= value <= 1 for value in scorer(DOC, [answer], MEANS).values())
        chosen(answer, ["yes", "no"])


def test_every_scorer_ends_on_answers_made_to_be_slow() -> None:
    assert {next(iter(one)) if isinstance(one, dict) else one for one in TOLD} == set(SCORERS)
    command = "from tests.evals.scoring.test_adversaries import judge_all; judge_all()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", command],
        cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("piece", ["f(", "f('", "f(a=[", "f(\n"])
def test_brackets_that_never_close_are_looked_for_in_bounds(
    monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    scanned = 0

    def counted(text: str, opening: int) -> int:
        nonlocal scanned
        scanned += len(text) - opening
        return _closing(text, opening)

    monkeypatch.setattr("evals.scoring.written_calls._closing", counted)
    assert not [*_bracketed((piece * N)[:N])]
    assert scanned <= MOST_SCANNED + N


def test_code_is_found_as_before_where_lines_are_empty() -> None:
    answer = "```\nls\n```\n```\n\n\n  \n   async  def f():\n    pass\n```"
    assert code_of(answer, opened=False).strip().startswith("async  def f")
