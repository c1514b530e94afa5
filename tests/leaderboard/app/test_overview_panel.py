from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboard.units import format_number, format_rate
from runners.records.record import JobError
from runners.records.store import Store
from tests.leaderboard.app.conftest import (
    HOSTILE,
    REFERENCE,
    accuracy_of,
    figures,
    page_html,
    page_text,
    peak_of,
)
from tests.leaderboard.conftest import Maker

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from leaderboard.rows.row import Row
    from tests.leaderboard.app.conftest import Board

OVERVIEW = ""
"""The start page's name in the address."""


def widget(app: AppTest, kind: str, field: str) -> Any:
    """A control by its field, whatever address it stands for."""
    return next(one for one in getattr(app, kind) if one.key.rpartition(":")[0] == field)


def asked(app: AppTest) -> dict[str, Any]:
    """The address, but for the machine and suite that every one has."""
    found = dict(app.query_params)
    assert found.pop("machine")
    assert found.pop("suite")
    return found


def test_of_a_tie_the_smallest_is_shipped_or_what_is_preferred(board: Board, good: Path):
    app = board(OVERVIEW, good)
    text = page_text(app)
    # big has 60 of 100 right, small 56 of them: four flips, all one way, p = 0.125.
    assert "Ship small: no accuracy difference found against big (-4.0 points, -9.8 to +0.0)" in (
        text
    )
    assert "75% less memory, 100% faster." in text
    assert "100 MiB, 80.0 tokens/s" in text
    assert "Most accurate: big, +4.0 points, 300% more memory, 50% slower." in text
    assert "Paired bootstrap over 100 items" in text
    widget(app, "segmented_control", "prefer").set_value("accurate").run()
    text = page_text(app)
    assert "Ship big: the most accurate of 2; no accuracy difference found from 1 other." in text
    assert asked(app) == {"prefer": "accurate"}


def test_a_row_has_its_numbers_with_intervals_counts_and_machine(board: Board, good: Path):
    text = page_text(board(OVERVIEW, good))
    # Wilson: 60 of 100 is 50.2 to 69.1, half of which is 9.4.
    assert "big 60.0 ± 9.4" in text
    assert "2 of 2 candidates · AMD EPYC, 2 cores, 24 GiB" in text
    html = page_html(board(OVERVIEW, good))
    assert 'title="100 items"' in html
    assert 'title="2 runs"' in html


def test_a_budget_slider_changes_the_answer_and_the_address(board: Board, good: Path):
    app = board(OVERVIEW, good)
    widget(app, "number_input", "memory_mib").set_value(110.0).run()
    text = page_text(app)
    assert "Ship small: the only one of 2 that fits." in text
    assert "peak memory 400 MiB (at most 110 MiB)" in text
    assert asked(app) == {"memory_mib": "110"}


def test_an_address_gives_the_same_view_again(board: Board, good: Path):
    app = board(OVERVIEW, good, memory_mib="100", sort="-memory", x="decode")
    assert "Ship small" in page_text(app)
    assert widget(app, "number_input", "memory_mib").value == 100.0
    assert asked(app) == {"memory_mib": "100", "sort": "-memory", "x": "decode"}
    html = page_html(app)
    assert html.index(">big<") < html.index(">small<")


def test_a_wrong_address_is_said_and_the_default_shown(board: Board, good: Path):
    app = board(OVERVIEW, good, memory_mib="lots", machine="nowhere")
    text = page_text(app).replace("\\", "")
    assert 'memory_mib="lots": not a number' in text
    assert 'machine "nowhere" has no run here; showing another' in text
    assert "Ship small" in text


def test_where_nothing_fits_the_nearest_is_named(board: Board, good: Path):
    text = page_text(board(OVERVIEW, good, memory_mib="50"))
    assert "None of 2 candidates fits. Closest is small" in text


def test_all_filters_come_off(board: Board, good: Path):
    app = board(OVERVIEW, good, memory_mib="100", weight="t:2", search="big")
    widget(app, "button", "off").click().run()
    assert asked(app) == {"search": "big"}
    assert "Ship small" in page_text(app)


def test_tasks_are_weighted(board: Board, tmp_path: Path, made: Maker):
    store = Store(tmp_path / "s")
    for name, right, other in (("a", 0.9, 0.1), ("b", 0.2, 0.7)):
        tasks = {"t": made.task(right), "u": made.task(other, group="u")}
        store.add(made.record(name, tasks=tasks), None)
    # Means: a 0.5, b 0.45; with t left out: a 0.1, b 0.7.
    assert "50.0%, 100 MiB" in page_text(board(OVERVIEW, store.root))
    app = board(OVERVIEW, store.root)
    widget(app, "number_input", "weight:t").set_value(0.0).run()
    assert "Ship b: the most accurate of 2, 60.0 points above a" in page_text(app)
    assert asked(app) == {"weight": "t:0"}


