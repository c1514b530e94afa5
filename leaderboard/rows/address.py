"""A view as it stands in an address, and back.

Whatever an address holds, a view comes out, with what was wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from evals.abilities import TITLES, is_ability
from evals.errors import did_you_mean
from leaderboard.rows.metrics import axes, limited
from leaderboard.rows.view import MOST_WEIGHT, PREFERENCES, View

Query = dict[str, list[str]]
"""An address's parameters: a key may come several times."""
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class _Key:
    """Form of one field in an address."""

    name: str
    read: Callable[[Sequence[str]], Any]
    """Raises ValueError, whose text says what would do."""
    write: Callable[[Any], list[str]]


def known_keys() -> list[str]:
    """The parameters of an address that mean something."""
    return [key.name for key in (*_keys().values(), *_bounds().values())]


def read_query(query: Mapping[str, Sequence[str]]) -> tuple[View, tuple[str, ...]]:
    """A view from an address.

    Args:
        query: each key with its values.

    Returns:
        The view, and a sentence for each parameter that was wrong and so counts as not given.
    """
    keys, bounds = _keys(), _bounds()
    known = known_keys()
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


Pairs = tuple[tuple[str, float], ...]


def _pairs(most: float, form: str) -> tuple[Callable[[Sequence[str]], Pairs], Any]:
    """Names with a number each: `boolq:0.5`."""
    number, write = _number(most)

    def read(values: Sequence[str]) -> Pairs:
        found = {}
        for value in values:
            name, colon, given = _text([value]).rpartition(":")
            if not colon or not name:
                raise ValueError(f"give {form}")
            found[name] = number([given])
        return tuple(found.items())

    return read, lambda pairs: [f"{name}:{write(one)[0]}" for name, one in pairs]


def _abilities(most: float, form: str) -> tuple[Callable[[Sequence[str]], Pairs], Any]:
    """The same of abilities, in one value or several: `tools:3,code:1`."""
    read, write = _pairs(most, form)

    def read_listed(values: Sequence[str]) -> Pairs:
        found = read([one for value in values for one in value.split(",") if one])
        for name, _ in found:
            if not is_ability(name):
                raise ValueError(f"{name} is no ability, e.g. {', '.join(TITLES)}")
        return found

    return read_listed, write


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
        "measured": "measures",
    }
    pairs = {
        "weights": _Key("weight", *_pairs(MOST_WEIGHT, "TASK:WEIGHT, e.g. boolq:0.5")),
        "ability_weights": _Key(
            "ability", *_abilities(MOST_WEIGHT, "ABILITY:WEIGHT, e.g. tools:3,code:1")
        ),
        "ability_limits": _Key("min_ability", *_abilities(100.0, "ABILITY:PERCENT, e.g. tools:50")),
    }
    found = {}
    for one in fields(View):
        if one.name == "limits":
            continue
        if one.name in most:
            found[one.name] = _Key(one.name, *_number(most[one.name]))
        elif one.name in several:
            found[one.name] = _Key(several[one.name], _names, list)
        elif one.name in pairs:
            found[one.name] = pairs[one.name]
        else:
            choices = {"x": axes(), "prefer": PREFERENCES}.get(one.name)
            read = _choice(choices) if choices else _text
            found[one.name] = _Key(one.name, read, lambda value: [value])
    return found


def _bounds() -> dict[str, _Key]:
    """Forms of the limits in an address, by key of METRICS."""
    return {metric.key: _Key(limit.address, *_number(limit.most)) for metric, limit in limited()}
