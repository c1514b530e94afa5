"""Two measurements of one candidate, picked by date: before and after, here and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from leaderboard.compare.comparison import Side
from leaderboard.pages.blocks import Beside, Block, Note, Shown
from leaderboard.pages.controls import Pick, Reset
from leaderboard.pages.library import Library
from leaderboard.rows.conditions import budget_name, machine_in_full, machine_name, suite_in_full
from leaderboard.rows.repeats import runs_of
from leaderboard.rows.view import View
from leaderboard.runs.history import changes, history, versions
from leaderboard.units import format_minute
from runners.records.record import Record

MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sides of a comparison, the reference first, and what to call them."""

    sides: tuple[Side, ...]
    names: tuple[str, ...]


def pick_runs(library: Library, view: View) -> Generator[Block, None, Pair | None]:
    """Boxes for the two runs that the address names, and what differs in how they were made.

    Returns:
        None where the address names no two runs that are here: that is said.
    """
    records = library.stores().records
    by_id = {record.run_id: record for record in records}
    for run_id in view.sides:
        if run_id not in by_id:
            yield Note(f'run "{run_id}" is not here', "link")
    leads = [by_id[run_id] for run_id in view.sides if run_id in by_id][:MOST]
    if len(leads) < MOST:
        yield Shown({"sides": ()})
        return None
    yield from _boxes(records, leads)
    yield Note(_differences(*leads), "info")
    return Pair(sides=_sides(records, leads), names=_names(leads))


def _boxes(records: Sequence[Record], leads: Sequence[Record]) -> Iterator[Block]:
    options = _options(records, leads)
    boxes = []
    for place, (label, lead) in enumerate(
        zip(("reference", "compared with it"), leads, strict=True)
    ):
        ids = [one.run_id for one in leads]

        def changed(value: str, place: int = place, ids: list[str] = ids) -> dict[str, object]:
            return {"sides": (*ids[:place], value, *ids[place + 1 :])}

        boxes.append(
            Pick(
                name=f"side {place}",
                label=label,
                options=options,
                chosen=lead.run_id,
                changes=changed,
            )
        )
    yield Beside(tuple((box,) for box in boxes))
    yield Reset("Compare candidates instead", ("sides",))


def _options(records: Sequence[Record], leads: Sequence[Record]) -> dict[str, str]:
    """Measurements of the candidates of both runs, the newest first, and the two themselves."""
    names = dict.fromkeys(lead.candidate.name for lead in leads)
    points = [
        point.row.record
        for name in names
        for line in history(records, name)
        for point in line.points
    ]
    found = {record.run_id: record for record in (*points, *leads)}
    newest = sorted(found.values(), key=lambda one: (one.created_at, one.run_id), reverse=True)
    return {one.run_id: _label(one, several=len(names) > 1) for one in newest}


def _label(record: Record, *, several: bool) -> str:
    parts = [
        format_minute(record.created_at),
        *([record.candidate.name] if several else []),
        machine_name(record),
        f"{record.candidate.runtime} {record.software.runtime_version or ''}".strip(),
        f"{record.suite.name} v{record.suite.version}",
        *([] if record.status == "completed" else [str(record.status)]),
    ]
    return " · ".join(parts)


def _sides(records: Sequence[Record], leads: Sequence[Record]) -> tuple[Side, ...]:
    """Each run with its batch's repeats; by itself where both are of one batch."""
    runs = [runs_of(lead, records, one_batch=True) for lead in leads]
    shared = {run.run_id for run in runs[0]} & {run.run_id for run in runs[1]}
    if shared:
        runs = [(lead,) for lead in leads]
    return tuple(Side(runs=tuple(one)) for one in runs)


def _names(leads: Sequence[Record]) -> tuple[str, ...]:
    """What tells the two apart: the candidate, the machine, the date, at last the run's id."""
    ways: tuple[Callable[[Record], str], ...] = (
        lambda lead: lead.candidate.name,
        machine_name,
        lambda lead: format_minute(lead.created_at),
    )
    apart = [way for way in ways if len({way(lead) for lead in leads}) == len(leads)]
    if not apart:
        return tuple(lead.run_id for lead in leads)
    return tuple(", ".join(way(lead) for way in apart) for lead in leads)


def _differences(reference: Record, other: Record) -> str:
    """How the two were made, as far as it differs."""
    placed: Mapping[str, tuple[str, str]] = {
        "candidate": (reference.candidate.name, other.candidate.name),
        "machine": (machine_in_full(reference), machine_in_full(other)),
        "suite": (suite_in_full(reference), suite_in_full(other)),
        "budget": (budget_name(reference), budget_name(other)),
    }
    found = [f"{what}: {a} -> {b}" for what, (a, b) in placed.items() if a != b]
    a, b = versions(reference), versions(other)
    if reference.candidate.name != other.candidate.name:
        b = replace(b, candidate=a.candidate)
    found += changes(a, b)
    if not found:
        return "Nothing differs in how the two were measured: same machine, versions and weights."
    return f"What differs: {'; '.join(found)}."
