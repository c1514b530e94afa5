"""A result for a model's page: whole tasks of its own weights, read by the hub's own parser."""

from __future__ import annotations

import pytest
import yaml

from evals.errors import RecordError, SpecError
from runners.hub.proposal import (
    BEGIN,
    END,
    Benchmark,
    open_request,
    parse_benchmark,
    propose,
    with_table,
)
from runners.hub.repository import Repository
from runners.records.record import Record, TaskAccuracy
from tests.runners.records.test_store import record as example
from tests.support.dataset_hub import Kept, State

MODEL = Repository(name="org/model-gguf")
GSM = Benchmark(task="gsm8k", dataset="openai/gsm8k", task_id="gsm8k")


def measured(source: str = "hf:org/model-gguf#m.gguf", documents: int | None = 1000) -> Record:
    """A run of all of gsm8k: 412 of 1,000 right."""
    one = example("20260101T000000-a-11111111")
    accuracy = TaskAccuracy(
        group="gsm8k", metric="exact_match", value=0.412, stderr=0.01, n=1000, asked=1000,
        chance=None, num_fewshot=4, higher_is_better=True, metrics={"exact_match": 0.412},
        scale="share", documents=documents,
    )  # fmt: skip
    about = one.candidate.model_copy(update={"source": source, "made_from": None})
    suite = one.suite.model_copy(update={"tasks": [{"task": "gsm8k"}]})
    data = [one.data[0].model_copy(update={"task": "gsm8k", "source": "packaged", "note": ""})]
    parts = {"candidate": about, "suite": suite, "accuracy": {"gsm8k": accuracy}, "data": data}
    return one.model_copy(update=parts)


def test_the_hubs_own_parser_reads_what_is_written() -> None:
    from huggingface_hub import parse_eval_result_entries

    proposal = propose(measured(), MODEL, [GSM], "percent")
    ((path, text),) = proposal.files.items()
    assert path.startswith(".eval_results/gsm8k_")
    (entry,) = parse_eval_result_entries(yaml.safe_load(text))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("openai/gsm8k", "gsm8k", 41.2)
    assert "4-shot, 1000 items" in str(entry.notes)
    assert entry.verify_token is None
    assert "verified" not in text


def test_the_scale_is_the_benchmarks() -> None:
    text = next(iter(propose(measured(), MODEL, [GSM], "share").files.values()))
    assert yaml.safe_load(text)[0]["value"] == 0.412


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (measured(documents=1319), "1,000 of 1,319 items are a subset, which is no official"),
        (measured(documents=None), "of an unknown number of items are a subset"),
        (measured("hf:org/other#m.gguf"), "not those of org/model-gguf"),
        (measured("pypi:x==1#m.gguf"), "not those of org/model-gguf"),
        (measured("/home/me/m.gguf"), "not those of org/model-gguf"),
    ],
)
def test_what_is_not_official_is_refused(record: Record, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        propose(record, MODEL, [GSM], "percent")


def test_own_data_and_missing_tasks_are_refused() -> None:
    one = measured()
    own = one.model_copy(update={"data": [one.data[0].model_copy(update={"source": "folder"})]})
    with pytest.raises(RecordError, match="its data are not the official ones"):
        propose(own, MODEL, [GSM], "percent")
    other = Benchmark(task="mmlu", dataset="cais/mmlu", task_id="mmlu")
    with pytest.raises(RecordError, match="has no score of mmlu; it has: gsm8k"):
        propose(one, MODEL, [other], "percent")


@pytest.mark.parametrize("text", ["gsm8k", "gsm8k=openai/gsm8k", "a=b:c", "=o/d:t", ""])
def test_a_benchmark_has_a_form(text: str) -> None:
    with pytest.raises(SpecError, match="TASK=OWNER/DATASET:TASK_ID"):
        parse_benchmark(text)


def test_a_table_takes_the_place_of_an_earlier_one() -> None:
    first = with_table("# Model\n\nText.\n", "| 1 |")
    assert first.startswith("# Model\n\nText.\n\n" + BEGIN)
    second = with_table(first + "\nMore.\n", "| 2 |")
    assert second.count(BEGIN) == second.count(END) == 1
    assert "| 1 |" not in second
    assert second.endswith("\nMore.\n")
    assert with_table("", "| 1 |").startswith(BEGIN)


def test_it_is_opened_as_a_pull_request_and_changes_nothing(hub: State) -> None:
    kept = hub.repositories["models/org/model-gguf"] = Kept(private=False)
    kept.add({"README.md": b"# Model\n"})
    proposal = propose(measured(), MODEL, [GSM], "percent")
    address = open_request(MODEL, proposal, "Add results")
    assert address.endswith("/discussions/1")
    ((repository, files),) = hub.requests
    assert repository == "models/org/model-gguf"
    assert set(files) == {*proposal.files, "README.md"}
    assert files["README.md"].startswith(b"# Model\n\n" + BEGIN.encode())
    assert kept.files == {"README.md": b"# Model\n"}
