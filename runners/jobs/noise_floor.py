"""The noise floor: how often packing alone changes a choice.

Quantised kernels give other bits when the cache is laid out otherwise. So a fixed probe of the
suite's multiple-choice items is scored again plainly, one sequence at a time from an empty cache,
and the share of items whose most likely choice differs is what a difference between two
candidates is read against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runners.records.parts import NoiseFloorInfo

if TYPE_CHECKING:
    from evals.tasks.items import Item
    from runners.worker.protocol import ItemScore


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeItem:
    """An item of the probe: its task, and its place among the task's items."""

    task: str
    place: int


def probe(
    groups: Mapping[str, str], items: Mapping[str, Sequence[Item]], *, most: int
) -> list[ProbeItem]:
    """Choose the items, the same for every candidate of a suite.

    Args:
        groups: task -> the suite's entry that it belongs to; each entry gets an equal part.
        items: task -> its items.
        most: how many to choose.

    Returns:
        `most`, evenly spaced over each entry's items; fewer where there are fewer.
    """
    of: dict[str, list[ProbeItem]] = {}
    for task, asked in items.items():
        for place, item in enumerate(asked):
            if choices(item) > 1:
                of.setdefault(groups[task], []).append(ProbeItem(task=task, place=place))
    found: list[ProbeItem] = []
    # The entries with fewest items first: what they leave goes to the others.
    for left, pool in zip(range(len(of), 0, -1), sorted(of.values(), key=len), strict=True):
        part = min(len(pool), (most - len(found)) // left)
        found.extend(pool[number * len(pool) // part] for number in range(part))
    return found


def noise_floor(
    packed: Sequence[ItemScore], plain: Sequence[ItemScore], choices: Sequence[int]
) -> NoiseFloorInfo:
    """Compare the probe's items as scored both ways.

    Args:
        packed: as they were scored with the others.
        plain: the same items, each from an empty cache.
        choices: how many of each item's first requests are its choices.
    """
    pairs = [
        (one.logprobs[:count], other.logprobs[:count])
        for one, other, count in zip(packed, plain, choices, strict=True)
    ]
    changed = sum(_choice(one) != _choice(other) for one, other in pairs)
    gaps = [abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)]
    return NoiseFloorInfo(
        items=len(pairs),
        changed=changed,
        share=changed / len(pairs) if pairs else None,
        largest_nats=max(gaps, default=None),
    )


def not_measured(reason: str) -> NoiseFloorInfo:
    """A floor that is not known, and why."""
    return NoiseFloorInfo(items=0, share=None, largest_nats=None, reason=reason)


def choices(item: Item) -> int:
    """Number of an item's requests that are its choices; 0 for an item that does not choose.

    `acc_mutual_info` asks for each choice once more after no context at all: these come last.
    """
    if item.instances[0].request_type != "loglikelihood" or len(item.instances) < 2:
        return 0
    half = len(item.instances) // 2
    contexts = [instance.args[0] for instance in item.instances]
    again = all(contexts[:half]) and not any(contexts[half:]) and 2 * half == len(contexts)
    return half if again else len(contexts)


def _choice(logprobs: Sequence[float]) -> int:
    """The first of the most likely choices, as lm-eval's argmax takes it."""
    return max(range(len(logprobs)), key=logprobs.__getitem__)
