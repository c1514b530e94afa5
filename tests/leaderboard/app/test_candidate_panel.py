from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leaderboard.runs.timings import NO_FLOOR
from runners.records.record import JobError
from runners.records.store import Store
from tests.leaderboard.app.conftest import HOSTILE, figures, page_html, page_text
from tests.support.records import changed
from tests.support.users import level, users_info

if TYPE_CHECKING:
    from tests.leaderboard.app.conftest import Board
    from tests.leaderboard.conftest import Maker


def test_headline_numbers_have_their_n_and_their_spread(board: Board, good: Path) -> None:
    text = page_text(board("candidate", good, candidate="small"))
    # 56 of 100, Wilson: centre (0.56 + 0.0192) / 1.0384 = 0.5578, half-width 9.55 points.
    assert "accuracy 56.0% ± 9.5 n = 100 items" in text
    assert "TTFT ms 200 ± 0 8+4, 2 runs" in text
    assert "decode tokens/s 80.0 ± 0.0 8+4, 2 runs" in text
    assert "peak MiB 100 ± 0" in text
    assert "weights MiB 50.0 4.00 bits a weight" in text


def test_a_task_has_its_interval_its_n_and_its_chance(board: Board, good: Path) -> None:
    text = page_text(board("candidate", good, candidate="small"))
    assert "t acc 56.0 ± 9.5 100 25.0" in text


def test_what_is_missing_says_why(board: Board, good: Path) -> None:
    text = page_text(board("candidate", good, candidate="small"))
    assert NO_FLOOR in text


def test_the_command_and_the_raw_record_are_there(board: Board, good: Path) -> None:
    app = board("candidate", good, candidate="small")
    assert app.code[0].value == Store(good).read("20260101T000000-small").command
    assert '"run_id": "20260101T000000-small"' in app.json[0].value


def test_every_figure_is_drawn(board: Board, good: Path) -> None:
    # Tasks, two distributions, cold start, phases, the curve over time, tensor types.
    assert len(figures(board("candidate", good))) == 7


def test_another_candidate_is_picked_and_stands_in_the_address(board: Board, good: Path) -> None:
    app = board("candidate", good, candidate="small")
    app.selectbox[0].select("big").run()
    assert app.query_params["candidate"] == "big"
    assert "accuracy 60.0%" in page_text(app)


def test_a_candidate_is_shown_under_its_other_conditions(
    board: Board, good: Path, made: Maker
) -> None:
    machine = {
        **made.base.machine.said(),
        "fingerprint": "1a1335212ad9",
        "cpu_id": "family 26 model 2",
    }
    record = made.record("small", repeat=7, tasks={"t": made.task(0.57)}, machine=machine)
    Store(good).add(record, None)
    here = made.base.machine.fingerprint
    assert "57.0 ±" not in page_text(board("candidate", good, candidate="big", machine=here))
    text = page_text(board("candidate", good, candidate="small", machine=here))
    assert "known by its name only" in text  # the conditions that are looked at
    other = "AMD EPYC, 2 cores, 24 GiB, family 26 model 2 · 1a1335 fake 1, build unknown tiny v1"
    assert f"{other} no budget 57.0 ± 9.5 100 100 50.0 100 \N{EN DASH} 1" in text
    # A link that names the machine where another candidate was not measured says where it was.
    app = board("candidate", good, candidate="big", machine="1a1335212ad9")
    where = "big was not measured under these conditions, but on AMD EPYC, 2 cores, 24 GiB, known"
    assert where in app.warning[0].value.replace("\\", "")


def test_a_link_to_an_unknown_candidate_or_run_says_so(board: Board, good: Path) -> None:
    app = board("candidate", good, candidate="nobody")
    assert "nobody" in app.warning[0].value
    assert "accuracy 56.0%" in page_text(app)
    app = board("candidate", good, candidate="small", run="20200101T000000-x")
    assert "20200101T000000" in app.warning[0].value
    assert app.code[0].value == Store(good).read("20260101T000000-small").command


def test_a_failed_run_is_visible(board: Board, good: Path) -> None:
    store = Store(good)
    died = {
        "status": "failed",
        "error": JobError(phase="latency", message="it died"),
        "run_id": "20260103T000001-small",
    }
    store.add(store.read("20260101T000001-small").model_copy(update=died), None)
    assert "failed latency: it died" in page_text(board("candidate", good, candidate="small"))


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path) -> None:
    app = board("candidate", empty)
    assert app.header[0].value == "No runs yet"
    assert app.code[0].value == "weighin run"


def test_damage_is_named_and_the_rest_is_shown(board: Board, damaged: Path) -> None:
    app = board("candidate", damaged, candidate="small")
    text = page_text(app)
    assert "accuracy 56.0%" in text
    assert "newer than this Weighin" in text
    assert "No answers by item" in text


def test_texts_are_shown_as_they_are_written(board: Board, hostile: Path) -> None:
    app = board("candidate", hostile)
    assert "<img" not in page_html(app)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page_html(app)
    for kind in ("markdown", "title", "header", "caption", "warning", "info"):
        for one in getattr(app, kind):
            assert HOSTILE not in one.value
    assert figures(app)
    assert not any("<img" in figure for figure in figures(app))


def test_a_memory_limit_is_drawn_with_its_verdict(board: Board, good: Path) -> None:
    store = Store(good)
    base = store.read("20260101T000000-small")
    for number, (mib, verdict) in enumerate(((64, "out of memory"), (128, "fits"))):
        store.add(
            changed(
                base,
                run_id=f"20260104T00000{number}-small",
                budget={"memory_bytes": mib * 2**20, "enforced": {"memory": "cgroup v1"}},
                verdict={"verdict": verdict, "reason": "as measured"},
            ),
            None,
        )
    text = page_text(board("candidate", good, candidate="small"))
    assert "64.0 out of memory 80.0" in text
    assert "128 fits 80.0" in text
    assert "cgroup v1" in text


def test_a_generation_task_has_its_curve_over_deadlines(
    board: Board, tmp_path: Path, made: Maker
) -> None:
    record = made.record("writer", tasks={"g": made.task(0.5, 2)})
    samples = made.samples({"g": [1.0, 0.0]})
    samples = samples.set_column(
        samples.column_names.index("answer"), "answer", pa.array(["18", "19"])
    ).append_column("token_s", pa.array([[0.5, 1.0], [2.0]]))
    Store(tmp_path / "store").add(record, samples)
    app = board("candidate", tmp_path / "store")
    assert "Accuracy within a deadline" in [one.value for one in app.header]
    (line,) = [figure for figure in figures(app) if "correct within" in figure]
    drawn = json.loads(line)["data"][-1]
    assert drawn["x"] == [0.0, 1.0, 2.0]
    assert drawn["y"] == [0.0, 50.0, 50.0]


def test_several_users_are_drawn_and_said(board: Board, good: Path, made: Maker) -> None:
    asked = made.record("crowd", users=users_info(level(1, 99.0, [0.1]), level(2, 150.0, [0.3])))
    Store(good).add(asked, None)
    text = page_text(board("candidate", good, candidate="crowd"))
    assert "users 2 1 run throughput tokens/s 150 1 run" in text  # tiles
    assert "2 users at once" in text
    assert "512+64 (prompt + new tokens), windows of 30 s" in text
