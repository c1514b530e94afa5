"""How many requests of a workload there is time for, told by the workload before it."""

from __future__ import annotations

from dataclasses import replace

from runners.worker import protocol


def affordable(
    question: protocol.RunLatency, before: protocol.LatencyTimes | None, asked: int, left_s: float
) -> protocol.RunLatency | None:
    """The question with as many requests as there is time for.

    Args:
        question: of the workload.
        before: times of the workload before it; None: nothing is known, and it is asked as it is.
        asked: prompt tokens of that one.
        left_s: seconds that are left.

    Returns:
        First the timed requests are fewer, then the warm-up goes; None where not even one request
        has time. A prompt is taken to cost by its tokens, and so is an answer.
    """
    known = before.repeats[-1].token_s if before and before.repeats else []
    if not known:
        return question
    answer_s = (known[-1] - known[0]) / max(1, len(known) - 1)
    request_s = known[0] / asked * question.prompt_tokens + answer_s * question.new_tokens
    requests = int(left_s / request_s) if request_s > 0 else question.warmups + question.repeats
    if requests < 1:
        return None
    warmups = question.warmups if requests > question.warmups else 0
    return replace(question, warmups=warmups, repeats=min(question.repeats, requests - warmups))
