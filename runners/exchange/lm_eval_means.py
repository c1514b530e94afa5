"""Which of lm-eval's metrics are means of items' scores, and how sure such a mean is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MEANS = ("acc", "acc_norm", "acc_bytes", "exact_match")
"""What lm-eval takes the mean of where a task does not say how it is aggregated."""


def is_mean(config: Mapping[str, Any], headline: str) -> bool:
    """Whether a task's settings say that a metric is the mean of its items' scores."""
    metric = headline.partition(",")[0]
    named = [one for one in config.get("metric_list") or () if one.get("metric") == metric]
    given = named[0].get("aggregation") if named else None
    return bool(given == "mean" or (given is None and metric in MEANS))


def mean_stderr(scores: list[float], value: float | None, *, known: bool) -> float | None:
    """Of a mean, whose value is then held against the rows; None where it is not known to be one
    and lm-eval's value is not the mean of the samples' scores.
    """
    if len(scores) < 2 or value is None:
        return None
    mean = math.fsum(scores) / len(scores)
    if not known and not math.isclose(mean, value, rel_tol=1e-6, abs_tol=1e-9):
        return None
    variance = math.fsum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
    return math.sqrt(variance / len(scores))
