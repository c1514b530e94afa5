"""The ranked table of the exported file, with boxes that filter it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from leaderboard.choose.overview import Line
from leaderboard.export.site.names import candidate_name, shared_page
from leaderboard.pages.blocks import Ranked
from leaderboard.pages.controls import Changes
from leaderboard.pages.overview.columns import known_columns, shown_columns
from leaderboard.pages.overview.ranked_table import ranked_table
from leaderboard.pages.overview.ranking import opens
from leaderboard.pages.overview.search import EXAMPLE, fields
from leaderboard.rows.classes import CLASS_WORDS
from leaderboard.rows.row import Row
from leaderboard.rows.view import View
from leaderboard.text import html

FILTERED = {
    "class": "class", "family": "family", "arch": "architecture", "licence": "licence",
    "runtime": "runtime",
}  # fmt: skip
"""Field of the search -> label of its box."""


def table(lines: Sequence[Line], pages: Collection[str], view: View) -> str:
    """Every candidate with the usual columns; the script sorts, filters, ticks and pins them.

    Args:
        lines: by rank, without a limit.
        pages: digests of the candidates that have a page.
        view: what counts in the accuracy.
    """
    rows = [line.row for line in lines]
    block = Ranked(
        lines=tuple(lines),
        columns=tuple(shown_columns(known_columns(rows, view), (), rows)),
        caption="",
        opens=opens,
        sorts=_nothing,
        ticks=_nothing,
        pins=_nothing,
    )
    found = ranked_table(
        block,
        lambda line: _page(line.row.record.candidate.digest, pages),
        most=len(lines),
        terms=shared_page,
    )
    rest = len(lines) - len(pages)
    bound = (
        f'<p class="small">The {len(pages)} that are recommended or rank first have pages of their '
        f"own here; the other {rest:,} have them on the board (weighin board).</p>"
        if rest > 0
        else ""
    )
    return (
        '<div class="search"><label>Search <input type="search" id="search" '
        f'placeholder="{EXAMPLE}"></label>{"".join(_filters(rows))}'
        f'<span id="compare" role="status"></span></div>{found}{bound}'
    )


def _page(digest: str, pages: Collection[str]) -> str:
    return f"#{candidate_name(digest)}" if digest in pages else ""


def _nothing(_value: str) -> Changes:
    """The script does what a click on the board does."""
    return {}


def _values(name: str, found: Mapping[str, str]) -> tuple[str, ...]:
    """What a candidate counts as in one field: of classes several, the larger ones too."""
    return tuple(found[name].split()) if name == "class" else (found[name],) * bool(found[name])


def _filters(rows: Sequence[Row]) -> Iterator[str]:
    """A box for each field of a candidate in which these differ."""
    found = [fields(row) for row in rows]
    for name, words in FILTERED.items():
        values = [_values(name, one) for one in found]
        said = CLASS_WORDS if name == "class" else {}
        there = {one for value in values for one in value}
        known = [one for one in said if one in there] or sorted(there)
        if len(set(values)) > 1 and known:
            options = "".join(
                f'<option value="{html(one)}">{html(said.get(one, one))}</option>' for one in known
            )
            yield (
                f'<label>{words} <select data-filter="{name}"><option value="">any</option>'
                f"{options}</select></label>"
            )
