"""Machines: the same candidates on several machines, side by side and never ranked together."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.pages.blocks import Block, Figure, Heading, Note, Shown, Table, Text
from leaderboard.pages.controls import pick_field
from leaderboard.pages.library import Library
from leaderboard.pages.machines.figure import multiples
from leaderboard.pages.machines.tables import accuracy_grid, metric_grid, relative_grid
from leaderboard.pages.selecting import empty
from leaderboard.rows.across import Across, across, suites_on_several_machines
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import labels
from leaderboard.rows.view import View

SHOWN = ("decode", "ttft", "memory")
"""Keys of METRICS that are laid side by side."""


def page(library: Library, view: View) -> Iterator[Block]:
    """Accuracy once with how far machines differ, then times and memory machine by machine."""
    yield Heading("Machines", 1)
    rows = library.rows()
    if not rows:
        yield from empty(library)
        return
    suites = suites_on_several_machines(rows)
    if not suites:
        yield Note(
            "No candidate was measured with one suite on two machines: copy the records of another "
            "machine into a folder beside these (`weighin board --store A --store B`)."
        )
        return
    suite = view.suite if view.suite in suites else next(iter(suites))
    if len(suites) > 1:
        yield pick_field("suite", "suite", suites, suite)
        yield Shown({"suite": suite})
    found = across(rows, suite)
    names = labels([next(iter(there.values())).record for there in found.rows.values()])
    yield from _shown(found, names)
    yield from _relative(found, names, view)


def _relative(found: Across, names: dict[str, str], view: View) -> Iterator[Block]:
    """Whether what holds between candidates on one machine holds on another."""
    known = found.on_several
    if len(found.rows) < 2:
        return
    reference = view.other if view.other in known else known[0]
    yield Heading("Relative to one candidate")
    if len(known) > 1:
        options = {digest: names[digest] for digest in known}
        yield pick_field("other", "relative to", options, reference)
    metrics = [METRICS[key] for key in SHOWN]
    yield Table(relative_grid(found, names, reference, metrics))


def _shown(found: Across, names: dict[str, str]) -> Iterator[Block]:
    first = next(iter(found.machines.values()))
    yield Text(
        f"Ratios are to {first}. Times and memory of several machines are shown beside each other "
        "and never ranked together; accuracy is of the same items, of which other kernels change "
        "some choices.",
        small=True,
    )
    yield Table(accuracy_grid(found, names))
    for key in SHOWN:
        metric = METRICS[key]
        yield Heading(metric.title)
        yield Figure(
            f"machines {key}",
            lambda dark, metric=metric: multiples(found, names, metric, dark=dark),  # type: ignore[misc]
            f"{metric.title} of each candidate on each machine",
        )
        yield Table(metric_grid(found, names, metric))
