"""Beginning that several pages share: their conditions, and the candidates that they show."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from leaderboard.compare.comparison import Side
from leaderboard.pages.blocks import Beside, Block, Code, Heading, Note, Shown, Text
from leaderboard.pages.controls import Go, Pick, PickSeveral, Reset, pick_field
from leaderboard.pages.library import Library
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.names import labels
from leaderboard.rows.repeats import runs_of
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection, missing
from leaderboard.rows.view import View
from runners.records.record import Record

NOBODY = ""
"""Among the candidates of a view: the others were taken away, so none is filled in for them."""


def conditions(selection: Selection) -> Iterator[Block]:
    """Boxes for machine, suite, budget and builds, where there is something to pick."""
    for problem in selection.problems:
        yield Note(problem, "link")
    boxes = [
        *_places(selection),
        *(
            _build(runtime, names, selection)
            for runtime, names in selection.builds.items()
            if len(names) > 1
        ),
    ]
    place = selection.shared.place
    # A link that was copied shows the same elsewhere and later, when there is more to pick from.
    yield Shown({key: getattr(place, key) for key in ("machine", "suite")})
    if boxes:
        # One alone is not drawn as wide as the page.
        yield Beside((*((box,) for box in boxes), *((),) * max(0, _ACROSS - len(boxes))))
    if selection.left_out:
        yield Text(_left_out(selection.left_out), small=True)


_ACROSS = 3
"""Boxes beside each other."""
_LABELS = {"machine": "measured on"}


def _places(selection: Selection) -> Iterator[Pick]:
    offered = {
        "machine": selection.machines,
        "suite": selection.suites,
        "budget": selection.budgets,
    }
    place = selection.shared.place
    for field, names in offered.items():
        if len(names) > 1:
            yield Pick(
                name=field,
                label=_LABELS.get(field, field),
                options=names,
                chosen=getattr(place, field),
                # What was built is another thing elsewhere.
                changes=lambda value, field=field: {field: value, "builds": ()},  # type: ignore[misc]
            )


def _build(runtime: str, names: Mapping[str, str], selection: Selection) -> Pick:
    kept = tuple(name for name in selection.shared.builds if name not in names)
    return Pick(
        name=f"build of {runtime}",
        label=f"build of {runtime}",
        options=names,
        chosen=next(name for name in names if name in selection.shared.builds),
        changes=lambda value: {"builds": (*kept, value)},
    )


def _left_out(count: int) -> str:
    rows = "1 row was" if count == 1 else f"{count} rows were"
    return (
        f"{rows} measured here with another build of the runtime and left out: times and memory of "
        "two builds are never ranked together. Pick the build above."
    )


def empty(library: Library) -> Iterator[Block]:
    """Advice on how to fill an empty store."""
    yield Heading("No runs yet")
    yield Text(f"There is no record in {', '.join(library.folders())}. Fill it:")
    yield Code("weighin run")
    yield Text(
        "measures the embedded model on the suite `quick`; `weighin run my-model.gguf` measures "
        "your own. What is measured appears here by itself when the page is next used; "
        "`weighin board --store DIR` shows another folder."
    )


def selected(library: Library, view: View) -> Generator[Block, None, Selection | None]:
    """The conditions that a page is about, with their boxes; None in an empty store, which says
    how to fill it.
    """
    selection = library.selected(view)
    if selection is None:
        yield from empty(library)
        return None
    yield from conditions(selection)
    return selection


def stale_links(library: Library, selection: Selection, wanted: Sequence[str]) -> Iterator[Block]:
    """A note for each candidate that the address names and the selection lacks."""
    known = {row.record.candidate.digest for row in selection.rows}
    for digest in wanted:
        if digest not in known:
            yield Note(missing(library.rows(), digest), "link")


def pick_known(
    field: str, label: str, options: Mapping[str, str], view: View, *, first: str
) -> Iterator[Block]:
    """A box for one field of the view; a value that is not known here is said and replaced."""
    wanted = getattr(view, field)
    if wanted and wanted not in options:
        yield Note(f'{label} "{wanted}" is not known here; showing another', "link")
    yield pick_field(field, label, options, wanted if wanted in options else first)


def recommended(library: Library, selection: Selection, view: View) -> list[str]:
    """Digests of the runner-up and, last, of the recommendation; of any row where nothing fits."""
    choice = library.overview(selection, view).choice
    found = [row.record.candidate.digest for row in (choice.other, choice.row) if row is not None]
    return found or [selection.rows[0].record.candidate.digest]


def recommended_within(view: View) -> Iterator[Block]:
    """The Overview's limits, which act on what another page opens with, and a way to drop them."""
    if not view.limits:
        return
    said = []
    for key, value in view.limits:
        metric = METRICS[key]
        word = "at most" if metric.better == "lower" else "at least"
        said.append(f"{metric.title} {word} {value:g} {metric.unit.symbol}".strip())
    yield Text(
        f"The limits of the Overview hold here, too, for what is recommended: {'; '.join(said)}.",
        small=True,
    )
    yield Reset("Remove the limits", ("limits",))


