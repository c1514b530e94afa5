"""Stores of every kind, and a board to open on them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from leaderboard.app.launch import SCRIPT, environment
from leaderboard.rows.row import Row, merged
from leaderboard.units import mib
from tests.support.reference import ladder_runs
from tests.support.stores import HOSTILE, damaged, empty, good, hostile

__all__ = ["HOSTILE", "damaged", "empty", "good", "hostile"]

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
Board = Callable[..., AppTest]


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """Opens a panel of the board on a folder, with a query."""
    st.cache_data.clear()
    st.cache_resource.clear()

    def opened(panel: str, folder: Path, **query: Any) -> AppTest:
        for name, value in environment([folder]).items():
            monkeypatch.setenv(name, value)
        app = AppTest.from_file(SCRIPT, default_timeout=60).run()
        pages = app._registered_pages  # AppTest opens pages by their file only
        found = [key for key, page in pages.items() if page.get("url_pathname") == panel]
        assert found, f"no panel {panel} among {[p.get('url_pathname') for p in pages.values()]}"
        app._page_hash = found[0]
        app.query_params.clear()
        app.query_params.update(query)
        app.run()
        assert not app.exception, [one.value for one in app.exception]
        return app

    yield opened
    st.cache_data.clear()
    st.cache_resource.clear()


def page_text(app: AppTest) -> str:
    """Every text of a page, with the markup of tables taken off."""
    found = [*_html(app)]
    for kind in ("markdown", "caption", "title", "header", "info", "warning", "error", "code"):
        found += [one.value for one in getattr(app, kind)]
    bare = re.sub(r"(?s)<style>.*?</style>|</?[a-z][^>]*>", " ", " ".join(found))
    return re.sub(r"\s+", " ", html.unescape(bare))


def figures(app: AppTest) -> list[str]:
    """Every figure of a page as JSON, in which nothing is escaped that need not be."""
    specs = [json.loads(figure.proto.spec) for figure in app.get("plotly_chart")]
    return [json.dumps(spec, ensure_ascii=False) for spec in specs]


def page_html(app: AppTest) -> str:
    """The HTML of a page's tables."""
    return " ".join(_html(app))


def _html(app: AppTest) -> Iterator[str]:
    for block in app.get("html"):
        yield block.body
    for component in app.get("bidi_component"):
        if component.proto.json:  # the ranked table; a button has no data
            yield json.loads(component.proto.json)["html"]


@pytest.fixture(scope="session")
def reference_rows() -> list[Row]:
    """Of the committed reference runs, the most accurate first."""
    return sorted(merged(ladder_runs()), key=accuracy_of, reverse=True)


def accuracy_of(row: Row) -> float:
    """Over the suite, as a share."""
    assert row.score
    return row.score.value


def peak_of(row: Row) -> float:
    """MiB."""
    peak = row.value("memory")
    assert peak
    return mib(peak)
