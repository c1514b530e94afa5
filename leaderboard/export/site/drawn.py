"""Blocks as HTML. Every text of a record is escaped; what is picked on the board is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

from leaderboard.export.site.names import candidate_name
from leaderboard.pages import blocks as b
from leaderboard.pages import controls, grid, tiles
from leaderboard.pages.overview import answer
from leaderboard.pages.overview.plot_labels import USUAL_WIDTH, fit_labels
from leaderboard.text import html, sentence

MOST_ROWS = 200
"""Lines of a long table that a file holds; the board and `weighin export --samples` have all."""


@dataclass(slots=True)
class Drawing:
    """HTML of pages, and their figures, which the browser draws when they come into sight."""

    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> the figure on a light page, as plotly's JSON."""
    candidates: frozenset[str] = frozenset()
    """Digests of the candidates that have a page."""
    prefix: str = ""
    """Prefix of figures' names, so that two pages share none."""

    def page(self, name: str, blocks: Iterable[b.Block], *, before: str = "") -> str:
        """One page.

        Args:
            name: in the file's address, after the `#`.
            blocks: what it holds.
            before: HTML above them.
        """
        self.prefix = name
        return f'<section id="{html(name)}" class="page">{before}{self.blocks(blocks)}</section>'

    def blocks(self, blocks: Iterable[b.Block]) -> str:
        """HTML of blocks, one after the other."""
        return "".join(self._draw(block) for block in blocks)

    def _link(self, go: controls.Go) -> str:
        """Where a cell leads in the file; empty where the file has no such page."""
        if go.page == "candidate":
            (digest, *_) = go.changes.get("candidates", ("",))
            return f"#{candidate_name(digest)}" if digest in self.candidates else ""
        return f"#{go.page}" if not go.changes else ""

    @singledispatchmethod
    def _draw(self, block: b.Block) -> str:
        raise TypeError(f"no way to write {type(block).__name__}")

    @_draw.register
    def _(self, block: b.Heading) -> str:
        return f"<h{block.level + 1}>{html(block.text)}</h{block.level + 1}>"

    @_draw.register
    def _(self, block: b.Text) -> str:
        kind = ' class="small"' if block.small else ""
        return f"<p{kind}>{_sentence(block.text)}</p>"

    @_draw.register
    def _(self, block: b.Live) -> str:
        return self.blocks(block.then())

    @_draw.register
    def _(self, block: b.Note) -> str:
        return f'<p class="note {block.kind}">{_sentence(block.text)}</p>'

    @_draw.register
    def _(self, block: b.Code) -> str:
        lines = "\n".join(map(html, block.text.split("\n")))
        return f"<pre><code>{lines}</code></pre>"

    @_draw.register
    def _(self, block: b.Tiles) -> str:
        return tiles.as_html(block.tiles)

    @_draw.register
    def _(self, block: b.Table) -> str:
        return grid.as_html(grid.for_a_file(block.grid), self._link)

    @_draw.register
    def _(self, block: b.Figure) -> str:
        name = f"{self.prefix}/{block.name}"
        found = self.figures[name] = figure_json(block)
        height = found["layout"].get("height", 450)
        return (
            f'<div class="figure" role="img" aria-label="{html(block.alt)}" '
            f'data-figure="{html(name)}" data-height="{height:g}"></div>'
        )

    @_draw.register
    def _(self, block: b.Items) -> str:
        return _items(block)

    @_draw.register
    def _(self, block: b.Fold) -> str:
        inner = self.blocks(block.blocks)
        if not inner:
            return ""
        return f"<details><summary>{html(block.title)}</summary>{inner}</details>"

    @_draw.register
    def _(self, block: b.Beside) -> str:
        columns = [self.blocks(inner) for inner in block.columns]
        inner = "".join(f"<div>{column}</div>" for column in columns if column)
        return f'<div class="beside">{inner}</div>' if inner else ""

    @_draw.register
    def _(self, block: controls.Pick) -> str:
        if len(block.options) < 2:
            return ""
        chosen = html(block.options[block.chosen])
        return f'<p class="picked"><span>{html(block.label)}</span> {chosen}</p>'

    @_draw.register
    def _(self, block: b.Answer) -> str:
        return answer.as_html(block)

    @_draw.register(b.Ranked)
    @_draw.register(b.Popover)
    @_draw.register(b.Bar)
    @_draw.register(controls.Presets)
    @_draw.register(controls.Reset)
    @_draw.register(controls.PickSeveral)
    @_draw.register(controls.PickNumber)
    @_draw.register(controls.Search)
    @_draw.register(controls.Go)
    @_draw.register(controls.Download)
    @_draw.register(b.Json)
    @_draw.register(b.Shown)
    def _(self, _block: b.Block) -> str:
        return ""


def _sentence(words: str) -> str:
    return sentence(words, prose=html, code=lambda part: f"<code>{html(part)}</code>")


def figure_json(block: b.Figure) -> dict[str, Any]:
    """A figure as plotly's JSON: six digits a number, without the template that all share."""
    drawn: dict[str, Any] = json.loads(
        fit_labels(block.draw(False), USUAL_WIDTH).to_json(),
        parse_float=lambda text: float(f"{float(text):.6g}"),
    )
    drawn["layout"].pop("template", None)
    return drawn


def _items(block: b.Items) -> str:
    shown = block.rows[:MOST_ROWS]
    names = list(dict.fromkeys(name for row in shown for name in row))
    head = "".join(f'<th scope="col">{html(name)}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html(_shown(row.get(name)))}</td>" for name in names) + "</tr>"
        for row in shown
    )
    rest = len(block.rows) - len(shown)
    more = f'<p class="small">{rest:,} more are on the board.</p>' if rest else ""
    return (
        '<div class="grid items" role="region" tabindex="0" aria-label="Items">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}"
    )


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