def candidate(library: Library, selection: Selection, view: View) -> Generator[Block, None, Row]:
    """A box for the one candidate that a page is about; returns its row."""
    yield from recommended_within(view)
    rows = {row.record.candidate.digest: row for row in selection.rows}
    wanted = view.candidates
    yield from stale_links(library, selection, wanted[:1])
    chosen = (
        wanted[0] if wanted and wanted[0] in rows else recommended(library, selection, view)[-1]
    )
    rest = tuple(digest for digest in wanted if digest != chosen)
    yield Shown({"candidates": (chosen, *(rest if wanted[:1] == (chosen,) else rest[1:]))})
    yield Pick(
        name="candidate",
        label="candidate",
        options=labels([row.record for row in selection.rows]),
        chosen=chosen,
        changes=lambda value: {
            "candidates": (value, *(one for one in wanted[1:] if one != value)),
            "run": "",
        },
    )
    return rows[chosen]


def several(
    library: Library, selection: Selection, view: View, most: int
) -> Generator[Block, None, list[Row]]:
    """A box for two or more candidates, the first of which is the reference; returns their rows."""
    yield from recommended_within(view)
    rows = {row.record.candidate.digest: row for row in selection.rows}
    wanted = [digest for digest in view.candidates if digest != NOBODY]
    yield from stale_links(library, selection, wanted)
    chosen = [digest for digest in wanted if digest in rows][:most]
    if NOBODY not in view.candidates:
        others = (*recommended(library, selection, view), *rows) if len(chosen) < 2 else ()
        missing_two = [one for one in dict.fromkeys(others) if one not in chosen]
        chosen += missing_two[: max(0, 2 - len(chosen))]
    yield PickSeveral(
        name="candidates",
        label="candidates, the first is the reference",
        options=labels([row.record for row in selection.rows]),
        chosen=tuple(chosen),
        changes=lambda found: {"candidates": found if len(found) > 1 else (*found, NOBODY)},
        most=most,
    )
    if NOBODY not in view.candidates:
        yield Shown({"candidates": tuple(chosen)})
    return [rows[digest] for digest in chosen]


def compare_runs(reference: str, other: str, label: str) -> Go:
    """What compares two runs, the reference first."""
    return Go(label=label, page="compare", changes={"sides": (reference, other)})


def sides_of(library: Library, rows: Sequence[Row]) -> list[Side]:
    """The runs of each row."""
    records = library.stores().records
    return [Side(runs=runs_of(row.record, records)) for row in rows]


def _unanswered(record: Record, reason: str) -> str:
    """Why a run has no answers by item: how it ended, else what is wrong with its file."""
    name, error = record.candidate.name, record.error
    if error is not None:
        return f"{name}: {record.status} in {error.phase}: {error.message}"
    return f"{name}: no answers by item: {reason}"


def answered(library: Library, sides: Sequence[Side]) -> Generator[Block, None, list[Side]]:
    """Sides of a comparison with the answers of their scored runs, where there are any; one note
    says which have none.
    """
    found, missing_ones = [], []
    for side in sides:
        answers, reason = library.answers(side.scored.run_id)
        if reason:
            missing_ones.append(_unanswered(side.scored, reason))
        found.append(replace(side, samples=answers.samples) if answers else side)
    if len(missing_ones) > 1:
        yield Note(
            f"{len(missing_ones)} of {len(sides)} have no answers by item. {missing_ones[0]}",
            "warning",
        )
    elif missing_ones:
        yield Note(missing_ones[0], "warning")
    return found
