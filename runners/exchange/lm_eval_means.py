"""Recognise lm-eval's metrics that are means of item scores, and give their standard errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MEANS = ("acc", "acc_norm", "acc_bytes", "exact_match")
"""Metrics that lm-eval averages where a task does not say how it aggregates."""


def is_mean(config: Mapping[str, Any], headline: str) -> bool:
    """True if a task's settings make a metric the mean of its items' scores."""
    metric = headline.partition(",")[0]
    named = [one for one in config.get("metric_list") or () if one.get("metric") == metric]
    given = named[0].get("aggregation") if named else None
    return bool(given == "mean" or (given is None and metric in MEANS))


def mean_stderr(scores: list[float], value: float | None, *, known: bool) -> float | None:
    """Standard error of a mean score. None where the metric is not known to be a mean and lm-eval's
    value is not the mean of the samples' scores.
    """
    if len(scores) < 2 or value is None:
        return None
    mean = math.fsum(scores) / len(scores)
    if not known and not math.isclose(mean, value, rel_tol=1e-6, abs_tol=1e-9):
        return None
    variance = math.fsum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
    return math.sqrt(variance / len(scores))
