"""Limits, filters and weights of the overview: what one has, what is asked for, what counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from leaderboard.choose.limits import weighted_accuracy
from leaderboard.pages.blocks import Bar, Block, Popover
from leaderboard.pages.controls import Changes, PickNumber, PickSeveral, Presets, Reset
from leaderboard.pages.presets import HEADROOM_PERCENT, Preset, left_for_model
from leaderboard.rows.abilities import task_weights
from leaderboard.rows.classes import CLASS_WORDS, classes_of
from leaderboard.rows.gpu import VRAM
from leaderboard.rows.metric import Limit, Metric
from leaderboard.rows.metrics import limited
from leaderboard.rows.row import Row
from leaderboard.rows.shown import applies
from leaderboard.rows.view import UNLIMITED, View
from leaderboard.units import format_range, mib

ANY = "any"
NO_WORDS: Mapping[str, str] = {}


def presets(known: Sequence[Preset], view: View, rows: Sequence[Row] = ()) -> Iterator[Block]:
    """A button for each computer, and the headroom that is kept of its memory."""
    if not known:
        return
    kept = _kept(view)
    free = {"limits": _limits_of(view, None, None)}
    buttons = [("preset", "any computer", free, _free(view))]
    gpu = any(row.record.gpu is not None for row in rows)
    for one in known:
        most = round(mib(left_for_model(one.memory_bytes, kept)))
        # A computer of which no GPU is said has none for those that need one.
        vram = round(mib(one.vram_bytes or 0)) if gpu else None
        changes = {"limits": _limits_of(view, most, vram)}
        buttons.append((f"preset:{one.name}", one.title, changes, _is_set(view, most, vram)))
    yield Presets("I deploy on", tuple(buttons), _ONLY_MEMORY)


def _limits_of(view: View, memory: float | None, vram: float | None) -> Bounds:
    """The view's limits with those of a computer; its GPU's memory is nobody else's."""
    with_memory = replace(view, limits=view.limits_with("memory", memory))
    return with_memory.limits_with(VRAM, vram)


def _is_set(view: View, memory: float, vram: float | None) -> bool:
    return (view.limit("memory"), view.limit(VRAM)) == (memory, vram)


Bounds = tuple[tuple[str, float], ...]
_ONLY_MEMORY = "Sets the limit of memory. Speed is that of the machine that was measured."


def _free(view: View) -> bool:
    return view.limit("memory") is None


def filters(rows: Sequence[Row], view: View) -> Iterator[Block]:
    """Limits in a row, with the range of what these rows have; filters on demand."""
    had, done = (
        [
            _box(metric, limit, rows, view, narrow=True)
            for metric, limit in limited()
            if limit.part == part and (view.limit(metric.key) is not None or applies(metric, rows))
        ]
        for part in ("have", "do")
    )
    behind = tuple(_models(rows, view))
    count = sum(bool(getattr(view, name)) for name in _BEHIND) + sum(
        view.limit(metric.key) is not None for metric, limit in limited() if limit.part == "choose"
    )
    title = f"More filters ({count} set)" if count else "More filters"
    boxes: tuple[Block, ...] = (
        *had,
        _headroom(view),
        *done,
        Popover(title, behind),
        *_reset(view),
    )
    yield Bar(boxes, folds="Limits and filters")


_BEHIND = (
    "licences", "families", "architectures", "runtimes", "classes", "perplexity_percent",
)  # fmt: skip


def _reset(view: View) -> Iterator[Reset]:
    plain = View()
    if any(getattr(view, name) != getattr(plain, name) for name in UNLIMITED):
        yield Reset("Reset filters", UNLIMITED)


