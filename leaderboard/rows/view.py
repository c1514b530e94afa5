"""The view: every filter of the board, as it stands in the address.

Numbers are in the units that people set them in, which the names say; `limits` turns them into
seconds and bytes. Whatever an address holds, a view comes out, with what was wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from evals.errors import did_you_mean
from leaderboard.rows.metrics import axes, limited

Query = dict[str, list[str]]
"""An address's parameters: a key may come several times."""
MOST_TEXT = 500
Prefer = Literal["smallest", "fastest", "accurate"]
PREFERENCES: tuple[Prefer, ...] = get_args(Prefer)
"""Preferences among the candidates that tie with the most accurate."""
MOST_WEIGHT = 100.0
UNLIMITED = (
    "limits", "licences", "families", "architectures", "runtimes", "classes", "weights", "prefer",
    "perplexity_percent",
)  # fmt: skip
"""The fields that say what fits and how it is scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of the board; a default says that nothing was chosen."""

    machine: str = ""
    """Fingerprint; empty: the board's own machine, else the one that was measured last."""
    suite: str = ""
    """Digest; empty: the one with the most candidates."""
    budget: str = ""
    """Budget as in `leaderboard.rows.conditions.Place`; empty: without one."""
    builds: tuple[str, ...] = ()
    """Builds to show, at most one of each runtime; of a runtime that is not named, that with most
    candidates."""
    limits: tuple[tuple[str, float], ...] = ()
    """Limits by key of METRICS and in their order, in the unit that they are shown in."""
    licences: tuple[str, ...] = ()
    """Licences that are admitted; empty: any. So are the next three."""
    families: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Classes that are admitted (`leaderboard.rows.classes`)."""
    weights: tuple[tuple[str, float], ...] = ()
    """Weight of each task or group in the mean accuracy; those equal to 1 are left out."""
    prefer: Prefer = "smallest"
    """Preference among those that tie with the most accurate."""
    x: str = "memory"
    """Horizontal axis of the trade-off plot, one of `metrics.axes`."""
    columns: tuple[str, ...] = ()
    """Extra columns of the ranked table; empty: its usual ones."""
    sort: str = ""
    """Column; a minus in front: from the largest down. Empty: by rank."""
    search: str = ""
    candidates: tuple[str, ...] = ()
    """Digests: the one that the Candidate panel shows, and those that Compare compares, which are
    ticked in the ranked table."""
    sides: tuple[str, ...] = ()
    """Two runs that Compare compares instead of candidates, the reference first."""
    pins: tuple[str, ...] = ()
    """Digests of those that stand on top of the ranked table, whatever is searched for."""
    run: str = ""
    """A single run of that candidate; empty: the newest that was scored."""
    family: str = ""
    """Family of the page on quantisations."""
    name: str = ""
    """Candidate by name, over all its versions: of the history."""
    other: str = ""
    """Digest: of those that Compare compares with the first, the one shown in detail."""
    history: str = ""
    """The number that the history follows."""
    workload: str = ""
    task: str = ""
    items: str = ""
    """Text to search for among items that two candidates answered differently."""
    term: str = ""
    """Word of the glossary that the page on the method begins with."""
    margin_points: float | None = None
    """Largest acceptable loss of accuracy, in percentage points."""
    perplexity_percent: float | None = None
    """Largest acceptable increase of the perplexity of the reference's answers, per cent."""
    model: str = ""
    """Model to write a command for: as it was typed."""
    against: str = ""
    """What the command holds it against."""
    on_suite: str = ""
    """Name of the command's suite; empty: its default."""
    on_budget: str = ""
    """Name of the command's budget; empty: none."""
    repeats: float | None = None
    """Process runs of the command; None: one."""

    headroom_percent: float | None = None
    """Share of a computer's memory that is kept for the app; None: the usual one."""

    def limit(self, key: str) -> float | None:
        """The limit on a metric, as it is shown; None: anything goes."""
        return dict(self.limits).get(key)

    def limits_with(self, key: str, value: float | None) -> tuple[tuple[str, float], ...]:
        """The limits with one of them set, or taken away where its value is None."""
        found = {**dict(self.limits), key: value}
        ordered = [(metric.key, found.get(metric.key)) for metric, _ in limited()]
        return tuple((name, limit) for name, limit in ordered if limit is not None)


@dataclass(frozen=True, slots=True)
class _Key:
    """Form of one field in an address."""

    name: str
    read: Callable[[Sequence[str]], Any]
    """Raises ValueError, whose text says what would do."""
    write: Callable[[Any], list[str]]


