"""Controls of a page as data: each says how the view changes when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Changes = Mapping[str, Any]
"""Fields of a `View` with their new values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A box of one choice, which changes the view."""

    name: str
    """Unique on its page."""
    label: str
    options: Mapping[str, str]
    """Value -> what it is called."""
    chosen: str
    changes: Callable[[str], Changes]
    buttons: bool = False
    """A row of buttons instead of a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickSeveral:
    """A box of several choices, which changes the view."""

    name: str
    label: str
    options: Mapping[str, str]
    chosen: tuple[str, ...]
    changes: Callable[[tuple[str, ...]], Changes]
    most: int | None = None
    empty: str = ""
    """What the box says where nothing is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickNumber:
    """A number that can be typed, which changes the view."""

    name: str
    label: str
    chosen: float | None
    """The number; None where nothing is typed, which `empty` allows."""
    least: float
    most: float | None
    step: float
    changes: Callable[[float | None], Changes]
    empty: str | None = None
    """What the box says where nothing is typed; None: a number must stand there."""
    decimals: int | None = 1
    """Digits behind the point; None: as many as there are."""
    hint: str = ""
    """Shown when the label is pointed at."""
    narrow: bool = False
    """One of several in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Words to search for, which change the view."""

    name: str
    label: str
    chosen: str
    changes: Callable[[str], Changes]
    example: str = ""
    """What the box says where nothing is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """A button that opens another page with a changed view."""

    label: str
    page: str
    changes: Changes
    possible: bool = True


@dataclass(frozen=True, slots=True)
class Presets:
    """Buttons that each change the view at once."""

    label: str
    buttons: tuple[tuple[str, str, Changes, bool], ...]
    """Name, what it says, what it changes, and whether the view is so already."""
    hint: str = ""
    """Shown when the label is pointed at."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A button that gives fields of the view their defaults again."""

    label: str
    fields: tuple[str, ...]
    name: str = "off"
    """Unique on its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to save."""

    label: str
    file: str
    mime: str
    content: Callable[[], str | bytes]
    """Makes the file when it is asked for."""
    possible: bool = True


def pick_field(field: str, label: str, options: Mapping[str, str], chosen: str) -> Pick:
    """A box of one choice that sets one field of the view."""
    return Pick(
        name=field,
        label=label,
        options=options,
        chosen=chosen,
        changes=lambda value: {field: value},
    )
