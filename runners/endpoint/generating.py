"""Generate answers to a window of prompts by a server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runners.endpoint.answer import Answer
from runners.endpoint.asking import Ask, Dialect, Turn
from runners.endpoint.faults import EndpointError
from runners.endpoint.served import Served
from runners.endpoint.timing import request_times
from runners.engine.thought import ThoughtWatcher, joined, separate
from runners.worker import protocol
from runners.worker.generation import APP_ERROR
from runners.worker.runtime import OnProgress

TURNS = "weighin-turns:"
"""What a prompt begins with that is a conversation, as JSON."""
THINKING_TURNS = TURNS + "<think></think>"
"""Stands for the template of a model that thinks: by the marks its thought gets tokens of its
own.
"""


@dataclass(slots=True)
class Refusals:
    """Requests that a server refused for what they ask, e.g. a prompt that is too long for it."""

    answered: bool = False
    """True once it has answered one: then a refusal is of that item alone."""


def generated(
    served: Served, message: protocol.Generate, progress: OnProgress, refusals: Refusals
) -> protocol.Generated:
    """Answer one prompt after the other; a server is not asked several at a time.

    Raises:
        EndpointError: a request failed, or all of them are refused.
    """
    answers: list[protocol.ItemText] = []
    refused: EndpointError | None = None
    for number, item in enumerate(message.items):
        try:
            answers.append(_answered(served, item, timed=not message.packed))
            refusals.answered = True
        except EndpointError as fault:
            if fault.outcome != "request refused":
                raise
            refused = fault
            answers.append(_no_answer(fault))
        progress(number + 1)
    if refused is not None and not refusals.answered:
        raise refused
    return protocol.Generated(items=answers)


def _no_answer(fault: EndpointError) -> protocol.ItemText:
    return protocol.ItemText(
        text="",
        stop=f"{APP_ERROR}: {fault}"[:300],
        prompt_tokens=None,
        new_tokens=0,
        times=None,
        truncated=False,
    )


def written_turns(messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation as a prompt, for a server whose template is not known.

    Args:
        messages: each with `role` and `content`; a last one of the assistant's is a begun answer.
    """
    turns = [{"role": one["role"], "content": one["content"]} for one in messages]
    return TURNS + json.dumps(turns, ensure_ascii=False)


def read_prompt(prompt: str) -> str | tuple[Turn, ...]:
    """A text as it stands, or the conversation that `written_turns` wrote.

    Raises:
        EndpointError: the conversation is broken.
    """
    if not prompt.startswith(TURNS):
        return prompt
    try:
        turns = json.loads(prompt.removeprefix(TURNS))
        return tuple(Turn(role=turn["role"], content=turn["content"]) for turn in turns)
    except (ValueError, KeyError, TypeError) as error:
        raise EndpointError("request refused", f"no conversation: {prompt[:80]!r}") from error


def _answered(served: Served, item: protocol.GenerateItem, *, timed: bool) -> protocol.ItemText:
    prompt = read_prompt(item.prompt)
    dialect = served.text_dialect if isinstance(prompt, str) else served.chat_dialect
    answer = served.stream(dialect, _ask(served, dialect, item, prompt))
    thought, text = answer.reasoning, answer.text
    if not thought:
        thought, text = separate(answer.text, item.thinking)
    first = first_after_thought(answer, item.thinking) if thought else answer.first_answer
    shown, stopped = cut_at(text, item.until)
    return protocol.ItemText(
        text=shown,
        stop="until" if stopped else _stop(answer, thought, text),
        prompt_tokens=answer.usage.prompt_tokens,
        new_tokens=answer.usage.new_tokens,
        times=request_times(answer) if timed and answer.piece_s else None,
        truncated=False,
        raw=joined(answer.reasoning, answer.text, None) if thought else "",
        thought_tokens=_thought_tokens(answer, first) if thought else 0,
        first_answer=first,
    )


def _ask(
    served: Served,
    dialect: Dialect,
    item: protocol.GenerateItem,
    prompt: str | tuple[Turn, ...],
) -> Ask:
    """Stop strings go along where thought is told apart by the server, or there is none: within a
    thought they stop nothing.
    """
    thinks = item.thinking
    return Ask(
        prompt=prompt,
        max_tokens=item.max_tokens + (thinks.max_tokens if thinks else 0),
        stop=() if thinks else tuple(item.until[: dialect.most_stops]),
        temperature=item.temperature,
        top_p=item.top_p,
        top_k=item.top_k,
        min_p=item.min_p,
        repetition_penalty=item.repetition_penalty,
        seed=item.seed if item.temperature > 0 else None,
        extra={**served.uncached, **served.going_on(prompt)},
    )


def first_after_thought(answer: Answer, thinking: protocol.Thinking | None) -> int | None:
    """Index of the first event with text of the answer; None where the thought did not end."""
    if answer.reasoning or thinking is None:
        return answer.first_answer
    watcher = ThoughtWatcher(thinking)
    ends = []
    for piece in answer.pieces:
        watcher.add(piece)
        ends.append(len(watcher.raw))
    if watcher.thinking:
        return None
    bare = len(watcher.raw) - len(watcher.raw[watcher.answer_at :].lstrip())
    return next((at for at, end in enumerate(ends) if end > bare), None)


def _thought_tokens(answer: Answer, first: int | None) -> int:
    """Tokens before the answer: the share of the events before it, which hold about one each."""
    events, tokens = len(answer.pieces), answer.usage.new_tokens
    before = events if first is None else first
    return before if tokens is None or not events else round(tokens * before / events)


def cut_at(text: str, until: list[str]) -> tuple[str, bool]:
    """A text up to the first stop string in it, and whether there was one."""
    places = [place for stop in until if stop and (place := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def _stop(answer: Answer, thought: str, text: str) -> str:
    if not answer.cut:
        return "end of sequence"
    return "thought" if thought and not text else "length"
