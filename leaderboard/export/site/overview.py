"""The overview of the exported file: answers judged beforehand, a table that filters and sorts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leaderboard.choose.answer import WORDS
from leaderboard.choose.overview import Line, Overview
from leaderboard.export.site.weighings import (
    Weighing,
    judged_cells,
    weighing_buttons,
    weighings,
)
from leaderboard.pages.blocks import Block, Figure, Text
from leaderboard.pages.checks.alarms import failed_check
from leaderboard.pages.library import Library
from leaderboard.pages.measures import shown
from leaderboard.pages.overview.cells import rank_text
from leaderboard.pages.overview.page import measured
from leaderboard.pages.overview.search import ASKED_FOR, fields
from leaderboard.pages.overview.tradeoff import tradeoff, unplotted
from leaderboard.pages.presets import HEADROOM_PERCENT, Preset, left_for_model
from leaderboard.rows.abilities import task_weights
from leaderboard.rows.gpu import VRAM
from leaderboard.rows.guessing import shared_level
from leaderboard.rows.metric import Limit, Metric
from leaderboard.rows.metrics import METRICS, WORKS_FROM, limited
from leaderboard.rows.row import Row
from leaderboard.rows.selection import Selection
from leaderboard.rows.shown import applies, axes_of
from leaderboard.rows.view import PREFERENCES, Prefer, View
from leaderboard.text import html, plain
from leaderboard.units import format_range, mib

if TYPE_CHECKING:
    import plotly.graph_objects as go

ANY = "any"
"""The preset without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The overview under each preset."""

    selection: Selection
    found: Mapping[str, Mapping[Prefer, Overview]]
    """Preset's name -> preference -> the rows judged so; ANY: without a limit."""
    failed: Mapping[str, str]
    """What the newest checks say against candidates, by digest; empty where nothing."""
    weighings: tuple[Weighing, ...] = (Weighing(),)
    """What may count in the accuracy; `found` is judged by the first."""
    others: Mapping[str, Mapping[str, Mapping[Prefer, Overview]]] = field(default_factory=dict)
    """Found by the others, by name."""

    def by(self, weighing: Weighing) -> Mapping[str, Mapping[Prefer, Overview]]:
        """Rows judged by one way to weigh: preset -> preference -> overview."""
        return self.others.get(weighing.name, self.found)

    @property
    def plain(self) -> Overview:
        """The rows judged without a limit, by the usual preference."""
        return self.found[ANY][PREFERENCES[0]]

    @property
    def ranked(self) -> list[Row]:
        """All rows, the best first, whatever their size."""
        return [line.row for line in self.plain.lines]


def bounds(rows: Sequence[Row]) -> list[tuple[Metric, Limit]]:
    """The limits that can be typed: of what a computer has, and of what is asked of it."""
    return [
        (one, limit)
        for part in ("have", "do")
        for one, limit in limited()
        if limit.part == part and one.over != "items" and applies(one, rows)
    ]


def judge(library: Library, view: View, selection: Selection, presets: Sequence[Preset]) -> Judged:
    """Judge a selection without a limit and inside each preset."""
    failed = {row.record.candidate.digest: failed_check(library, row) for row in selection.rows}
    first, *others = weighings(view, selection.rows)
    return Judged(
        selection=selection,
        found=_found(library, first.of(view), selection, presets),
        failed=failed,
        weighings=(first, *others),
        others={one.name: _found(library, one.of(view), selection, presets) for one in others},
    )


def _found(
    library: Library, view: View, selection: Selection, presets: Sequence[Preset]
) -> dict[str, dict[Prefer, Overview]]:
    views = {
        ANY: view,
        **{one.name: replace(view, limits=_limits(one, selection.rows)) for one in presets},
    }
    return {
        name: {
            prefer: library.overview(selection, replace(one, prefer=prefer))
            for prefer in PREFERENCES
        }
        for name, one in views.items()
    }


def _limits(preset: Preset, rows: Sequence[Row]) -> tuple[tuple[str, float], ...]:
    """What a model may use of a computer's memory, and of its GPU's where one was used, MiB."""
    most = round(mib(left_for_model(preset.memory_bytes, HEADROOM_PERCENT)))
    if not applies(METRICS[VRAM], rows):
        return (("memory", most),)
    return ("memory", most), (VRAM, round(mib(preset.vram_bytes or 0)))


def controls(judged: Judged, presets: Sequence[Preset]) -> str:
    """Presets, limits that can be typed, and the answer's place."""
    buttons = "".join(
        f'<button type="button" data-preset="{html(name)}" aria-pressed="false">'
        f"{html(title)}</button>"
        for name, title in [(ANY, "no limit"), *((one.name, one.title) for one in presets)]
    )
    boxes = "".join(_box(metric, limit, judged) for metric, limit in bounds(judged.ranked))
    return (
        f'<div class="presets" role="group" aria-label="Computer">{buttons}</div>'
        f'<p class="small">{HEADROOM_PERCENT:g} % of a computer is kept for your app.</p>'
        f'<div class="limits">{boxes}</div>{weighing_buttons(judged.weighings)}{_preferences()}'
        '<div class="answer" role="status" aria-live="polite"></div>'
        f'<p class="small basis">{html(measured(judged.selection))}</p>'
    )


def _preferences() -> str:
    buttons = "".join(
        f'<button type="button" data-prefer="{name}" aria-pressed="false">{html(WORDS[name])}'
        "</button>"
        for name in PREFERENCES
    )
    return (
        '<div class="prefer" role="group" aria-label="Of those that tie, ship the"><span>Of those '
        f"that tie, ship the</span>{buttons}</div>"
    )


