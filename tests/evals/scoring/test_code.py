"""Code out of answers, and how many of them pass."""

from __future__ import annotations

import pytest

from evals.scoring.code import Code, CodeOptions, code_of, pass_at_k
from evals.scoring.scorer import Means

BODY = "    return a + b"
WHOLE = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("answer", "opened", "code"),
    [
        (f"{BODY}\n```\nThis adds.", True, f"{BODY}\n"),
        (BODY, True, BODY),
        (f"{BODY}\n```\nUse:\n```\ndef main():\n    add(1, 2)\n```", True, f"{BODY}\n"),
        (f"```python\n{WHOLE}\n```", True, WHOLE),  # begun anew
        (f"Here it is:\n```python\n{WHOLE}\n```", True, WHOLE),
        (f"add = lambda a, b: a + b\n```\nUse:\n```python\n{WHOLE}\n```", True,
         "add = lambda a, b: a + b\n"),
        (f"Sure!\n```python\n{WHOLE}\n```\nIt adds.", False, WHOLE),
        (f"First:\n```bash\npip install x\n```\nthen\n```\n{WHOLE}\n```", False, WHOLE),
        (f"```py\n{WHOLE}", False, WHOLE),  # cut by length
        (WHOLE, False, WHOLE),
        ("", True, ""),
    ],
    ids=["body", "no end", "body and more", "anew", "after a sentence", "lambda", "chat",
         "command first", "cut",
         "bare", "nothing"],
)  # fmt: skip
def test_the_code_of_an_answer(answer: str, opened: bool, code: str) -> None:
    assert code_of(answer, opened=opened) == code


def test_pass_at_k_is_unbiased() -> None:
    # Of 5 answers 2 pass. At least one of 3: 1 - C(3,3)/C(5,3) = 1 - 1/10; of 1: 2/5.
    assert pass_at_k(5, 2, 3) == pytest.approx(0.9)
    assert pass_at_k(5, 2, 1) == pytest.approx(0.4)
    assert pass_at_k(5, 0, 5) == 0
    assert pass_at_k(5, 1, 5) == 1
    # All pairs of 4 answers with 1 right: 3 of 6 hold it.
    assert pass_at_k(4, 1, 2) == pytest.approx(3 / 6)


def test_answers_are_put_between_what_comes_before_and_the_tests() -> None:
    programs: list[str] = []

    def execute(program: str) -> bool:
        programs.append(program)
        return "right" in program

    scorer = Code(options=CodeOptions(before="prompt", opened=True, k=(1, 2)))
    doc = {"prompt": "def f():", "tests": "assert f()"}
    answers = ["    right\n```", "    wrong", "    wrong", "    right"]
    means = Means(execute=execute, search=lambda pattern, text: False)
    # 2 of 4 pass: pass@1 = 1/2, pass@2 = 1 - C(2,2)/C(4,2) = 5/6.
    assert scorer(doc, answers, means) == {"pass@1": 0.5, "pass@2": pytest.approx(5 / 6)}
    assert programs[1] == "def f():\n    wrong\n\nassert f()"
    assert (scorer.metrics, scorer.answers) == (("pass@1", "pass@2"), 2)


def test_the_usual_ks_are_one_and_all_answers() -> None:
    assert Code(options=CodeOptions()).metrics == ("pass@1",)
    assert Code(options=CodeOptions(), repeats=5).metrics == ("pass@1", "pass@5")
