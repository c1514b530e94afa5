"""How a task group weights its members in the mean, as lm-eval reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.errors import SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group that aggregates; one that does not is no row in lm-eval."""

    name: str
    rules: Sequence[Any]
    """lm-eval's AggMetricConfigs."""

    def by_size(self, metric: str, answer_filter: str) -> bool:
        """True where a metric's mean weights each task by its items; False: all tasks weigh the
        same.

        Where the group does not name the metric, lm-eval shows no mean, and items count.
        """
        for rule in self.rules:
            if rule.metric == metric and (
                rule.filter_list is None or answer_filter in rule.filter_list
            ):
                return bool(rule.weight_by_size)
        return True


def group_of(name: str, config: Mapping[str, Any]) -> Group | None:
    """The group of a file's settings; None where it does not aggregate.

    Raises:
        SpecError: its aggregate_metric_list is wrong.
    """
    from lm_eval.config.group import GroupConfig

    listed = config.get("aggregate_metric_list")
    if not listed:
        return None
    try:
        rules = GroupConfig(group=name, aggregate_metric_list=listed).aggregate_metric_list
    except (TypeError, ValueError, AttributeError) as error:
        raise SpecError(f'group "{name}": aggregate_metric_list: {error}') from error
    return Group(name=name, rules=tuple(rules or ()))


def groups_of_members(loaded: Mapping[str, Any], name: str) -> dict[str, tuple[Group, ...]]:
    """Task -> the groups that it lies in and that aggregate, outermost first.

    Args:
        loaded: what lm-eval's TaskManager loads.
        name: of the group that was loaded, or of a single task.
    """
    top = loaded.get("groups", {}).get(name)
    return {} if top is None else dict(_walk(top, ()))


def _walk(group: Any, above: tuple[Group, ...]) -> Iterator[tuple[str, tuple[Group, ...]]]:
    if group.has_aggregation:
        above = (*above, Group(name=group.name, rules=tuple(group.aggregate_metric_list)))
    for child in group:
        if hasattr(child, "task_name"):
            yield child.task_name, above
        else:
            yield from _walk(child, above)
