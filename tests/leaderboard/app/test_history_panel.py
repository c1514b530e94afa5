from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.gate.past import write_gate
from runners.records.store import Store
from tests.leaderboard.app.conftest import HOSTILE, figures, page_html, page_text

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board


def test_a_point_has_its_numbers_and_what_changed(board: Board, good: Path) -> None:
    store = Store(good)
    old = store.read("20260101T000000-small")
    store.add(
        old.model_copy(
            update={
                "run_id": "20270201T000000-small",
                "created_at": "2027-02-01T00:00:00+00:00",
                "job": old.job.model_copy(update={"batch": "later"}),
                "software": old.software.model_copy(update={"weighin": "9.9.9"}),
            }
        ),
        None,
    )
    text = page_text(board("history", good, name="small"))
    assert "56.0 ± 9.5 100 200 80.0 100 \N{EN DASH} 1" in text
    assert f"weighin: {old.software.weighin} -> 9.9.9" in text
    assert "56.0 ± 9.5 100 200 ± 0 80.0 ± 0 100 ± 0 \N{EN DASH} 2" in text


def test_candidate_and_metric_stand_in_the_address(board: Board, good: Path) -> None:
    app = board("history", good)
    # Of two with one batch each, the one that was measured last.
    assert app.query_params["name"] == "small"
    app.selectbox[1].select("decode").run()
    assert app.query_params["history"] == "decode"
    assert "decode, tokens/s" in figures(app)[0]


def test_an_unknown_name_or_metric_is_named(board: Board, good: Path) -> None:
    app = board("history", good, name="nobody", history="beauty")
    warnings = " ".join(one.value for one in app.warning)
    assert "nobody" in warnings
    assert "beauty" in warnings


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path) -> None:
    assert board("history", empty).header[0].value == "No runs yet"


def test_damaged_records_are_named_and_the_others_shown(board: Board, damaged: Path) -> None:
    text = page_text(board("history", damaged, name="small"))
    assert "newer than this Weighin" in text
    assert "56.0 ± 9.5 100" in text


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("history", hostile)
    assert "<img" not in page_html(app)
    assert HOSTILE in page_html(app).replace("&lt;", "<").replace("&gt;", ">")
    assert figures(app)
    assert not any("<img" in figure for figure in figures(app))


def report(name: str, sentence: str = "it passed") -> dict[str, object]:
    side = {"suite": "core", "machine": "m", "runs": ["20270304T050000-small-0"]}
    return {
        "report_version": 1, "created_at": "2027-03-04T05:06:07+00:00", "verdict": "regressed",
        "sentence": sentence, "baseline": {"name": "older", **side},
        "candidate": {"name": name, **side},
    }  # fmt: skip


def test_gates_of_the_candidate_are_listed(board: Board, good: Path) -> None:
    write_gate(good, report("small", HOSTILE))
    write_gate(good, report("big", "another candidate's"))
    app = board("history", good, name="small")
    assert "2027-03-04 05:06 small regressed older core m <img" in page_text(app)
    assert "another candidate's" not in page_text(app)
    assert "<img" not in page_html(app)


def test_a_damaged_gate_is_named(board: Board, good: Path) -> None:
    write_gate(good, report("small")).write_text("{")
    assert "no report of a gate" in page_text(board("history", good, name="small"))
