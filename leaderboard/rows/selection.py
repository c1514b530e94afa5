"""Select the rows of a view: one machine, suite, budget and build a runtime, never a mixture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evals.abilities import ability_title
from leaderboard.rows.abilities import abilities
from leaderboard.rows.conditions import (
    Place,
    budget_name,
    build_name,
    conditions,
    machine_in_full,
    machine_name,
    suite_in_full,
)
from leaderboard.rows.peers import Shared, builds, places, sharing
from leaderboard.rows.row import Row
from leaderboard.rows.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows that may be ranked together, and what else could have been chosen."""

    shared: Shared
    rows: tuple[Row, ...]
    machines: Mapping[str, str]
    """Fingerprint -> what to call it."""
    suites: Mapping[str, str]
    """Digest -> name, of what was measured on that machine."""
    budgets: Mapping[str, str]
    """Budgets of that machine and suite."""
    builds: Mapping[str, Mapping[str, str]]
    """Builds under that machine, suite and budget: runtime -> its builds, each with its name."""
    left_out: int = 0
    """Rows measured there with another build, which are not among `rows`."""
    problems: tuple[str, ...] = ()
    """Sentences on what the view asked for and there is not."""


def select(
    rows: Sequence[Row], view: View, *, here: str = "", shipped: Collection[str] = ()
) -> Selection | None:
    """The rows of the conditions that a view names.

    Where it names none, those of the machine that the board runs on, if it has any, else of the
    machine that was measured last; and there of the suite and budget that were measured most.

    Args:
        rows: of all conditions.
        view: what is looked at; where it names no suite, one that measures its abilities is taken,
            if there is one.
        here: the fingerprint of the machine that the board runs on.
        shipped: fingerprints of machines whose runs come with Weighin.

    Returns:
        None where there is no row at all.
    """
    groups = places(rows)
    if not groups:
        return None
    problems: list[str] = []
    lacking: Mapping[str, str] = {}
    wanted = (view.machine, view.suite, view.budget)
    left = list(groups)
    offered: list[dict[str, str]] = []
    for level, field in enumerate(Place._fields):
        there = _ordered(groups, level, left, first=here if field == "machine" else None)
        names = _names(field, there, groups, left, level)
        if field == "machine":
            words = dict.fromkeys(shipped, "reference, shipped") | {here: "this machine"}
            names = {
                one: f"{words[one]} {_DOT} {name}" if one in words else name
                for one, name in names.items()
            }
        offered.append(names)
        chosen = wanted[level]
        if field == "suite":
            lacking = _lacking(there, [row for key in left for row in groups[key]], view)
            there = sorted(there, key=lambda one: one in lacking)
        if chosen not in there:
            if chosen:
                problems.append(f'{field} "{chosen}" has no run here; showing another')
            # No budget is a choice of its own: it is the plain run, where there is one.
            chosen = "" if field == "budget" and "" in there else there[0]
        if field == "suite" and chosen in lacking:
            problems.append(
                f"suite {names[chosen]} does not measure {lacking[chosen]}, which counts nothing "
                "here"
            )
        left = [key for key in left if key[level] == chosen]
    known = builds(groups[left[0]])
    problems += [
        f'build "{name}" has no run here; showing another'
        for name in view.builds
        if not any(name in of_runtime for of_runtime in known.values())
    ]
    shared = Shared(left[0], tuple(sorted(_build(found, view) for found in known.values())))
    chosen_rows = sharing(rows, shared)
    return Selection(
        shared=shared,
        rows=chosen_rows,
        machines=offered[0],
        suites=offered[1],
        budgets=offered[2],
        builds={
            runtime: {key: build_name(group[0].record) for key, group in found.items()}
            for runtime, found in known.items()
        },
        left_out=len(groups[left[0]]) - len(chosen_rows),
        problems=tuple(problems),
    )