def _box(metric: Metric, limit: Limit, judged: Judged) -> str:
    words = "max" if metric.better == "lower" else "min"
    known = [value for row in judged.ranked if (value := shown(metric, row)) is not None]
    there = format_range(min(known), max(known)) if known else "not measured"
    return (
        f'<label>{words} {html(limit.label)} <input type="number" min="0" step="any" '
        f'inputmode="decimal" placeholder="{there}" data-limit="{html(metric.key)}"></label>'
    )


def _plotted(judged: Judged) -> list[str]:
    """The axes on which there is a point."""
    lines = judged.plain.lines
    return [x for x in axes_of(judged.ranked) if len(unplotted(lines, x)) < len(lines)]


def figures(judged: Judged, view: View) -> Iterator[Block]:
    """Accuracy against each cost, without a limit, for each way to weigh; the script draws limits.

    Args:
        judged: the rows.
        view: the conditions that the file is about.
    """
    for weighing in judged.weighings:
        lines = judged.by(weighing)[ANY][PREFERENCES[0]].lines
        rows = [line.row for line in lines]
        guessing = shared_level(rows, task_weights(weighing.of(view), rows))
        for x in _plotted(judged):
            yield Figure(
                f"{x}{weighing.suffix}",
                _drawn(lines, x, guessing, weighted=bool(weighing.weights)),
                f"Accuracy against {METRICS[x].title}. The table below has the same numbers.",
            )
    yield Text(
        "Pareto line: nothing that fits is as good in both numbers that are shown. "
        "Bars: 95 % intervals, of accuracy over items, of times and memory over process runs. "
        "A click on a point opens the candidate.",
        small=True,
    )


def _drawn(
    lines: Sequence[Line], x: str, guessing: float | None, *, weighted: bool
) -> Callable[[bool], go.Figure]:
    return lambda dark: tradeoff(lines, x, guessing=guessing, weighted=weighted, dark=dark)


def axis_buttons(judged: Judged) -> str:
    """Buttons for the plot's horizontal axis."""
    buttons = "".join(
        f'<button type="button" data-axis="{x}" aria-pressed="false">{html(METRICS[x].title)}'
        "</button>"
        for x in _plotted(judged)
    )
    return f'<div class="axes" role="group" aria-label="Accuracy against">{buttons}</div>'


def data(
    judged: Judged, presets: Sequence[Preset], pairs: Mapping[frozenset[str], str]
) -> dict[str, Any]:
    """Data for the script: numbers of the candidates, and the recommendation for each preset.

    Args:
        judged: the rows under each preset.
        presets: these.
        pairs: digests of two candidates -> the page of their comparison.
    """
    limits = {one.name: dict(_limits(one, judged.ranked)) for one in presets}
    asked = [metric for metric, _ in bounds(judged.ranked)]
    return {
        "candidates": {
            row.record.candidate.digest: _candidate(row, asked) for row in judged.ranked
        },
        "limited": {
            metric.key: {"most": metric.better == "lower", "words": limit.what}
            for metric, limit in bounds(judged.ranked)
        },
        "axes": {
            key: {"lower": METRICS[key].better == "lower", "unit": METRICS[key].unit.symbol}
            for key in axes_of(judged.ranked)
        },
        "asked_for": ASKED_FOR,
        "presets": {
            name: {"limits": limits.get(name, {}), "answers": answers}
            for name, answers in _answers(judged.found, pairs, judged.failed).items()
        },
        "weighings": {
            one.name: {
                "suffix": one.suffix,
                "words": one.words,
                # Of the others the file has no comparison: Compare would have to weigh, too.
                "answers": _answers(judged.others[one.name], {}, judged.failed)
                if one.name in judged.others
                else None,
                "cells": judged_cells(judged.by(one)[ANY][PREFERENCES[0]].lines),
            }
            for one in judged.weighings
        },
    }


def _answers(
    found: Mapping[str, Mapping[Prefer, Overview]],
    pairs: Mapping[frozenset[str], str],
    failed: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Answers by preset and preference."""
    return {
        name: {prefer: _answer(one, pairs, failed) for prefer, one in by_preference.items()}
        for name, by_preference in found.items()
    }


def _candidate(row: Row, asked: Sequence[Metric]) -> dict[str, Any]:
    return {
        "name": plain(row.record.candidate.name),
        "values": {metric.key: _limited(metric, row) for metric in asked},
        "fields": fields(row),
    }


def _limited(metric: Metric, row: Row) -> float | None:
    """Value that a typed limit is held against: for memory the smallest working limit, if known."""
    tried = shown(METRICS[WORKS_FROM], row) if metric.key == "memory" else None
    return shown(metric, row) if tried is None else tried


def _answer(
    found: Overview, pairs: Mapping[frozenset[str], str], failed: Mapping[str, str]
) -> dict[str, Any]:
    both = [row for row in (found.choice.row, found.choice.other) if row is not None]
    chosen = found.choice.row.record.candidate.digest if found.choice.row else ""
    return {
        "claim": plain(found.claim),
        "certainty": plain(f"{found.certainty} {failed.get(chosen, '')}".strip()),
        "nexts": [plain(one) for one in found.answer.nexts],
        "basis": plain(found.basis),
        "chosen": chosen,
        "comparison": pairs.get(frozenset(row.record.candidate.digest for row in both), ""),
        "other": plain(both[-1].record.candidate.name) if both else "",
        "lines": [
            {
                "digest": line.row.record.candidate.digest,
                "rank": rank_text(line),
                "why": "; ".join(plain(reason.text) for reason in line.reasons),
            }
            for line in found.lines
        ],
    }
