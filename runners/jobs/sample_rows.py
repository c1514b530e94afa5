"""A row a task item: what was answered and how it scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from runners.records.samples import metric_cells
from runners.worker import protocol

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from runners.jobs.harness import TaskScore


def sample_rows(
    task: str,
    items: Sequence[Item],
    replies: Sequence[protocol.ItemScore | list[protocol.ItemText]],
    score: TaskScore,
    *,
    keep_prompts: bool,
) -> Iterable[dict[str, Any]]:
    """Rows of the finished items of one task, in order."""
    for item, reply, metrics in zip(items, replies, score.rows, strict=False):
        row = {
            "task": task,
            "doc_id": item.doc_id,
            "item": item.identity,
            "target": json.dumps(item.target, default=str),
            "passage": item.cluster,
        }
        row.update(_likelihoods(reply) if isinstance(reply, protocol.ItemScore) else _texts(reply))
        if keep_prompts:
            # A data set may hold half a surrogate pair, which a column of text cannot.
            row["prompt"] = str(item.instances[0].args[0]).encode(errors="replace").decode()
        row.update(metric_cells(metrics, score.aggregations))
        yield row


def _likelihoods(score: protocol.ItemScore) -> dict[str, Any]:
    return {
        "logprobs": score.logprobs,
        "greedy": score.greedy,
        "tokens": score.tokens,
        "truncated": score.truncated,
    }


def _texts(texts: list[protocol.ItemText]) -> dict[str, Any]:
    """The first generation of an item; repeats differ by their seed only."""
    first = texts[0]
    return {
        "answer": first.text,
        "stop": first.stop,
        "tokens": first.new_tokens,
        "truncated": first.truncated,
        "prompt_tokens": first.prompt_tokens,
        "prefill_s": first.times.prefill_s if first.times else None,
        "token_s": first.times.token_s if first.times else None,
        "first_text": first.times.first_text if first.times else None,
    }
