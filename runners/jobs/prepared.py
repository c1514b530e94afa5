"""A task with its items, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass

from evals.tasks.items import Item
from evals.tasks.load import LoadedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTask:
    """A task and its items, the same for every candidate."""

    loaded: LoadedTask
    items: tuple[Item, ...]

    @property
    def generates(self) -> bool:
        """Whether its requests are generations, one prompt at a time."""
        return bool(self.items[0].instances[0].request_type == "generate_until")
