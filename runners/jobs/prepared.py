"""A task with its items, ready to be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evals.tasks.items import Item
from evals.tasks.load import LoadedTask, permutation

MOST_UNKNOWN = 1.1
"""Design effect, were items that begin alike to go together, from which a reader is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTask:
    """A task and its items, the same for every candidate."""

    loaded: LoadedTask
    items: tuple[Item, ...]
    stages: tuple[int, ...] = ()
    """Items that are answered when each stage of a comparison with a given time ends, the last one
    this job's; empty: all, at once."""

    @property
    def count(self) -> int:
        """Number of items that are asked."""
        return self.stages[-1] if self.stages else len(self.items)

    @property
    def loading(self) -> LoadedTask:
        """The task with the documents whose prompts are to be built for one candidate.

        In stages those that are asked; with few-shot examples all of them, since an item's examples
        may depend on the documents before it.
        """
        if not self.stages or self.loaded.num_fewshot:
            return self.loaded
        return replace(self.loaded, selection=tuple(sorted(self._order()[: self.count])))

    def asked(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items that are asked, in the order in which they are.

        Args:
            items: of the whole selection, sorted, as one candidate is asked them.

        Returns:
            All of them; in stages the first of the permutation that every limit draws from, so that
            what is answered at any moment is a random sample of the task.
        """
        if not self.stages:
            return items
        rank = {doc_id: place for place, doc_id in enumerate(self._order())}
        return sorted(items, key=lambda item: rank[item.doc_id])[: self.count]

    def _order(self) -> list[int]:
        loaded = self.loaded
        return permutation(loaded.total, seed=loaded.seed, name=loaded.name)

    @property
    def generates(self) -> bool:
        """True where the task's requests are generations, one prompt at a time."""
        return bool(self.items[0].instances[0].request_type == "generate_until")


def unclustered(tasks: Sequence[PreparedTask]) -> dict[str, str]:
    """Tasks and groups of which many items share a long beginning and no cluster is known.

    Returns:
        Task or group -> a sentence that says how many, and what to do.
    """
    by_row: dict[str, list[PreparedTask]] = {}
    for task in tasks:
        by_row.setdefault(task.loaded.group, []).append(task)
    return {name: said for name, members in by_row.items() if (said := _begin_alike(members))}


def _begin_alike(tasks: Sequence[PreparedTask]) -> str:
    """Say how many items share a beginning; empty where too few do to matter, counting those of one
    text as one.
    """
    items = [(task.loaded.name, item.beginning) for task in tasks for item in task.items]
    sizes = Counter(item for item in items if item[1] is not None)
    alike = sum(sizes.values())
    # L. Kish, Survey Sampling (1965): items of a cluster that always go together.
    if sum(size**2 for size in sizes.values()) + len(items) - alike < MOST_UNKNOWN * len(items):
        return ""
    return (
        f"{alike} of {len(items)} items share {len(sizes)} passages: their ± takes them as "
        "independent; name the column with `cluster:` (`cluster: beginning` goes by the prompts)"
    )
