from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from leaderboard.choose.overview import Overview, look
from leaderboard.choose.resampling import gather
from leaderboard.export.badge import endpoint, svg
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker

SVG = "{http://www.w3.org/2000/svg}"


def judged(made: Maker, memory_mib: float | None = None, name: str = "a") -> Overview:
    rows = [made.row(name, 0.6)]
    return look(gather(rows), View(limits=(("memory", memory_mib),) if memory_mib else ()))


def test_the_endpoint_says_which_candidate_and_how_accurate(made: Maker):
    found = json.loads(endpoint(judged(made)))
    assert found["schemaVersion"] == 1
    assert (found["label"], found["message"]) == ("weighin", "a 60.0%")


def test_where_nothing_fits_it_says_so(made: Maker):
    assert json.loads(endpoint(judged(made, memory_mib=50.0)))["message"] == "nothing fits"


def test_the_picture_is_well_formed_and_reads_the_same(made: Maker):
    root = ET.fromstring(svg(judged(made, name="<script>&\x00")))
    assert root.get("aria-label") == "weighin: <script>&  60.0%"
    assert [text.text for text in root.iter(f"{SVG}text")] == ["weighin", "<script>&  60.0%"]


def test_a_long_name_is_cut(made: Maker):
    message = json.loads(endpoint(judged(made, name="n" * 200)))["message"]
    assert len(message) == 60
