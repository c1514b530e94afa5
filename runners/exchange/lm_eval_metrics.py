"""Read a metric from lm-eval's results: its items' values and its scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.scales import (
    DEFAULT_AGGREGATIONS,
    KEY,
    MEANS,
    MISSING,
    Scale,
    name_odd,
    odd_score,
    scale_of_metric,
    stated_scale,
)
from runners.records.samples import metric_cells


def with_filter(metric: str, answer_filter: str) -> str:
    """The metric's name in records: without the filter where the only filter does nothing."""
    return metric if answer_filter == "none" else f"{metric},{answer_filter}"


def item_metrics(sample: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one line of samples, and the weights of those that are log-likelihoods."""
    names = {with_filter(metric, sample["filter"]): metric for metric in sample["metrics"]}
    return metric_cells(
        {name: sample.get(metric) for name, metric in names.items()},
        {name: _aggregation(config, metric) for name, metric in names.items()},
    )


def scale_of_result(config: Mapping[str, Any], headline: str, *, mean: bool) -> Scale:
    """The scale of a task's score.

    Args:
        config: of the task, as lm-eval wrote it: functions are texts there.
        headline: the metric, with its filter.
        mean: whether the score may be the mean of the samples' scores; without samples nothing
            says that it is.
    """
    metadata = config.get("metadata")
    stated = stated_scale(metadata.get(KEY)) if isinstance(metadata, dict) else None
    aggregation = _aggregation(config, headline.partition(",")[0])
    scale = scale_of_metric(headline, aggregation, stated=stated)
    return "corpus" if scale in (*MEANS, "unknown") and not mean else scale


def unusable_result(
    headline: str, value: float | None, scale: Scale, rows: Sequence[Mapping[str, Any]], n: int
) -> str:
    """Why a task's score cannot be used, naming documents; empty where it can."""
    odd = {
        row["doc_id"]: why
        for row in rows
        if (why := odd_score(row["metrics"].get(headline, MISSING), scale))
    }
    if odd:
        return name_odd(headline, odd, len(rows))
    return f"its {headline} is no finite number" if n and value is None else ""


def _aggregation(config: Mapping[str, Any], metric: str) -> str:
    """Name of the aggregation over items; lm-eval's own default where the file gives none."""
    listed = [entry for entry in config.get("metric_list") or () if isinstance(entry, dict)]
    said = next((e.get("aggregation") for e in listed if e.get("metric") == metric), None)
    return str(said or DEFAULT_AGGREGATIONS.get(metric, "mean"))
