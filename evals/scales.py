"""On which scale a task's metric is, read from the task and never from a candidate's score.

lm-eval's metrics say neither their bounds nor whether a task's score is a mean over its items. Here
that is decided once for all candidates: by what the suite or the task's file says, by how the
items' scores are put together, by what the task's own gold answers score, and by the metric's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

Scale = Literal["share", "percent", "perplexity", "bits_per_byte", "corpus", "unknown"]
"""How a task's score is formed from its items. share, percent: mean of item scores from 0 to 1, or
0 to 100. perplexity, bits_per_byte: from the documents' log-likelihoods. corpus: over all documents
together, such as BLEU or F1. unknown: a mean whose bounds nobody gives."""
MEANS = ("share", "percent")
"""Scales whose scores can enter a mean over tasks."""
MOST = {"share": 1.0, "percent": 100.0}
"""The best score of one item."""
Stated = Literal["share", "percent"]
"""Scales that a suite's entry (`scale:`) or a task's file (`metadata: {scale: …}`) may state."""
KEY = "scale"
NAMED = 5
"""Documents that a sentence names."""

LIKELIHOODS = ("perplexity", "bits_per_byte")
"""Scales of metrics that are functions of the documents' log-likelihoods."""
UNWEIGHTED = ("perplexity",)
"""lm-eval's metrics of log-likelihoods in which every document counts the same."""
PAIRS = ("weighted_perplexity", "bits_per_byte")
"""lm-eval's aggregations of pairs: each document's log-likelihood, and its words or bytes."""
DEFAULT_AGGREGATIONS = {
    "perplexity": "perplexity",
    "word_perplexity": "weighted_perplexity",
    "byte_perplexity": "weighted_perplexity",
    "bits_per_byte": "bits_per_byte",
}
"""lm-eval's metrics of log-likelihoods, and how their documents are put together."""
_BY_AGGREGATION: dict[str, Scale] = {
    "perplexity": "perplexity",
    "weighted_perplexity": "perplexity",
    "bits_per_byte": "bits_per_byte",
}
_SHARES = re.compile(r"(.*_)?acc(uracy)?(_.*)?|exact_match|pass@[0-9]+")
"""Names that mean "share of items that are right" by convention."""


def scale_of_metric(
    metric: str,
    aggregation: str,
    *,
    stated: Stated | None = None,
    gold: Sequence[object] | None = None,
) -> Scale:
    """The scale of one metric of one task.

    Args:
        metric: as lm-eval prints it; an answer filter after a comma is left out.
        aggregation: the name of the function that puts the items' scores together.
        stated: what the suite or the task says, which wins where it is a mean of items at all.
        gold: scores of some of the task's own gold answers; None: not asked.
    """
    if aggregation in _BY_AGGREGATION:
        return _BY_AGGREGATION[aggregation]
    if aggregation != "mean":
        return "corpus"
    if stated:
        return stated
    return _best_score(gold or ()) or scale_by_name(metric)


def scale_by_name(metric: str) -> Scale:
    """Scale of a metric by the convention of its name; `unknown` where there is none.

    Perplexities are known by name, too, for records that were written before scales were.
    """
    name = metric.partition(",")[0]
    if name in DEFAULT_AGGREGATIONS:
        return _BY_AGGREGATION[DEFAULT_AGGREGATIONS[name]]
    return "share" if _SHARES.fullmatch(name) else "unknown"


def stated_scale(value: object) -> Stated | None:
    """The scale that a task's metadata states; None where its value is no scale."""
    return next((known for known in get_args(Stated) if known == value), None)


def _best_score(gold: Sequence[object]) -> Scale | None:
    """The scale on which gold answers are perfect: none scores above 1 (or 100) and one that."""
    scores = [float(score) for score in gold if isinstance(score, int | float)]
    if not scores or len(scores) < len(gold) or not all(map(math.isfinite, scores)):
        return None
    for scale in get_args(Stated):
        if math.isclose(max(scores), MOST[scale]) and min(scores) >= 0:
            return scale  # type: ignore[no-any-return]
    return None


class Missing:
    """Stands for the score of an item to which the task gave none."""


MISSING = Missing()


def odd_score(value: object, scale: Scale) -> str:
    """Why one item's score cannot be used, in a word or two; empty where it can.

    Args:
        value: a number, or of a weighted perplexity a pair of log-likelihood and weight.
        scale: the metric's; of scores that are worked out over all documents nothing is asked.
    """
    if scale == "corpus":
        return ""
    parts = value if scale in LIKELIHOODS and isinstance(value, tuple) else (value,)
    for part in parts:
        if part is None:
            return "null"
        if part is MISSING:
            return "missing"
        if not isinstance(part, int | float):
            return f"no number but a {type(part).__name__}"
        if math.isnan(part):
            return "NaN"
        if math.isinf(part):
            return "infinite"
        if scale in MOST and not 0 <= part <= MOST[scale]:
            return f"{part:g}, outside 0 to {MOST[scale]:g}"
    return ""


def name_odd(metric: str, odd: Mapping[int, str], n: int) -> str:
    """The items of a task whose score cannot be used, in words.

    Args:
        metric: the headline.
        odd: document -> what is wrong with its score; not empty.
        n: items that were answered.
    """
    named = ", ".join(f"{document} ({why})" for document, why in [*odd.items()][:NAMED])
    more = ", …" if len(odd) > NAMED else ""
    return f"{len(odd)} of {n} items have no usable {metric}: documents {named}{more}"
