"""A row a task item: what was answered and how it scored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runners.records.samples import metric_cells
from runners.worker import protocol

if TYPE_CHECKING:
    from runners.jobs.harness import TaskScore
    from runners.jobs.measured import TaskAnswers


def sample_rows(
    answered: TaskAnswers,
    score: TaskScore,
    plain: Mapping[int, protocol.ItemScore],
    *,
    keep_prompts: bool,
) -> Iterator[dict[str, Any]]:
    """Rows of the finished items of one task, in order.

    Args:
        answered: what was asked and answered.
        score: what it scored.
        plain: place among the items -> how the noise floor's probe scored it.
    """
    rows = zip(answered.asked.items, answered.replies, score.rows, strict=False)
    for place, (item, reply, metrics) in enumerate(rows):
        row = {
            "task": answered.asked.name,
            "doc_id": item.doc_id,
            "item": item.identity,
            "target": json.dumps(item.target, default=str),
            "passage": item.cluster,
        }
        row.update(_likelihoods(reply) if isinstance(reply, protocol.ItemScore) else _texts(reply))
        if place in plain:
            row["plain_logprobs"] = plain[place].logprobs
        if keep_prompts:
            row["prompt"] = _sound(str(item.instances[0].args[0]))
        row.update(metric_cells(metrics, score.aggregations))
        yield row


def _sound(text: str) -> str:
    """A text without half a surrogate pair, which a column of text cannot hold."""
    return text.encode(errors="replace").decode()


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
    raw = {"raw": _sound(first.raw)} if first.raw else {}
    thought = {"thought_tokens": first.thought_tokens, "first_answer": first.first_answer}
    return {
        **raw,
        **(thought if first.thought_tokens else {}),
        **({} if first.queued_s is None else {"queued_s": first.queued_s}),
        "answer": first.text,
        "stop": first.stop,
        "tokens": first.new_tokens,
        "truncated": first.truncated,
        "prompt_tokens": first.prompt_tokens,
        "prefill_s": first.times.prefill_s if first.times else None,
        "token_s": first.times.token_s if first.times else None,
        "first_text": first.times.first_text if first.times else None,
    }
