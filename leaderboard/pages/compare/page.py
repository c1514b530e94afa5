"""Compare: two to four candidates, each against the first, item by item."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from evals.errors import RecordError
from leaderboard.compare.comparison import (
    MOST_SIDES,
    Comparison,
    ItemDifference,
    Side,
    compare,
)
from leaderboard.compare.items import item_rows, matching, whole_texts
from leaderboard.compare.summary import summary
from leaderboard.pages.blocks import (
    Beside,
    Block,
    Figure,
    Fold,
    Heading,
    Items,
    Note,
    Shown,
    Table,
    Text,
    Texts,
)
from leaderboard.pages.compare import fidelity_grid, tables
from leaderboard.pages.compare.forest_figure import forest_figure
from leaderboard.pages.compare.runs import Pair, pick_runs
from leaderboard.pages.contexts.cost import cost_blocks
from leaderboard.pages.controls import Search, pick_field
from leaderboard.pages.folded import LongText
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import answered, selected, several, sides_of
from leaderboard.rows.abilities import abilities, counted, task_weights, weighing
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.names import labels
from leaderboard.rows.row import row
from leaderboard.rows.view import View


def page(library: Library, view: View) -> Iterator[Block]:
    """Differences from the reference: over all, by task, in times and memory, item by item."""
    yield Heading("Compare", 1)
    pair = (yield from pick_runs(library, view)) if view.sides else None
    if pair is None:
        pair = yield from _candidates(library, view)
    if pair is None:
        return
    found = yield from _compared(library, view, pair.sides)
    if found is None:
        return
    names = pair.names
    for one, name in zip(found, names[1:], strict=True):
        yield Heading(summary(one, name, names[0]), 3)
    yield from _fidelity(found, names)
    yield from _accuracy(found, names, _mean(view, pair.sides))
    picked = yield from _other(view, found, names[1:])
    one = found[picked]
    both = f"{names[picked + 1]} against {names[0]}"
    yield Table(tables.tasks_grid(one, f"By task: {both}"))
    if one.fidelity and one.fidelity.loss:
        yield Table(fidelity_grid.texts_grid(one.fidelity, f"Perplexity of the answers: {both}"))
    if not all(task.by_item for task in one.tasks):
        yield Table(tables.outside_grid(one, f"Scores that enter no mean: {both}"))
    yield Heading("Times, memory and size")
    where = machine_name(one.reference)
    if machine_name(one.other) != where:
        where = f"{machine_name(one.other)} against {where}"
    yield Table(tables.axes_grid(one, f"{both}, {where}"))
    yield from cost_blocks([*zip(names, (side.scored for side in pair.sides), strict=True)])
    yield from _items(view, one, both)


def _candidates(library: Library, view: View) -> Generator[Block, None, Pair | None]:
    """Boxes for two to four candidates measured under the same conditions."""
    selection = yield from selected(library, view)
    if selection is None:
        return None
    rows = yield from several(library, selection, view, MOST_SIDES)
    if len(rows) < 2:
        yield Note("Pick two to four candidates: the first is the reference.")
        return None
    named = labels([row.record for row in rows])
    return Pair(
        sides=tuple(sides_of(library, rows)),
        names=tuple(named[row.record.candidate.digest] for row in rows),
    )


def _compared(
    library: Library, view: View, sides: Sequence[Side]
) -> Generator[Block, None, tuple[Comparison, ...] | None]:
    read = yield from answered(library, sides)
    try:
        return compare(read, weights=task_weights(view, [row(side.scored) for side in read]))
    except RecordError as error:
        yield Note(str(error), "error")
        return None


def _fidelity(found: Sequence[Comparison], names: Sequence[str]) -> Iterator[Block]:
    """Table of the increase in perplexity of the reference's answers, where texts were scored."""
    kept = [one.fidelity for one in found]
    if not any(one and one.loss for one in kept):
        return
    yield Heading("Perplexity of the answers")
    yield Table(fidelity_grid.fidelity_grid(found, names[1:], f"Against {names[0]}, same texts"))
    for line in fidelity_grid.caveats(kept):
        yield Text(line, small=True)


def _mean(view: View, sides: Sequence[Side]) -> str:
    """What the accuracy is a mean of."""
    weights = counted(view, abilities([row(side.scored) for side in sides]))
    return f"Mean for {weighing(weights)}" if weights else "Mean over tasks"


def _accuracy(found: Sequence[Comparison], names: Sequence[str], mean: str) -> Iterator[Block]:
    yield Heading("Accuracy")
    yield Table(tables.overall_grid(found, names[1:], f"{mean}, against {names[0]}"))
    if not any(task.paired for one in found for task in one.tasks):
        return
    yield Figure(
        "forest",
        lambda dark: forest_figure(found, names[1:], dark=dark),
        "Differences by task",
    )
    yield Text(
        "Right of 0 the candidate is better than the reference. The bars are 95 % intervals.",
        small=True,
    )


def _other(
    view: View, found: Sequence[Comparison], names: Sequence[str]
) -> Generator[Block, None, int]:
    """A box for which of several others the tables below are about; returns its place."""
    digests = [one.other.candidate.digest for one in found]
    chosen = view.other if view.other in digests else digests[0]
    if len(digests) > 1:
        options = dict(zip(digests, names, strict=True))
        yield pick_field("other", "in detail, against the reference", options, chosen)
        yield Shown({"other": chosen})
    return digests.index(chosen)


def _items(view: View, found: Comparison, pair: str) -> Iterator[Block]:
    yield Heading("Items where they differ")
    if not found.items:
        compared = any(task.paired for task in found.tasks)
        reason = found.overall_reason or "neither side has answers by item"
        yield Note(
            "No item was scored differently." if compared else f"Items are not compared: {reason}."
        )
        return
    parts = {"": "all tasks", **{name: name for name in dict.fromkeys(i.part for i in found.items)}}
    task = view.task if view.task in parts else ""
    search = Search(
        name="items",
        label="search: gained or lost, task, document, answer, prompt",
        chosen=view.items,
        changes=lambda words: {"items": words},
    )
    yield Beside(((pick_field("task", "task", parts, task),), (search,)), (1, 2))
    yield Shown({"task": task})
    shown = matching(found.items, task=task, words=view.items)
    yield Text(
        f"{len(shown):,} of {len(found.items):,} items, {pair}. Of each choice the "
        "log-probability; the right one in brackets.",
        small=True,
    )
    yield Items("differing", item_rows(shown))
    yield from _generations(shown)
    if not any(item.prompt for item in found.items):
        words = "Prompts are not here: they are kept by `weighin run --keep-prompts`."
        yield Text(words, small=True)


MOST_THOUGHTS = 40
"""Whole texts on a page; the search above them finds the others."""


def _generations(shown: Sequence[ItemDifference]) -> Iterator[Block]:
    """What both wrote before they answered, where one of them thinks."""
    texts = [LongText(title, text) for title, text in whole_texts(shown)]
    if texts:
        held = Texts(tuple(texts[:MOST_THOUGHTS]), max(0, len(texts) - MOST_THOUGHTS))
        yield Fold(f"Whole texts, with thought ({len(texts):,})", (held,))
