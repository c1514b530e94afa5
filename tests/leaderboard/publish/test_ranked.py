"""What is downloaded from the ranked table: the numbers as measured, with their intervals."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq

from leaderboard.choose.overview import Line, look
from leaderboard.choose.resampling import gather
from leaderboard.publish.files import as_bytes, table_of
from leaderboard.publish.ranked import flat_lines
from leaderboard.rows.view import View
from tests.leaderboard.conftest import Maker


def lines(made: Maker) -> tuple[Line, ...]:
    rows = [made.row("a", 0.6), made.row("=b", 0.5, peak=300 * 2**20), made.row("c", None)]
    return look(gather(rows), View(limits=(("memory", 200.0),))).lines


def test_numbers_are_in_seconds_bytes_and_shares(made: Maker):
    a, c, b = flat_lines(lines(made))
    assert (a["candidate"], a["rank"], a["fits"], a["accuracy"]) == ("a", 1, True, 0.6)
    assert (a["ttft_s.p50"], a["ttft_s.tail"], a["peak_bytes"]) == (0.1, 0.1, 100 * 2**20)
    assert a["ttft_s.p50.low"] is None  # a single run
    assert (a["items"], a["runs"], a["machine"]) == (100, 1, "13891ff098b4")
    assert a["accuracy.t.n"] == 100
    assert [one["ship"] for one in (a, c, b)] == [True, False, False]
    assert (c["candidate"], c["rank"], c["accuracy"]) == ("c", None, None)
    assert (b["fits"], b["outside"]) == (False, "peak memory 300 MiB (at most 200 MiB)")


def test_the_three_formats_hold_the_same(made: Maker):
    table = table_of(flat_lines(lines(made)))
    rows = json.loads(as_bytes(table, "json"))
    assert rows == pq.read_table(io.BytesIO(as_bytes(table, "parquet"))).to_pylist()
    read = list(csv.DictReader(io.StringIO(as_bytes(table, "csv").decode())))
    assert [row["candidate"] for row in read] == ["a", "c", "'=b"]  # no formula for a spreadsheet
    assert [float(row["accuracy"]) for row in read if row["accuracy"]] == [0.6, 0.5]
