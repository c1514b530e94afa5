"""On which scale a metric is: what is stated, how items are put together, gold answers, names."""

from __future__ import annotations

import math

import pytest

from evals.scales import MISSING, name_odd, odd_score, scale_by_name, scale_of_metric


@pytest.mark.parametrize(
    ("metric", "aggregation", "scale"),
    [
        ("acc", "mean", "share"),
        ("acc_norm", "mean", "share"),
        ("exact_match,strict-match", "mean", "share"),
        ("prompt_level_strict_acc", "mean", "share"),
        ("pass@1", "mean", "share"),
        ("bleu", "bleu", "corpus"),
        ("f1", "f1", "corpus"),
        ("acc", "nanmean", "corpus"),
        ("acc", "", "corpus"),
        ("word_perplexity", "weighted_perplexity", "perplexity"),
        ("ppl", "perplexity", "perplexity"),
        ("bits_per_byte", "bits_per_byte", "bits_per_byte"),
        ("score", "mean", "unknown"),
        ("f1", "mean", "unknown"),
        ("accident", "mean", "unknown"),
    ],
)
def test_by_name_and_aggregation(metric: str, aggregation: str, scale: str):
    assert scale_of_metric(metric, aggregation) == scale


@pytest.mark.parametrize(
    ("gold", "scale"),
    [
        ([1.0, 1, True], "share"),
        ([1.0, 0.5], "share"),  # an item whose gold answer its own function half likes
        ([100.0, 100], "percent"),
        ([100.0, 0.9], "percent"),
        ([0.5, 0.5], "unknown"),  # never perfect: nothing is known of its best
        ([1.0, -1.0], "unknown"),
        ([7.0], "unknown"),
        ([1.0, math.nan], "unknown"),
        ([1.0, None], "unknown"),
        ([], "unknown"),
    ],
)
def test_gold_answers_show_the_best_score(gold: list[object], scale: str):
    assert scale_of_metric("overlap", "mean", gold=gold) == scale


def test_what_is_stated_wins_where_the_score_is_a_mean():
    assert scale_of_metric("overlap", "mean", stated="percent", gold=[1.0]) == "percent"
    assert scale_of_metric("bleu", "bleu", stated="percent") == "corpus"
    # A metric that is called acc and scores to 100 is told by its gold answers.
    assert scale_of_metric("acc", "mean", gold=[100.0]) == "percent"


def test_old_records_have_the_name_alone():
    assert [scale_by_name(m) for m in ("acc", "perplexity", "rouge1")] == [
        "share",
        "perplexity",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("value", "scale", "why"),
    [
        (0.0, "share", ""),
        (True, "share", ""),
        (1.5, "share", "1.5, outside 0 to 1"),
        (45.5, "percent", ""),
        (-1, "percent", "-1, outside 0 to 100"),
        (math.nan, "unknown", "NaN"),
        (-math.inf, "perplexity", "infinite"),
        ((-3.5, 7), "perplexity", ""),
        ((math.nan, 7), "bits_per_byte", "NaN"),
        (None, "share", "null"),
        (MISSING, "share", "missing"),
        ("1", "share", "no number but a str"),
        ((1, 0), "corpus", ""),
        (None, "corpus", ""),
    ],
)
def test_what_cannot_be_used_of_one_item(value: object, scale: str, why: str):
    assert odd_score(value, scale) == why  # type: ignore[arg-type]


def test_five_documents_are_named():
    odd = dict.fromkeys(range(3, 9), "NaN")
    assert name_odd("acc", odd, 40) == (
        "6 of 40 items have no usable acc: documents 3 (NaN), 4 (NaN), 5 (NaN), 6 (NaN), 7 (NaN), …"
    )
