"""The table of samples: columns, types, and no prompt unless it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from runners.records.samples import sample_table

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

STRINGS = ("task", "item", "target", "passage", "answer", "stop")
LIKELIHOODS = ["perplexity", "word_perplexity", "bits_per_byte"]
METRICS = ["acc", "acc_norm", "exact_match,number", "exact_match,whole"]


def table(bench: Bench, **given: bool) -> pa.Table:
    (outcome,) = bench.outcomes(bench.fake(pick=1), **given)
    return bench.store.samples(outcome.record.run_id)


def test_columns_and_their_types(bench: Bench):
    schema = table(bench).schema
    expected = {
        **dict.fromkeys(STRINGS, pa.string()),
        **dict.fromkeys(("doc_id", "tokens", "prompt_tokens", "first_text"), pa.int32()),
        **dict.fromkeys(("logprobs", "plain_logprobs"), pa.list_(pa.float32())),
        "greedy": pa.list_(pa.bool_()),
        "truncated": pa.bool_(),
        "prefill_s": pa.float32(),
        "token_s": pa.list_(pa.float32()),
        # A perplexity's item is a log-likelihood, and what the metric divides it by.
        **{f"metric.{name}": pa.float32() for name in [*METRICS, *LIKELIHOODS]},
        **{f"weight.{name}": pa.float64() for name in LIKELIHOODS},
    }
    found = {name: schema.field(name).type.equals(kind) for name, kind in expected.items()}
    assert all(found.values()), found
    assert set(schema.names) == set(expected)


def test_a_row_an_item_in_the_tasks_order(bench: Bench):
    rows = table(bench).to_pylist()
    kinds = ("tiny_choice", "tiny_cloze", "tiny_prose", "tiny_answer")
    assert [(r["task"], r["doc_id"]) for r in rows] == [(k, n) for k in kinds for n in range(12)]
    choice, cloze, prose, text = (rows[n * 12] for n in range(4))
    # The fake: -1 a character, -0.001 where it picks; each choice has 4, as " yes".
    assert choice["logprobs"] == pytest.approx([-4, -0.004, -4])
    assert choice["greedy"] == [False, True, False]
    assert (choice["tokens"], choice["target"], choice["metric.acc"]) == (12, "1", 1.0)
    assert (choice["answer"], choice["token_s"], choice["prefill_s"]) == (None, None, None)
    # "43": lm-eval puts no space before a likelihood's target
    assert (cloze["logprobs"], cloze["greedy"]) == (pytest.approx([-0.002]), [True])
    assert cloze["metric.perplexity"] == pytest.approx(-0.002)
    assert (prose["logprobs"], prose["greedy"]) == ([-3.0], [False])  # "One short line." -1 a word
    assert (text["answer"], text["stop"]) == ("The answer is 42.", "end of sequence")
    assert (text["tokens"], len(text["token_s"]), text["logprobs"]) == (4, 4, None)
    assert text["prompt_tokens"] == 4  # "tiny_answer: is 0 even?"
    assert text["prefill_s"] == text["token_s"][0] > 0
    assert (text["metric.exact_match,number"], text["metric.acc"]) == (0.0, None)  # 0: "43"


def test_prompts_are_kept_when_they_are_asked_for(bench: Bench):
    kept = table(bench, keep_prompts=True)
    assert kept.column("prompt")[0].as_py() == "tiny_choice: is 0 even?"
    assert kept.column("prompt")[36].as_py() == "tiny_answer: is 0 even?"
    assert kept.schema.field("prompt").type.equals(pa.string())


def test_no_rows(tmp_path: Path):
    assert sample_table([]).num_rows == 0


def test_a_metric_that_one_task_lacks_is_null_there():
    rows = [
        {"task": "a", "doc_id": 0, "metrics": {"acc": 1.0}},
        {"task": "b", "doc_id": 0, "metrics": {"f1": 0.5}},
    ]
    found = sample_table(rows)
    assert found.column("metric.acc").to_pylist() == [1.0, None]
    assert found.column("metric.f1").to_pylist() == [None, 0.5]