def test_unlike_machines_are_never_in_one_table(board: Board, good: Path, made: Maker):
    machine = {**made.base.machine.said(), "fingerprint": "other", "cpu_model": "Other"}
    record = made.record("far", tasks={"t": made.task(0.99)}, machine=machine)
    Store(good).add(record, None)
    app = board(OVERVIEW, good)
    assert "Ship small" in page_text(app)
    assert "far" not in page_html(app)
    box = next(one for one in app.selectbox if one.label == "measured on")
    box.set_value("other").run()
    assert "Ship far" in page_text(app)
    assert ">big<" not in page_html(app)
    assert app.query_params["machine"] == "other"


def test_two_builds_are_never_in_one_table(board: Board, good: Path, made: Maker):
    rebuilt = {**made.base.software.said(), "runtime_digest": "abcdef0123456789"}
    record = made.record("big", tasks={"t": made.task(0.99)}, software=rebuilt, repeat=5)
    Store(good).add(record, None)
    app = board(OVERVIEW, good)
    assert "against big (-4.0 points" in page_text(app)
    assert "1 row was measured here with another build of the runtime" in page_text(app)
    box = next(one for one in app.selectbox if one.label == "build of fake")
    assert box.options == ["fake 1, build unknown", "fake 1, build abcdef"]
    box.select_index(1).run()
    assert "Ship big: the only candidate measured." in page_text(app)
    assert "2 rows were measured here with another build" in page_text(app)
    assert app.query_params["build"].startswith("fake-")


def test_failed_and_missing_are_shown_with_the_reason(board: Board, good: Path, made: Maker):
    record = made.record(
        "broken", latency={}, memory=None, status="failed",
        error=JobError(phase="load", message="no such tensor"),
    )  # fmt: skip
    Store(good).add(record, None)
    app = board(OVERVIEW, good)
    assert "broken failed (load: no such tensor)" in page_text(app)
    html = page_html(app)
    assert 'title="failed: load: no such tensor" data-value=""><button' in html
    assert '<span class="flag">failed</span>' in html
    assert "Not plotted (no accuracy, speed or memory): broken" in page_text(app).replace("\\", "")


def test_the_plot_has_a_named_point_a_candidate(board: Board, good: Path):
    (spec,) = figures(board(OVERVIEW, good))
    assert '"customdata": ["big"]' in spec
    assert '"text": ["small"]' in spec
    assert '"x": [400.0]' in spec
    assert '"type": "log"' in spec


def test_search_and_columns(board: Board, good: Path):
    app = board(OVERVIEW, good, search="SMALL", column=["decode", "task:t"])
    html = page_html(app)
    assert ">big<" not in html
    assert "1 of 2 candidates" in page_text(app)
    # Wilson: 56 of 100 is 46.2 to 65.3, half of which is 9.5; both runs decode 80 tokens/s.
    assert "small 56.0 ± 9.5 80.0 ± 0.0 56.0 ± 9.5" in page_text(app)
    assert "peak memory" not in html


def test_an_empty_store_says_how_to_fill_it(board: Board, empty: Path):
    app = board(OVERVIEW, empty)
    assert "No runs yet" in page_text(app)
    assert app.code[0].value == "weighin run"


def test_damaged_records_are_named_and_the_rest_is_shown(board: Board, damaged: Path):
    text = page_text(board(OVERVIEW, damaged))
    assert "Ship small" in text
    for name in ("broken", "foreign", "newer"):
        assert f"{damaged / f'20260102T000000-{name}' / 'record.json'}" in text
    assert "schema 99 is newer" in text


def test_a_run_that_ends_elsewhere_appears_at_the_next_click(board: Board, good: Path, made: Maker):
    app = board(OVERVIEW, good)
    assert "2 of 2 candidates" in page_text(app)
    Store(good).add(made.record("late", tasks={"t": made.task(0.9, 100)}), None)
    app.run()
    assert "3 of 3 candidates" in page_text(app)
    assert "Ship late: the most accurate of 3" in page_text(app)


def test_hostile_text_is_shown_as_written(board: Board, hostile: Path):
    app = board(OVERVIEW, hostile)
    html = page_html(app)
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert f"Ship {HOSTILE}" in page_text(app)
    for spec in figures(app):
        assert "<img" not in spec
        assert "$x$" not in spec
    for block in (*app.markdown, *app.caption):
        assert "<img" not in block.value
        assert "**b**" not in block.value


def test_downloads_are_offered_in_four_formats(board: Board, good: Path):
    app = board(OVERVIEW, good)
    files = ["CSV", "JSON", "Parquet", "HTML, the whole board"]
    assert [one.label for one in app.get("download_button")] == files


def test_the_reference_runs_are_six_that_cannot_be_told_apart(
    board: Board, reference_rows: list[Row]
):
    best, smallest = reference_rows[0], min(reference_rows, key=peak_of)
    app = board(OVERVIEW, REFERENCE)
    text = page_text(app)
    assert f"Ship {smallest.record.candidate.name}: no accuracy difference found against" in text
    figures = f"{format_number(peak_of(smallest))} MiB, {format_rate(smallest.value('decode'))}"
    assert figures in text
    assert "its answers are 19% more perplexing than those of f16" in text
    assert best.score
    assert best.score.interval
    half = (best.score.interval.high - best.score.interval.low) / 2
    score = f"{100 * accuracy_of(best):.1f} ± {100 * half:.1f}"
    assert f"1= {best.record.candidate.name} {score}" in text
