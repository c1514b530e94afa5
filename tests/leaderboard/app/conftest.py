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
from runners.records.parts import FlagInfo
from runners.records.record import QuantisationInfo, Record
from runners.records.store import RECORD, Store
from tests.leaderboard.conftest import Maker

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
HOSTILE = "<img src=x onerror=alert(1)> $x$ **b** [l](javascript:1) :smile:"
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
    found = [block.body for block in app.get("html")]
    for kind in ("markdown", "caption", "header", "subheader", "info", "warning", "error", "code"):
        found += [one.value for one in getattr(app, kind)]
    bare = re.sub(r"(?s)<style>.*?</style>|</?[a-z][^>]*>", " ", " ".join(found))
    return re.sub(r"\s+", " ", html.unescape(bare))


def figures(app: AppTest) -> list[str]:
    """Every figure of a page as JSON, in which nothing is escaped that need not be."""
    specs = [json.loads(figure.proto.spec) for figure in app.get("plotly_chart")]
    return [json.dumps(spec, ensure_ascii=False) for spec in specs]


def page_html(app: AppTest) -> str:
    """The HTML of a page's tables."""
    return " ".join(block.body for block in app.get("html"))


def quantised(bits: float, **given: Any) -> dict[str, Any]:
    shares = {"Q4_0": 0.75, "F32": 0.25}
    quantisation = QuantisationInfo(name=f"Q{bits:g}", bits_per_weight=bits, share=shares)
    return {"family": "fam", "quantisation": quantisation, "parameters": 1000, **given}


@pytest.fixture
def good(tmp_path: Path, made: Maker) -> Path:
    """Two rungs of one family, two repeats each: 100 items, of which the small one loses 4."""
    store = Store(tmp_path / "good")
    large = [1.0] * 60 + [0.0] * 40
    small = [0.0] * 4 + [1.0] * 56 + [0.0] * 40
    for name, bits, scores, peak in (("big", 16.0, large, 400), ("small", 4.0, small, 100)):
        for repeat in range(2):
            record = made.record(
                name,
                repeat=repeat,
                tasks={"t": made.task(sum(scores) / 100, 100, chance=0.25)} if not repeat else {},
                ttft_s=0.1 if name == "big" else 0.2,
                decode=40.0 if name == "big" else 80.0,
                peak=peak * 2**20,
                candidate=quantised(bits, weights_bytes=peak * 2**19),
                status="completed",
                run_id=f"20260101T00000{repeat}-{name}",
            )
            store.add(record, made.samples({"t": scores}) if not repeat else None)
    return store.root


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.fixture
def damaged(good: Path) -> Path:
    """The good store, and in it a broken, a foreign and a newer record, and broken samples."""
    store = Store(good)
    for name, content in (
        ("broken", "{"),
        ("foreign", '{"a": 1}'),
        ("newer", json.dumps({"schema_version": 99})),
    ):
        folder = good / f"20260102T000000-{name}"
        folder.mkdir()
        (folder / RECORD).write_text(content, encoding="utf-8")
    (store.root / "20260101T000000-small" / "samples.parquet").write_bytes(b"PAR1 nothing")
    return good


@pytest.fixture
def hostile(tmp_path: Path, made: Maker) -> Path:
    """Two candidates all of whose texts are markup of some kind."""
    store = Store(tmp_path / "hostile")
    for number in range(2):
        candidate = quantised(
            4.0 + number, family=HOSTILE, licence=HOSTILE, notes=HOSTILE, digest=f"h{number}",
            settings={HOSTILE: HOSTILE}, source=HOSTILE, made_from=HOSTILE,
        )  # fmt: skip
        base = made.record()
        record = made.record(
            HOSTILE,
            tasks={HOSTILE: made.task(0.5, 2, group=HOSTILE, note=HOSTILE)},
            candidate=candidate,
            machine={"cpu_model": HOSTILE, "fingerprint": HOSTILE, HOSTILE: HOSTILE},
            software={HOSTILE: HOSTILE, "runtime_version": HOSTILE, "weighin": HOSTILE},
            suite={"name": HOSTILE},
            command=HOSTILE,
            flags=[FlagInfo(name=HOSTILE, detail=HOSTILE)],
            data=[base.data[0].model_copy(update={"task": HOSTILE, "licence": HOSTILE})],
            budget={"name": HOSTILE, "memory_bytes": 2**30, "note": HOSTILE},
            verdict={"verdict": HOSTILE, "reason": HOSTILE},
            run_id=f"20260101T00000{number}-hostile",
        )
        samples = made.samples(
            {HOSTILE: [float(number), 1.0 - number]},
            prompt=[HOSTILE, HOSTILE],
        )
        store.add(record, samples)
    return store.root


@pytest.fixture(scope="session")
def reference_rows() -> list[Row]:
    """Of the committed reference runs, the most accurate first."""
    records = [one for one in Store(REFERENCE).records() if isinstance(one, Record)]
    return sorted(merged(records), key=accuracy_of, reverse=True)


def accuracy_of(row: Row) -> float:
    """Over the suite, as a share."""
    assert row.score
    return row.score.value


def peak_of(row: Row) -> float:
    """MiB."""
    peak = row.value("memory")
    assert peak
    return mib(peak)
