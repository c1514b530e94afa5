"""The figures of the exported file: drawn once, and recoloured by the browser on a dark page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from leaderboard.export.site.drawn import figure_json
from leaderboard.pages import blocks
from leaderboard.pages.candidate.page import page as candidate_page
from leaderboard.pages.compare.page import page as compare_page
from leaderboard.pages.history.page import page as history_page
from leaderboard.pages.ladder.page import page as ladder_page
from leaderboard.pages.overview.page import page as overview_page
from leaderboard.pages.overview.plot_labels import USUAL_WIDTH, fit_labels
from leaderboard.pages.stored import StoredLibrary
from leaderboard.pages.theme import DARK, LIGHT, in_dark
from leaderboard.rows.view import View

PAGES = (overview_page, candidate_page, compare_page, ladder_page, history_page)


def figures(found: Iterable[blocks.Block]) -> Iterator[blocks.Figure]:
    for block in found:
        if isinstance(block, blocks.Figure):
            yield block
        elif isinstance(block, blocks.Fold):
            yield from figures(block.blocks)
        elif isinstance(block, blocks.Beside):
            yield from (one for column in block.columns for one in figures(column))


def recoloured(node: Any, key: str = "") -> Any:
    """As figures.js does it."""
    if isinstance(node, list):
        return [recoloured(one, key) for one in node]
    if isinstance(node, dict):
        return {name: recoloured(one, name) for name, one in node.items()}
    if not isinstance(node, str) or "color" not in key.lower():
        return node
    parts = re.fullmatch(r"rgba\((\d+),(\d+),(\d+),(.+)\)", node)
    if parts is None:
        return in_dark().get(node, node)
    name = "#" + "".join(f"{int(part):02X}" for part in parts.groups()[:3])
    other = in_dark().get(name)
    if other is None:
        return node
    return f"rgba({','.join(str(int(other[i : i + 2], 16)) for i in (1, 3, 5))},{parts[4]})"


def test_a_light_colour_is_one_dark_colour() -> None:
    light = [LIGHT.background, LIGHT.panel, LIGHT.text, LIGHT.muted, LIGHT.grid, *LIGHT.series]
    assert len(set(light)) == len(light)
    assert (LIGHT.accent, DARK.accent) == (LIGHT.series[0], DARK.series[0])


def test_every_figure_differs_on_a_dark_page_in_its_colours_alone(good: Path) -> None:
    library = StoredLibrary([good])
    seen = 0
    for page in PAGES:
        for figure in figures(page(library, View())):
            dark = json.loads(fit_labels(figure.draw(True), USUAL_WIDTH).to_json())
            dark["layout"].pop("template")
            # Text on a bar of a tensor type is black or white, whichever is read better.
            for trace in dark["data"]:
                trace.pop("textfont", None)
            light = figure_json(figure)
            for trace in light["data"]:
                trace.pop("textfont", None)
            assert shortened(recoloured(light)) == shortened(dark), figure.name
            seen += 1
    assert seen >= 8


def shortened(node: Any) -> Any:
    """Numbers to six digits, as they are written."""
    return json.loads(json.dumps(node), parse_float=lambda text: float(f"{float(text):.6g}"))