def _models(rows: Sequence[Row], view: View) -> Iterator[Block]:
    """What may be chosen, and what counts."""
    candidates = [row.record.candidate for row in rows]
    classes = [classes_of(row.record) for row in rows]
    told_apart = classes if len(set(classes)) > 1 else ()
    for label, field, names in (
        ("licence", "licences", [one.licence for one in candidates]),
        ("family", "families", [one.family for one in candidates]),
        ("architecture", "architectures", [one.architecture or "" for one in candidates]),
        ("runtime", "runtimes", [one.runtime for one in candidates]),
    ):
        yield from _names(label, field, names, view)
    yield from _names("class", "classes", [*chain(*told_apart)], view, CLASS_WORDS)
    for metric, limit in limited():
        if limit.part == "choose":
            yield _box(metric, limit, rows, view)
    yield _fidelity(view)


def _box(
    metric: Metric, limit: Limit, rows: Sequence[Row], view: View, *, narrow: bool = False
) -> PickNumber:
    most, here = metric.better == "lower", _shown(metric, rows, view)
    return PickNumber(
        name=limit.address,
        label=f"{'max' if most else 'min'} {limit.label}",
        chosen=view.limit(metric.key),
        least=0.0,
        most=None if limit.most == float("inf") else limit.most,
        step=_step(here),
        changes=lambda value: {"limits": view.limits_with(metric.key, value)},
        empty=_range(here),
        decimals=None,
        narrow=narrow,
    )


def _shown(metric: Metric, rows: Sequence[Row], view: View) -> list[float]:
    if metric.over == "items":
        stored = [weighted_accuracy(row, task_weights(view, rows)) for row in rows]
    else:
        stored = [row.value(metric.key) for row in rows]
    return [metric.unit.scale(value) for value in stored if value is not None]


def _range(found: Sequence[float]) -> str:
    """Text of an empty box: that anything goes, and what there is."""
    known = f"{ANY} ({format_range(min(found), max(found))})" if found else ""
    return known or f"{ANY} (not measured)"


def _step(found: Sequence[float]) -> float:
    """A power of ten, between a hundredth and a tenth of the largest value; at least 1."""
    largest = max(found, default=1.0)
    step = 1.0
    while step * 100 <= largest:
        step *= 10
    return step


def _kept(view: View) -> float:
    return HEADROOM_PERCENT if view.headroom_percent is None else view.headroom_percent


def _headroom(view: View) -> PickNumber:
    """The share for the app; with it the limit moves that a preset has set."""
    kept = _kept(view)

    def changes(value: float | None) -> Changes:
        wanted = HEADROOM_PERCENT if value is None else value
        given = None if wanted == HEADROOM_PERCENT else wanted
        memory = view.limit("memory")
        if memory is None:
            return {"headroom_percent": given}
        whole = memory / (1 - kept / 100)
        moved = view.limits_with("memory", round(left_for_model(whole, wanted)))
        return {"limits": moved, "headroom_percent": given}

    return PickNumber(
        name="headroom_percent",
        label="app headroom, %",
        hint="Share of a computer's memory that its limit leaves to the app around the model.",
        narrow=True,
        chosen=kept,
        least=0.0,
        most=90.0,
        step=5.0,
        changes=changes,
        decimals=0,
    )


def _fidelity(view: View) -> PickNumber:
    """How much more perplexing a quantisation's answers may be, to be shipped from a tie."""
    return PickNumber(
        name="perplexity_percent",
        label="max perplexity increase of the answers, %",
        chosen=view.perplexity_percent,
        least=0.0,
        most=1000.0,
        step=1.0,
        changes=lambda value: {"perplexity_percent": value},
        empty=ANY,
        decimals=None,
    )


def _names(
    label: str,
    field: str,
    found: Sequence[str],
    view: View,
    words: Mapping[str, str] = NO_WORDS,
) -> Iterator[PickSeveral]:
    """A box of names, where there is a choice; those that have words in the words' order."""
    chosen: tuple[str, ...] = getattr(view, field)
    order = {name: place for place, name in enumerate(words)}
    known = sorted({*filter(None, found), *chosen}, key=lambda one: (order.get(one, -1), one))
    if len(known) > 1 or chosen:
        yield PickSeveral(
            name=field,
            label=label,
            options={name: words.get(name, name) for name in known},
            chosen=chosen,
            changes=lambda names: {field: names},
            empty=ANY,
        )
