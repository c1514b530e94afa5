"""What lm-eval's files say of a metric: items, scale, and what cannot be used."""

from __future__ import annotations

import math
from typing import Any

import pytest

from runners.exchange.lm_eval_metrics import item_metrics, scale_of_result, unusable_result

ACC = {"metric_list": [{"metric": "acc", "aggregation": "mean"}]}
PPL = {"metric_list": [{"metric": "word_perplexity", "aggregation": "weighted_perplexity"}]}


def test_the_items_of_one_line():
    line = {"filter": "none", "metrics": ["acc", "f1"], "acc": 1, "f1": [0, 1]}
    assert item_metrics(line, ACC) == {"metrics": {"acc": 1.0}, "weights": {}}
    line = {"filter": "none", "metrics": ["word_perplexity"], "word_perplexity": [-12.5, 4]}
    found = {"metrics": {"word_perplexity": -12.5}, "weights": {"word_perplexity": 4.0}}
    assert item_metrics(line, PPL) == item_metrics(line, {}) == found
    line = {"filter": "strict", "metrics": ["exact_match"], "exact_match": 0.0}
    assert item_metrics(line, {})["metrics"] == {"exact_match,strict": 0.0}


@pytest.mark.parametrize(
    ("config", "headline", "mean", "scale"),
    [
        (ACC, "acc", True, "share"),
        (ACC, "acc", False, "corpus"),  # lm-eval's value is not the mean of the rows
        ({}, "exact_match,strict", True, "share"),
        (PPL, "word_perplexity", False, "perplexity"),
        ({}, "bits_per_byte", False, "bits_per_byte"),
        ({"metric_list": [{"metric": "bleu", "aggregation": "bleu"}]}, "bleu", False, "corpus"),
        ({"metric_list": [{"metric": "acc", "aggregation": "<function>"}]}, "acc", True, "corpus"),
        ({"metadata": {"scale": "percent"}}, "score", True, "percent"),
        ({"metadata": {"version": 1.0}}, "score", True, "unknown"),
    ],
)
def test_the_scale_of_a_result(config: dict[str, Any], headline: str, mean: bool, scale: str):
    assert scale_of_result(config, headline, mean=mean) == scale


def test_rows_without_a_usable_score_are_named():
    rows = [
        {"doc_id": number, "metrics": metrics}
        for number, metrics in enumerate([{"acc": 1.0}, {}, {"acc": math.nan}, {"acc": 30.0}])
    ]
    assert unusable_result("acc", 0.5, "share", rows, 4) == (
        "3 of 4 items have no usable acc: documents 1 (missing), 2 (NaN), 3 (30, outside 0 to 1)"
    )
    assert unusable_result("acc", 0.5, "share", rows[:1], 1) == ""
    assert unusable_result("acc", None, "share", [], 4) == "its acc is no finite number"
