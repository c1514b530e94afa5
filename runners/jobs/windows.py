"""Items -> the windows that are sent to the worker, one question each, and answers back.

A window holds items of one task, at most 2,048 likelihood requests, 16 generations or 8 MiB of
text, so that what the worker plans and what a kill loses is bounded. It is answered and
journalled as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from evals.tasks.generation import read_generation
from evals.tasks.items import Item
from runners.engine.thought import MAX_THOUGHT_TOKENS, Marks, thinking_for
from runners.records.identity import digest
from runners.worker import protocol

MAX_REQUESTS = 2048
MAX_BYTES = 8 * 2**20
MAX_GENERATIONS, MAX_PACKED = 16, 48
"""Generations of a window, one at a time or packed. Each starts from an empty cache, so that small
windows give the same bits and lose less."""

Answer = tuple[float, bool] | float | str
"""A response in the form of lm-eval's Instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How one candidate answers prompts: its thought, its turns, and how its tokens are chosen."""

    marks: Marks | None = None
    """Marks of its thought; None: it has none."""
    thought_tokens: int = MAX_THOUGHT_TOKENS
    turn_end: str = ""
    """What its chat template writes after an answer; empty: the prompts do without a template."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """lm-eval's generation arguments that it brings instead of the task's."""
    window: int | None = None
    """Generations that are asked, and kept, together; None: as many as usual."""


PLAINLY = Answering()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Items `start` to `stop` of a task, and the question that asks for all of them."""

    task: str
    start: int
    stop: int
    question: protocol.Score | protocol.Generate

    @property
    def digest(self) -> str:
        """Digest of everything that is asked; a journalled answer to anything else is not used."""
        return digest([self.task, self.start, self.stop, asdict(self.question)])


def windows(
    task: str, items: Sequence[Item], *, seed: int, packed: bool = False, how: Answering = PLAINLY,
    ends: Sequence[int] = (),
) -> Iterator[Window]:  # fmt: skip
    """Cut a task's items into windows, in order.

    Args:
        task: its name.
        items: in the order in which they are asked.
        seed: of the first repeat of a generation.
        packed: generations are packed, too.
        how: the candidate answers prompts.
        ends: numbers of items at which a window ends, however small it is.
    """
    first, requests, size = 0, 0, 0
    most = MAX_REQUESTS
    if items and _generates(items[0]):
        most = how.window or (MAX_PACKED if packed else MAX_GENERATIONS)
    for number, item in enumerate(items):
        more = sum(_repeats(i) for i in item.instances)
        text = sum(_bytes(a) for i in item.instances for a in i.args)
        full = requests + more > most or size + text > MAX_BYTES
        if number > first and (full or number in ends):
            yield _window(task, items, first, number, seed=seed, packed=packed, how=how)
            first, requests, size = number, 0, 0
        requests, size = requests + more, size + text
    if first < len(items):
        yield _window(task, items, first, len(items), seed=seed, packed=packed, how=how)


def answers(
    window: Window, items: Sequence[Item], reply: protocol.Scored | protocol.Generated
) -> list[list[list[Answer]]]:
    """Responses by item of the window and by its instances, one a repeat."""
    asked = items[window.start : window.stop]
    if isinstance(reply, protocol.Scored):
        return [_scored(item, score) for item, score in zip(asked, reply.items, strict=True)]
    texts = iter(reply.items)
    return [
        [[next(texts).text for _ in range(_repeats(i))] for i in item.instances] for item in asked
    ]


def _window(
    task: str, items: Sequence[Item], start: int, stop: int, *, seed: int, packed: bool,
    how: Answering,
) -> Window:  # fmt: skip
    part = items[start:stop]
    question: protocol.Score | protocol.Generate
    if _generates(part[0]):
        question = protocol.Generate(
            items=[
                _generation(task, instance, seed=seed + repeat, how=how)
                for item in part
                for instance in item.instances
                for repeat in range(_repeats(instance))
            ],
            packed=packed,
            turn_end=how.turn_end,
        )
    else:
        question = protocol.Score(items=[score_item(item) for item in part])
    return Window(task=task, start=start, stop=stop, question=question)


def _generates(item: Item) -> bool:
    return bool(item.instances[0].request_type == "generate_until")


def _repeats(instance: Any) -> int:
    return int(instance.repeats or 1)


def _bytes(argument: Any) -> int:
    # A data set may hold half a surrogate pair, which JSON can carry and UTF-8 cannot.
    return len(argument.encode(errors="surrogatepass")) if isinstance(argument, str) else 0


def score_item(item: Item) -> protocol.ScoreItem:
    """An item's requests, each distinct context once."""
    if item.instances[0].request_type == "loglikelihood_rolling":
        return protocol.ScoreItem(
            contexts=[item.instances[0].args[0]], continuations=[], rolling=True
        )
    contexts = list(dict.fromkeys(instance.args[0] for instance in item.instances))
    places = {context: place for place, context in enumerate(contexts)}
    return protocol.ScoreItem(
        contexts=contexts,
        continuations=[(places[i.args[0]], i.args[1]) for i in item.instances],
    )


def _scored(item: Item, score: protocol.ItemScore) -> list[list[Answer]]:
    if item.instances[0].request_type == "loglikelihood_rolling":
        return [[score.logprobs[0]]]
    # lm-eval wants exactly (float, bool), once for each repeat that it asks for.
    return [
        [(logprob, greedy)] * _repeats(instance)
        for instance, logprob, greedy in zip(
            item.instances, score.logprobs, score.greedy, strict=True
        )
    ]


def _generation(task: str, instance: Any, *, seed: int, how: Answering) -> protocol.GenerateItem:
    prompt, arguments = instance.args[:2]
    asked = read_generation(task, {**arguments, **how.sampling})
    return protocol.GenerateItem(
        prompt=prompt,
        until=list(asked.until),
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_k=asked.top_k,
        top_p=asked.top_p,
        min_p=asked.min_p,
        repetition_penalty=asked.repetition_penalty,
        seed=seed,
        thinking=thinking_for(how.marks, prompt, how.thought_tokens),
    )
