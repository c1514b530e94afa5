"""Data sets of the hub, two or three made rows each, laid out and named as the real ones are."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evals.tasks.hub import hub_family
from tests.support.dataset_hub import Kept

SUMS = ("2 + 3", "4 + 4", "9 - 2")
Files = dict[str, bytes]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def readme(configs: dict[str, dict[str, str]]) -> bytes:
    """The head of a data set's page, which names the file of each split of each configuration."""
    lines = ["---", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split, path in splits.items():
            lines += [f"  - split: {split}", f"    path: {path}"]
    return "\n".join([*lines, "---", ""]).encode()


def truthful_qa(what: str) -> Files:
    rows = [
        {
            "question": f"{what} {i}?",
            "mc1_targets": {"choices": [f"true {i}", "false a", "false b"], "labels": [1, 0, 0]},
            "mc2_targets": {
                "choices": [f"true {i}", "true too", "false a", "false b"], "labels": [1, 1, 0, 0],
            },
        }
        for i in range(3)
    ]  # fmt: skip
    path = "multiple_choice/validation-00000-of-00001.parquet"
    return {"README.md": readme({"multiple_choice": {"validation": path}}), path: parquet(rows)}


def mgsm(what: str) -> Files:
    files, configs = {}, {}
    for language in ("en", "de"):
        shots = [{"question": "Frage: 1 + 1?", "answer": "Schritt-für-Schritt-Antwort: Es sind 2.",
                  "answer_number": 2, "equation_solution": "1 + 1 = 2."}]  # fmt: skip
        rows: list[dict[str, Any]] = [
            {"question": f"{what}: {one}?", "answer": None, "answer_number": 100 + i,
             "equation_solution": None}
            for i, one in enumerate(SUMS)
        ]  # fmt: skip
        splits = {"train": shots, "test": rows}
        configs[language] = {s: f"{language}/{s}-00000-of-00001.parquet" for s in splits}
        files |= {configs[language][split]: parquet(found) for split, found in splits.items()}
    return {"README.md": readme(configs), **files}


def belebele(what: str) -> Files:
    files, configs = {}, {}
    for language in ("eng_Latn", "deu_Latn"):
        rows = [
            {"link": "l", "question_number": i, "flores_passage": f"{what}: {one}.",
             "question": "How many? ", "mc_answer1": "1", "mc_answer2": "2", "mc_answer3": "3",
             "mc_answer4": "4", "correct_answer_num": str(i + 1), "dialect": language, "ds": "d"}
            for i, one in enumerate(SUMS)
        ]  # fmt: skip
        path = f"data/{language}.jsonl"
        configs[language] = {"test": path}
        files[path] = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return {"README.md": readme(configs), **files}


def mmlu_pro(what: str) -> Files:
    def rows(category: str, count: int) -> list[dict[str, Any]]:
        return [
            {"question_id": i, "question": f"{what} of {category}: {i}?",
             "options": [str(n) for n in range(10)], "answer": "ABCDEFGHIJ"[i], "answer_index": i,
             "cot_content": f"A: Let's think step by step. The answer is ({'ABCDEFGHIJ'[i]}).",
             "category": category, "src": "made"}
            for i in range(count)
        ]  # fmt: skip

    paths = {one: f"data/{one}-00000-of-00001.parquet" for one in ("test", "validation")}
    return {
        "README.md": readme({"default": paths}),
        paths["test"]: parquet([*rows("math", 3), *rows("law", 2)]),
        paths["validation"]: parquet([*rows("math", 5), *rows("law", 5)]),
    }


def bbh(what: str) -> Files:
    rows = [{"input": f"{what}: not {one} is", "target": str(not one)} for one in (True, False)]
    path = "boolean_expressions/test-00000-of-00001.parquet"
    return {"README.md": readme({"boolean_expressions": {"test": path}}), path: parquet(rows)}


def gpqa(what: str) -> Files:
    stream = io.StringIO()
    heads = ["Question", "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2",
             "Incorrect Answer 3", "Subdomain", "Record ID"]  # fmt: skip
    table = csv.writer(stream)
    table.writerow(heads)
    for i in range(8):
        table.writerow([f"{what} {i}?", f" right {i} ", "wrong a", "wrong b [title]", "wrong c",
                        "Physics", f"rec{i}"])  # fmt: skip
    return {"README.md": readme({"gpqa_main": {"train": "gpqa_main.csv"}}),
            "gpqa_main.csv": stream.getvalue().encode()}  # fmt: skip


MADE = {
    "truthfulqa": truthful_qa, "mgsm": mgsm, "belebele": belebele, "mmlu_pro": mmlu_pro,
    "bbh": bbh, "gpqa": gpqa,
}  # fmt: skip
"""Family -> a function that makes its files, whose questions begin with a word."""


def repositories() -> dict[str, Kept]:
    """Each family's repository: the pinned commit, and a newer one that asks otherwise."""
    found = {}
    for name, made in MADE.items():
        family = hub_family(name)
        assert family is not None
        kept = Kept(private=False)
        kept.commits.append((family.revision or "a" * 40, made("Pinned")))
        if family.revision:
            kept.commits.append(("b" * 40, made("Newer")))
        found[f"datasets/{family.dataset}"] = kept
    return found
