"""A person's own questions on the Candidate page: how many are right, and the wrong answers."""

from __future__ import annotations

from collections.abc import Iterator

from leaderboard.pages.blocks import Block, Heading, Items, Table, Text
from leaderboard.pages.grid import Cell, Grid, Head
from leaderboard.runs.own_questions import OwnAnswer, OwnAnswers
from leaderboard.units import format_number, points


def own_blocks(found: OwnAnswers) -> Iterator[Block]:
    """The count with its interval, the groups of the file, and every wrong answer."""
    low, high = points(found.interval.low), points(found.interval.high)
    yield Heading(f"Your questions: {found.task}", 3)
    said = (
        f"{found.right} of {len(found.answers)} right, 95 % interval {low:.0f} to {high:.0f} % "
        "(Wilson, over questions)"
    )
    if found.first_s is not None and found.whole_s is not None:
        said += (
            f"; first words after {format_number(found.first_s)} s, whole answer after "
            f"{format_number(found.whole_s)} s (medians)"
        )
    yield Text(f"{said}.")
    if len(found.groups) > 1:
        yield Table(_groups(found))
    if found.wrong:
        yield Text(f"The {len(found.wrong)} wrong answers:", small=True)
        yield Items(f"wrong answers to {found.task}", [_wrong(one) for one in found.wrong])


def _groups(found: OwnAnswers) -> Grid:
    heads = (Head("group", number=False), Head("right"), Head("questions"))
    rows = tuple((Cell(name), Cell(str(right)), Cell(str(n))) for name, right, n in found.groups)
    return Grid(caption=f"{found.task} by group", heads=heads, rows=rows)


def _wrong(one: OwnAnswer) -> dict[str, object]:
    return {
        "question": one.place,
        "asked": one.question,
        "expected": one.expected,
        "answered": one.answer,
        "ended by": one.stop,
    }
