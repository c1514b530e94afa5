"""The whole board as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.pages.blocks import Library
from leaderboard.pages.selecting import empty
from leaderboard.publish.site import overview
from leaderboard.publish.site.document import Entry, document
from leaderboard.publish.site.drawn import Drawing
from leaderboard.publish.site.overview import Preset, judge
from leaderboard.publish.site.pages import entries
from leaderboard.rows.view import View

TITLE = "Weighin"
START = "overview"


def site(library: Library, view: View, presets: Sequence[Preset] = ()) -> str:
    """The board of some stores as one file.

    Args:
        library: what is shown.
        view: the conditions that it is about: machine, suite, budget, builds.
        presets: computers that the answer is judged for, beside the one without a limit.
    """
    drawing = Drawing()
    selection = library.selected(view)
    if selection is None:
        page = drawing.page(START, empty(library))
        return document(TITLE, [Entry(name=START, title="Overview", html=page)], {}, {})
    judged = judge(library, view, selection, presets)
    drawing.prefix = START
    first = "".join(
        [
            f'<section id="{START}" class="page">',
            overview.controls(judged, presets),
            overview.axis_buttons(),
            drawing.blocks(overview.figures(judged)),
            overview.table(judged),
            "</section>",
        ]
    )
    pages = [
        Entry(name=START, title="Overview", html=first, in_menu=True),
        *entries(library, view, selection, judged.ranked, drawing),
    ]
    return document(TITLE, pages, drawing.figures, overview.data(judged, presets))
