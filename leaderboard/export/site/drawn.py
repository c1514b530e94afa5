"""Blocks as HTML. Every text of a record is escaped; what is picked on the board is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

from leaderboard.export.site.names import candidate_name, pair_name, runs_name, shared_page
from leaderboard.pages import blocks as b
from leaderboard.pages import contents, controls, folded, grid, tiles
from leaderboard.pages.overview import answer
from leaderboard.pages.overview.plot_labels import USUAL_WIDTH, fit_labels
from leaderboard.text import html, sentence

MOST_ROWS = 200
"""Lines of a long table that a file holds; the board and `weighin export --samples` have all."""

MOST_TEXTS, MOST_CHARACTERS = 5, 2000
"""Long texts of a page that a file holds, and how much of each."""

MOST_RUN_PAIRS = 30
"""Comparisons of two runs that a file holds, those of the first pages that lead to them."""
_OTHER_RUNS = (
    '<p class="small">The comparisons of older runs are on the board (<code>weighin board</code>) '
    "and in the terminal (<code>weighin compare RUN RUN</code>).</p>"
)


@dataclass(slots=True)
class Drawing:
    """HTML of pages, and their figures, which the browser draws when they come into sight."""

    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> the figure on a light page, as plotly's JSON."""
    candidates: frozenset[str] = frozenset()
    """Digests of the candidates that have a page."""
    pairs: frozenset[str] = frozenset()
    """Names of the comparisons of two candidates that have a page."""
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    """Two runs, the reference first, that a page leads to -> the name of their comparison's page.
    """
    contents: frozenset[str] = frozenset()
    """Headings that the page's list of contents names."""
    prefix: str = ""
    """Prefix of figures' names, so that two pages share none."""

    def page(self, name: str, blocks: Iterable[b.Block], *, before: str = "") -> str:
        """One page.

        Args:
            name: in the file's address, after the `#`.
            blocks: what it holds.
            before: HTML above them.
        """
        self.prefix, self.contents = name, frozenset()
        return f'<section id="{html(name)}" class="page">{before}{self.blocks(blocks)}</section>'

    def blocks(self, blocks: Iterable[b.Block]) -> str:
        """HTML of blocks, one after the other."""
        return "".join(self._draw(block) for block in blocks)

    def _link(self, go: controls.Go) -> str:
        """Where a cell or a button leads in the file; empty where the file has no such page."""
        if go.page == "candidate":
            (digest, *_) = go.changes.get("candidates", ("",))
            return f"#{candidate_name(digest)}" if digest in self.candidates else ""
        if go.page == "compare" and "sides" in go.changes:
            return self._of_runs(*go.changes["sides"])
        if go.page == "compare":
            both = go.changes.get("candidates", ())
            name = pair_name(*both) if len(both) == 2 else ""
            return f"#{name}" if name in self.pairs else ""
        return shared_page(go)

    def _of_runs(self, reference: str, other: str) -> str:
        both = reference, other
        if both not in self.runs:
            if len(self.runs) == MOST_RUN_PAIRS:
                return ""
            self.runs[both] = runs_name(*both)
        return f"#{self.runs[both]}"

    @singledispatchmethod
    def _draw(self, block: b.Block) -> str:
        raise TypeError(f"no way to write {type(block).__name__}")

    @_draw.register
    def _(self, block: b.Heading) -> str:
        # Only what a list of contents names is found under its name.
        named = block.text in self.contents
        name = f' id="{html(contents.heading_name(block.text, self.prefix))}"' if named else ""
        return f"<h{block.level + 1}{name}>{html(block.text)}</h{block.level + 1}>"

    @_draw.register
    def _(self, block: b.Contents) -> str:
        self.contents = frozenset(block.headings)
        return contents.as_html(block.headings, self.prefix)

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
        ways = [cell.opens for row in block.grid.rows for cell in row if cell.opens]
        pairs = [way for way in ways if "sides" in way.changes]
        beyond = any(not self._link(way) for way in pairs)
        kept = grid.for_a_file(block.grid, self._link)
        return grid.as_html(kept, self._link, self.prefix) + (_OTHER_RUNS if beyond else "")

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
    def _(self, block: b.Texts) -> str:
        rest = len(block.texts) + block.beyond - MOST_TEXTS
        more = f'<p class="small">{rest:,} more are on the board.</p>' if rest > 0 else ""
        return folded.as_html(block.texts[:MOST_TEXTS], MOST_CHARACTERS) + more

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

    @_draw.register
    def _(self, block: controls.Go) -> str:
        address = self._link(block)
        words = html(block.label)
        return f'<a class="button" href="{html(address)}">{words}</a>' if address else ""

    @_draw.register
    def _(self, block: b.Bar) -> str:
        inner = self.blocks(block.blocks)
        return f'<p class="beyond">{inner}</p>' if inner else ""

    @_draw.register(b.Ranked)
    @_draw.register(b.Popover)
    @_draw.register(controls.Presets)
    @_draw.register(controls.Reset)
    @_draw.register(controls.PickSeveral)
    @_draw.register(controls.PickNumber)
    @_draw.register(controls.Search)
    @_draw.register(controls.Download)
    @_draw.register(b.Json)
    @_draw.register(b.Shown)
    @_draw.register(b.WholeBoard)
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
