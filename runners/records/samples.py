"""A row a task item: what was answered and how it scored, as one columnar table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.errors import RecordError
from evals.scales import PAIRS, UNWEIGHTED
from runners.records.parts import METRIC, WEIGHT

if TYPE_CHECKING:
    import pyarrow


OPTIONAL = (
    "plain_logprobs", "bytes", "prompt", "raw", "thought_tokens", "first_answer", "queued_s",
)  # fmt: skip
"""Columns that a table has only where some row needs them. Reasons: a probe was made, imported
results do not say how many tokens a choice has, prompts were kept, a model thinks, an app
has a queue."""


def metric_cells(metrics: Mapping[str, Any], aggregations: Mapping[str, str]) -> dict[str, Any]:
    """An item's `metrics` that are numbers, and `weights` of those that are log-likelihoods.

    A weighted perplexity comes as a pair: the document's log-likelihood (nats), and the words or
    bytes by which the metric divides.
    """
    numbers: dict[str, float] = {}
    weights: dict[str, float] = {}
    for name, value in metrics.items():
        aggregation = aggregations.get(name)
        if aggregation in PAIRS and isinstance(value, list | tuple) and len(value) == 2:
            numbers[name], weights[name] = (float(part) for part in value)
        elif isinstance(value, int | float):
            numbers[name] = float(value)
            weights |= {name: 1.0} if aggregation in UNWEIGHTED else {}
    return {"metrics": numbers, "weights": weights}


def sample_table(rows: Sequence[dict[str, Any]]) -> pyarrow.Table:
    """The table of a whole run; metrics that a task does not have are null there."""
    import pyarrow as pa

    columns = {
        name: pa.array([row.get(name) for row in rows], kind) for name, kind in _types().items()
    }
    for name in OPTIONAL:
        if not any(name in row for row in rows):
            del columns[name]
    for name in sorted({name for row in rows for name in row["metrics"]}):
        values = [row["metrics"].get(name) for row in rows]
        columns[f"{METRIC}{name}"] = pa.array(values, pa.float32())
    for name in sorted({name for row in rows for name in row.get("weights", {})}):
        values = [row.get("weights", {}).get(name) for row in rows]
        columns[f"{WEIGHT}{name}"] = pa.array(values, pa.float64())
    return pa.table(columns)


def as_typed(table: pyarrow.Table) -> pyarrow.Table:
    """A table from a file with the columns' own types; it need not have all columns.

    Numbers of another width are converted where none is changed by it.

    Raises:
        RecordError: a column is of another kind, or holds what its type cannot.
    """
    import pyarrow as pa

    types = _types()
    for index, column in enumerate(table.schema):
        wanted = types.get(column.name)
        if column.name.startswith((METRIC, WEIGHT)):
            wanted = pa.float32() if column.name.startswith(METRIC) else pa.float64()
        if wanted is None or column.type == wanted:
            continue
        if _kind(column.type) != _kind(wanted):
            raise RecordError(f"its column {column.name} is {column.type}, not {wanted}")
        try:
            # A double's last digits may go; an integer that does not fit may not.
            changed = table.column(index).cast(wanted, safe=_kind(wanted) != "number")
        except pa.ArrowInvalid as error:
            raise RecordError(f"its column {column.name}: {error}") from error
        table = table.set_column(index, column.name, changed)
    return table


def _kind(column: pyarrow.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_list(column) or pa.types.is_large_list(column):
        return f"list of {_kind(column.value_type)}"
    kinds = {"whole number": pa.types.is_integer, "number": pa.types.is_floating}
    kinds["text"] = lambda t: pa.types.is_string(t) or pa.types.is_large_string(t)
    return next((name for name, fits in kinds.items() if fits(column)), str(column))


def _types() -> dict[str, pyarrow.DataType]:
    import pyarrow as pa

    return {
        "task": pa.string(),
        "doc_id": pa.int32(),
        "item": pa.string(),
        "target": pa.string(),
        "passage": pa.string(),
        "logprobs": pa.list_(pa.float32()),
        "plain_logprobs": pa.list_(pa.float32()),
        "greedy": pa.list_(pa.bool_()),
        "tokens": pa.int32(),
        "bytes": pa.int32(),
        "truncated": pa.bool_(),
        "answer": pa.string(),
        "stop": pa.string(),
        "prompt_tokens": pa.int32(),
        "prefill_s": pa.float32(),
        "token_s": pa.list_(pa.float32()),
        "first_text": pa.int32(),
        "queued_s": pa.float32(),
        "prompt": pa.string(),
        "raw": pa.string(),
        "thought_tokens": pa.int32(),
        "first_answer": pa.int32(),
    }