def read_query(query: Mapping[str, Sequence[str]]) -> tuple[View, tuple[str, ...]]:
    """A view from an address.

    Args:
        query: each key with its values.

    Returns:
        The view, and a sentence for each parameter that was wrong and so counts as not given.
    """
    keys, bounds = _keys(), _bounds()
    known = [key.name for key in (*keys.values(), *bounds.values())]
    problems = [
        f'"{name}" is no filter of the board{did_you_mean(name, known)}'
        for name in query
        if name not in known and not name.startswith("embed")  # Streamlit's own
    ]
    chosen, wrong = _read(keys, query)
    limits, beyond = _read(bounds, query)
    view = View(**chosen, limits=tuple(limits.items()))
    return view, (*problems, *beyond, *wrong)


def _read(
    keys: Mapping[str, _Key], query: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], list[str]]:
    """Values of an address under these keys, and its faults."""
    found: dict[str, Any] = {}
    problems = []
    for field, key in keys.items():
        values = query.get(key.name)
        if not values:
            continue
        try:
            found[field] = key.read(values)
        except ValueError as error:
            shown = ", ".join(value[:60] for value in values)
            problems.append(f'{key.name}="{shown}": {error}')
    return found, problems


def write_query(view: View) -> Query:
    """The address of a view: what differs from the default."""
    plain, bounds = View(), _bounds()
    chosen = {
        key.name: key.write(getattr(view, field))
        for field, key in _keys().items()
        if getattr(view, field) != getattr(plain, field)
    }
    limits = {bounds[key].name: bounds[key].write(value) for key, value in view.limits}
    return {**limits, **chosen}


def task_weights(view: View) -> dict[str, float] | None:
    """Weights of tasks and groups; None where all count the same, as in the suite's own score."""
    return dict(view.weights) or None


def _one(values: Sequence[str]) -> str:
    if len(values) > 1:
        raise ValueError("give it once")
    return values[0]


def _number(most: float = math.inf) -> tuple[Callable[[Sequence[str]], float], Any]:
    def read(values: Sequence[str]) -> float:
        text = _one(values)
        try:
            found = float(text)
        except ValueError:
            raise ValueError("not a number") from None
        if not math.isfinite(found) or not 0 <= found <= most:
            upper = "" if most == math.inf else f" and {most:g}"
            raise ValueError(f"must lie between 0{upper}" if upper else "must be 0 or more")
        return found

    return read, lambda value: [f"{value:g}" if float(f"{value:g}") == value else repr(value)]


def _text(values: Sequence[str]) -> str:
    found = _one(values)
    if len(found) > MOST_TEXT:
        raise ValueError(f"longer than {MOST_TEXT} characters")
    return found


def _choice(known: Sequence[str]) -> Callable[[Sequence[str]], str]:
    def read(values: Sequence[str]) -> str:
        found = _one(values)
        if found not in known:
            raise ValueError(f"not one of {', '.join(known)}")
        return found

    return read


def _names(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_text([value]) for value in values if value))


def _weights(values: Sequence[str]) -> tuple[tuple[str, float], ...]:
    read, _ = _number(MOST_WEIGHT)
    found = {}
    for value in values:
        name, colon, weight = _text([value]).rpartition(":")
        if not colon or not name:
            raise ValueError("give TASK:WEIGHT, e.g. boolq:0.5")
        found[name] = read([weight])
    return tuple(found.items())


def _write_weights(weights: tuple[tuple[str, float], ...]) -> list[str]:
    _, write = _number()
    return [f"{name}:{write(weight)[0]}" for name, weight in weights]


def _keys() -> dict[str, _Key]:
    most = {
        "margin_points": 100.0,
        "headroom_percent": 90.0,
        "perplexity_percent": 1000.0,
        "repeats": 100.0,
    }
    # A field of several names comes as often as it has names, so its key is in the singular.
    several = {
        "licences": "licence",
        "builds": "build",
        "families": "in_family",
        "architectures": "architecture",
        "runtimes": "runtime",
        "classes": "class",
        "columns": "column",
        "candidates": "candidate",
        "sides": "side",
        "pins": "pin",
    }
    found = {}
    for one in fields(View):
        if one.name == "limits":
            continue
        if one.name in most:
            found[one.name] = _Key(one.name, *_number(most[one.name]))
        elif one.name in several:
            found[one.name] = _Key(several[one.name], _names, list)
        elif one.name == "weights":
            found[one.name] = _Key("weight", _weights, _write_weights)
        else:
            choices = {"x": axes(), "prefer": PREFERENCES}.get(one.name)
            read = _choice(choices) if choices else _text
            found[one.name] = _Key(one.name, read, lambda value: [value])
    return found


def _bounds() -> dict[str, _Key]:
    """Forms of the limits in an address, by key of METRICS."""
    return {metric.key: _Key(limit.address, *_number(limit.most)) for metric, limit in limited()}