def measuring(rows: Sequence[Row]) -> dict[str, frozenset[str]]:
    """The abilities that each suite measures, by its digest; the one of most rows first."""
    suites: dict[str, list[Row]] = {}
    for row in rows:
        suites.setdefault(row.record.suite.digest, []).append(row)
    ordered = sorted(suites, key=lambda one: (len(suites[one]), _newest(suites[one])), reverse=True)
    return {one: frozenset(abilities(suites[one])) for one in ordered}


def _newest(rows: Sequence[Row]) -> str:
    return max(row.record.run_id for row in rows)


def wanted_abilities(view: View) -> tuple[str, ...]:
    """The abilities that a view's suite must measure: named, weighed or limited."""
    weighed = [name for name, weight in view.ability_weights if weight > 0]
    limited = [name for name, _ in view.ability_limits]
    return tuple(dict.fromkeys([*view.measured, *weighed, *limited]))


def _lacking(suites: Sequence[str], rows: Sequence[Row], view: View) -> dict[str, str]:
    """Suites that do not measure all that a view wants, each with what it lacks, in words."""
    wanted = wanted_abilities(view)
    known = measuring(rows) if wanted else {}
    return {
        suite: ", ".join(ability_title(one) for one in wanted if one not in known[suite])
        for suite in suites
        if not known.get(suite, frozenset(wanted)).issuperset(wanted)
    }


def _build(found: Mapping[str, Sequence[Row]], view: View) -> str:
    """The build of one runtime that a view names, else the one with most rows, then the newest."""
    named = [key for key in found if key in view.builds]
    newest = {key: max(row.record.run_id for row in group) for key, group in found.items()}
    return named[0] if named else max(found, key=lambda key: (len(found[key]), newest[key]))


def _ordered(
    groups: Mapping[Place, Sequence[Row]], level: int, left: Sequence[Place], *, first: str | None
) -> list[str]:
    """The values of one part of a place: `first`, then by what was measured.

    Of machines, where `first` is given, the one with the newest run is next; of suites and budgets
    the one with most rows, and of as many the newest.
    """
    runs: dict[str, list[str]] = {}
    for key in left:
        runs.setdefault(key[level], []).extend(row.record.run_id for row in groups[key])
    by_rows = first is None
    ranks = {
        value: (value == first, len(ids) if by_rows else 0, max(ids), value)
        for value, ids in runs.items()
    }
    return sorted(ranks, key=lambda value: ranks[value], reverse=True)


_DOT = "\N{MIDDLE DOT}"


def _names(
    field: str,
    values: Sequence[str],
    groups: Mapping[Place, Sequence[Row]],
    left: Sequence[Place],
    level: int,
) -> dict[str, str]:
    """What to call each value; a machine in short, where no other has its name."""
    records = {
        value: next(groups[key][0].record for key in left if key[level] == value)
        for value in values
    }
    if field != "machine":
        name = suite_in_full if field == "suite" else budget_name
        return {value: name(record) for value, record in records.items()}
    short = Counter(map(machine_name, records.values()))
    return {
        value: machine_name(one) if short[machine_name(one)] == 1 else machine_in_full(one)
        for value, one in records.items()
    }


def elsewhere(rows: Sequence[Row], row: Row) -> tuple[Row, ...]:
    """The rows of the same candidate under other conditions, the newest first."""
    about = row.record
    found = [
        one
        for one in rows
        if one.record.candidate.digest == about.candidate.digest
        and conditions(one.record) != conditions(about)
    ]
    return tuple(sorted(found, key=lambda one: one.record.run_id, reverse=True))


def missing(rows: Sequence[Row], digest: str) -> str:
    """Why a candidate is not among the rows of a selection: where it was measured instead.

    Args:
        rows: of all conditions.
        digest: the candidate's, as it stands in the address.
    """
    found = [row.record for row in rows if row.record.candidate.digest == digest]
    if not found:
        return f'candidate "{digest}" has no run in these stores'
    last = max(found, key=lambda record: record.run_id)
    suite = f"{last.suite.name} v{last.suite.version}"
    where = ", ".join([machine_in_full(last), build_name(last), suite, budget_name(last)])
    return f"{last.candidate.name} was not measured under these conditions, but on {where}"
