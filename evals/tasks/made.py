"""Tasks whose texts are made here, by rules and seeds, so that nothing is fetched for them."""

from __future__ import annotations

from evals.tasks.faults import task_faults
from evals.tasks.found_task import DataSource, Found
from evals.tasks.groups import Group
from evals.tasks.needles import DOCUMENTS, KINDS, LENGTHS, group_of, needle_task

LICENCE = "Apache-2.0"
"""Weighin's own: so are the texts."""


def made_names() -> dict[str, int]:
    """Groups of tasks that are made here, with the documents of each."""
    return {group_of(length): DOCUMENTS * len(KINDS) for length in LENGTHS}


def made_by_rules(name: str) -> list[tuple[str, str]]:
    """Length and kind of the tasks behind the name of a group, or of one of its tasks."""
    return [
        (length, kind)
        for length in LENGTHS
        for kind in KINDS
        if name in (group_of(length), f"{group_of(length)}_{kind}")
    ]


def made(name: str) -> list[Found]:
    """The tasks behind the name of a group, or of one of its tasks; none behind others."""
    wanted = made_by_rules(name)
    return [_found(length, kind, grouped=len(wanted) > 1) for length, kind in wanted]


def _found(length: str, kind: str, *, grouped: bool) -> Found:
    group = group_of(length)
    name = f"{group}_{kind}"
    data = DataSource(
        source="made",
        uri=f"weighin:{name}",
        split="test",
        sha256=None,
        licence=LICENCE,
        note="",
    )
    with task_faults(name, None):
        return Found(
            name=name,
            task=needle_task(length, kind),
            data=data,
            groups=(Group(name=group, rules=()),) if grouped else (),
        )
