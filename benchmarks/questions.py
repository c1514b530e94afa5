"""The items that the benchmarks ask: seeded random ones of the packaged tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.suites import Suite, SuiteTask
from evals.tasks.items import Item, build_requests
from evals.tasks.load import load_suite
from runners.jobs.windows import windows
from runners.worker import protocol

SUBJECTS = ("mmlu_astronomy", "mmlu_high_school_biology", "mmlu_marketing", "mmlu_philosophy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """One task of the table, which may be several of lm-eval's (MMLU's subjects)."""

    name: str
    parts: tuple[tuple[str, tuple[Item, ...]], ...]
    """lm-eval's name of a task -> its items."""

    @property
    def items(self) -> tuple[Item, ...]:
        """All of them, part after part."""
        return tuple(item for _, items in self.parts for item in items)

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(context, continuation) of every choice of every item, as lm-eval's models get them."""
        return [instance.args for item in self.items for instance in item.instances]

    def windows(self) -> Iterator[protocol.Score]:
        """The same, as `weighin run` asks the worker."""
        for task, items in self.parts:
            for window in windows(task, items, seed=0):
                if isinstance(window.question, protocol.Score):
                    yield window.question

    def by_item(self, answers: Sequence[float]) -> list[list[float]]:
        """A number a request -> a list of them an item."""
        rest = iter(answers)
        return [[next(rest) for _ in item.instances] for item in self.items]

    def shuffled(self, seed: int) -> Questions:
        """Each part's items in a random order: packaged data are sorted by where they come from."""
        draw = random.Random(seed)
        parts = tuple((task, tuple(draw.sample(items, len(items)))) for task, items in self.parts)
        return Questions(name=self.name, parts=parts)

    def first(self, count: int, *, start: int = 0) -> Questions:
        """Items `start` to `start + count`, or the last ones where there are fewer."""
        flat = [(task, item) for task, items in self.parts for item in items]
        start = min(start, max(0, len(flat) - count))
        kept = flat[start : start + count]
        names = dict.fromkeys(task for task, _ in kept)
        return Questions(
            name=self.name,
            parts=tuple((name, tuple(i for task, i in kept if task == name)) for name in names),
        )


def ask(name: str, tasks: Sequence[SuiteTask], *, seed: int) -> Questions:
    """Load tasks, each with the number of items that it is limited to."""
    suite = Suite(name="benchmark", tasks=tuple(tasks), seed=seed, latency_repeats=1)
    loaded = load_suite(suite)
    parts = tuple((task.name, tuple(build_requests(task))) for task in loaded)
    return Questions(name=name, parts=parts)


def the_table(*, seed: int, items: tuple[int, int, int], subjects: int) -> list[Questions]:
    """HellaSwag without examples, MMLU with five, BoolQ without.

    Args:
        items: of HellaSwag, of each subject of MMLU, of BoolQ.
    """
    hellaswag, mmlu, boolq = items
    five_shot = [SuiteTask(task=s, num_fewshot=5, limit=mmlu) for s in SUBJECTS[:subjects]]
    return [
        ask("HellaSwag 0-shot", [SuiteTask(task="hellaswag", limit=hellaswag)], seed=seed),
        ask("MMLU 5-shot", five_shot, seed=seed),
        ask("BoolQ 0-shot", [SuiteTask(task="boolq", limit=boolq)], seed=seed),
    ]
