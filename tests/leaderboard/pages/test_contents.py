from __future__ import annotations

from pathlib import Path

from leaderboard.export.site.drawn import Drawing
from leaderboard.pages.blocks import Contents, Heading
from leaderboard.pages.candidate.page import page
from leaderboard.pages.contents import as_html
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from tests.support.stores import failed, good

__all__ = ["failed", "good"]


def test_links_lead_to_headings_by_their_names() -> None:
    assert as_html(["What it is"], "candidate-a") == (
        '<nav class="contents" aria-label="On this page">'
        '<a href="#candidate-a--what-it-is" target="_self">What it is</a></nav>'
    )
    drawn = Drawing().page("p", [Contents(("Raw data",)), Heading("Raw data"), Heading("Other")])
    assert '<h3 id="p--raw-data">Raw data</h3><h3>Other</h3>' in drawn


def test_every_part_of_the_contents_is_on_the_page(good: Path, failed: Path) -> None:
    for store in (good, failed):
        blocks = list(page(StoredLibrary([store]), View()))
        (contents,) = (one for one in blocks if isinstance(one, Contents))
        there = [one.text for one in blocks if isinstance(one, Heading) and one.level == 2]
        assert [one for one in there if one in contents.headings] == list(contents.headings)
