"""The whole board as one HTML file."""

from __future__ import annotations

from leaderboard.export.site import overview
from leaderboard.export.site.document import Entry, document
from leaderboard.export.site.drawn import Drawing
from leaderboard.export.site.overview import judge
from leaderboard.export.site.pages import entries, pair_names, shown
from leaderboard.export.site.ranked import table
from leaderboard.pages.checks.alarms import alarms
from leaderboard.pages.contexts.cost import ranked_cost
from leaderboard.pages.library import Library
from leaderboard.pages.presets import offered
from leaderboard.pages.running.strip import running
from leaderboard.pages.selecting import empty
from leaderboard.rows.view import View

TITLE = "Weighin"
START = "overview"


def site(library: Library, view: View) -> str:
    """The board of some stores as one file.

    Args:
        library: what is shown.
        view: the conditions that it is about: machine, suite, budget, builds.
    """
    drawing = Drawing()
    selection = library.selected(view)
    if selection is None:
        page = drawing.page(START, (*running(library), *empty(library)))
        return document(TITLE, [Entry(name=START, title="Overview", html=page)], {}, {})
    presets = offered(library.presets(), selection.rows)
    judged = judge(library, view, selection, presets)
    drawing.candidates = frozenset(row.record.candidate.digest for row in shown(judged))
    named = pair_names(judged)
    drawing.pairs = frozenset(named.values())
    drawing.prefix = START
    first = "".join(
        [
            f'<section id="{START}" class="page">',
            drawing.blocks(running(library)),
            drawing.blocks(alarms(library, [row.record.candidate.name for row in selection.rows])),
            overview.controls(judged, presets),
            overview.axis_buttons(judged),
            drawing.blocks(overview.figures(judged, view)),
            table(judged.plain.lines, drawing.candidates, view),
            drawing.blocks(ranked_cost(judged.ranked)),
            "</section>",
        ]
    )
    pages = [
        Entry(name=START, title="Overview", html=first, in_menu=True),
        *entries(library, view, judged, drawing),
    ]
    return document(TITLE, pages, drawing.figures, overview.data(judged, presets, named))
