"""Quantisations: each of one family against its largest."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from leaderboard.compare.fidelity import FIDELITY_MARGIN
from leaderboard.compare.ladder import MARGIN, Ladder, bits, families, ladder
from leaderboard.pages.blocks import Beside, Block, Figure, Fold, Heading, Note, Shown, Table, Text
from leaderboard.pages.compare.fidelity_grid import caveats
from leaderboard.pages.controls import PickNumber, pick_field
from leaderboard.pages.ladder import words
from leaderboard.pages.ladder.figures import losses_figure, ratios_figure, savings_figure
from leaderboard.pages.ladder.table import lost_grid, saved_grid
from leaderboard.pages.library import Library
from leaderboard.pages.selecting import answered, selected, sides_of
from leaderboard.rows.conditions import machine_name
from leaderboard.rows.names import labels, short_names
from leaderboard.rows.view import View
from leaderboard.units import from_percent, points


def page(library: Library, view: View) -> Iterator[Block]:
    """The page on what each quantisation of a family loses and saves against its largest."""
    yield Heading("Quantisations", 1)
    selection = yield from selected(library, view)
    if selection is None:
        return
    known = families([row.record for row in selection.rows])
    if not known:
        yield Note(
            "No family has two quantisations under these conditions: `weighin run` several of one."
        )
        return
    family = yield from _controls(known, view)
    rows = [
        row
        for row in selection.rows
        if row.record.candidate.family == family and bits(row.record) is not None
    ]
    read = yield from answered(library, sides_of(library, rows))
    found = ladder(read, margin=_margin(view), fidelity_margin=_fidelity_margin(view))
    yield from _drawn(found, labels([row.record for row in rows]))


def _controls(known: Sequence[str], view: View) -> Generator[Block, None, str]:
    """Boxes for the family and for the margins; returns the family."""
    family = view.family if view.family in known else known[0]
    if view.family and view.family not in known:
        stale = f'family "{view.family}" has no two quantisations here; showing another'
        yield Note(stale, "link")
    answers = PickNumber(
        name="perplexity",
        label="Acceptable rise of the answers' perplexity (%)",
        chosen=points(_fidelity_margin(view)),
        least=0.1,
        most=1000.0,
        step=0.5,
        changes=lambda value: {"perplexity_percent": value},
    )
    margin = PickNumber(
        name="margin",
        label="Acceptable accuracy loss (percentage points)",
        chosen=points(_margin(view)),
        least=0.1,
        most=100.0,
        step=0.5,
        changes=lambda value: {"margin_points": value},
    )
    box = pick_field("family", "family", {name: name for name in known}, family)
    yield Beside(((box,), (answers,), (margin,)), (2, 1, 1))
    yield Shown({"family": family})
    return family


def _margin(view: View) -> float:
    """The largest acceptable loss of accuracy, as a share."""
    wanted = view.margin_points
    return from_percent(min(100.0, max(0.1, wanted if wanted is not None else points(MARGIN))))


def _fidelity_margin(view: View) -> float:
    """Largest acceptable increase of perplexity, as a share."""
    wanted = view.perplexity_percent
    return from_percent(max(0.1, wanted if wanted is not None else points(FIDELITY_MARGIN)))


def _drawn(found: Ladder, named: dict[str, str]) -> Iterator[Block]:
    digests = [
        one.candidate.digest for one in (found.reference, *(r.record for r in found.quantisations))
    ]
    reference, *names = short_names([named[digest] for digest in digests])
    machine = machine_name(found.reference)
    yield Text(words.conclusion(found, reference, names))
    runs = f"{found.reference_runs} run{'s' if found.reference_runs != 1 else ''}"
    caption = f"Against {reference} ({runs}), {machine}"
    if words.compared(found):
        yield from _lost(found, reference, names, caption)
    yield Heading("Saved")
    yield Figure(
        "savings",
        lambda dark: savings_figure(found, names, dark=dark),
        "Saved, by quantisation",
    )
    yield Text(f"{machine}; first token of {found.workload}", small=True)
    yield Table(saved_grid(found, names, f"Saved. {caption}"))
    notes = tuple(Text(line, small=True) for line in _notes(found, names))
    if notes:
        yield Fold(f"Notes ({len(notes)})", notes)


def _notes(found: Ladder, names: Sequence[str]) -> Iterator[str]:
    """What candidates' files say of themselves, and what bounds the fidelity."""
    for name, quantisation in zip(names, found.quantisations, strict=True):
        if quantisation.record.candidate.notes:
            yield f"{name}: {quantisation.record.candidate.notes}"
    yield from caveats([quantisation.fidelity for quantisation in found.quantisations])


def _lost(found: Ladder, reference: str, names: Sequence[str], caption: str) -> Iterator[Block]:
    """What each loses of fidelity and accuracy."""
    answers = (
        Heading("Perplexity of the answers"),
        Figure(
            "ratios",
            lambda dark: ratios_figure(found, reference, names, dark=dark),
            "Perplexity ratio of the answers, by quantisation",
        ),
        Text(words.legend(found), small=True),
    )
    lost = (
        Heading("Accuracy lost"),
        Figure(
            "losses",
            lambda dark: losses_figure(found, reference, names, dark=dark),
            "Accuracy lost, by quantisation",
        ),
        Text(words.accuracy_legend(found), small=True),
    )
    there = (words.with_fidelity(found), words.with_accuracy(found))
    columns = [one for one, is_there in zip((answers, lost), there, strict=True) if is_there]
    yield Beside(tuple(columns))
    yield Table(lost_grid(found, names, caption))
