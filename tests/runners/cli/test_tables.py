from dataclasses import replace
from pathlib import Path

from leaderboard.rows.row import row
from leaderboard.rows.score import Score
from leaderboard.stats.intervals import proportion_interval
from runners.cli.tables import notes, with_interval
from runners.records.reading import parse_record

RECORD = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"


def score(right: int, n: int, stderr: float | None = None) -> Score:
    value = right / n
    return Score(
        name="t", metric="acc", value=value, stderr=stderr, n=n, chance=None,
        interval=proportion_interval(value, stderr, n), told_from_chance=None,
    )  # fmt: skip


def test_half_the_interval_stands_beside_a_score() -> None:
    # Wilson, 5 of 10, z^2 = 3.8415: half = 1.96 sqrt(0.25/10 + 3.8415/400) / 1.38415 = 0.2634.
    assert with_interval(score(5, 10)) == "50.0% ± 26.3"


def test_at_both_ends_the_bounds_are_said() -> None:
    # 10 of 10: low = 10 / (10 + 3.8415) = 0.7225.
    assert with_interval(score(10, 10)) == "100.0% (72.2 to 100.0)"
    assert with_interval(score(0, 10)) == "0.0% (0.0 to 27.8)"


def test_many_items_that_agree_are_not_certain() -> None:
    # 400 of 400: low = 400 / 403.8415 = 0.9905, though the standard error is 0.
    assert with_interval(score(400, 400, stderr=0.0)) == "100.0% (99.0 to 100.0)"


def test_what_has_no_score_has_no_interval() -> None:
    assert with_interval(None) == "\N{EN DASH}"


def test_single_runs_are_said_to_have_no_run_to_run_interval() -> None:
    one = replace(row(parse_record(RECORD.read_text(), where="test")), flags=())
    five = replace(one, runs=5)
    name = one.record.candidate.name
    assert notes([one])[-1].startswith("one process run a candidate, so times carry no")
    mean = (
        "TTFT and decode: mean of up to 5 process runs ± half its 95% t interval; "
        "peak and anonymous: the largest run ± how far another may lie from it (95%)"
    )
    assert notes([five])[-1] == mean
    assert notes([five, one])[-1] == f"{mean}; one run, so no interval: {name}"
    assert notes([]) == []


def test_what_has_no_suite_score_and_what_enters_none_is_said() -> None:
    record = parse_record(RECORD.read_text(), where="test")
    name = record.candidate.name
    choice = record.accuracy["tiny_choice"].model_copy(
        update={"value": None, "unusable": "1 of 12 items have no usable acc: documents 3 (NaN)"}
    )
    one = row(record.model_copy(update={"accuracy": {**record.accuracy, "tiny_choice": choice}}))
    lines = notes([one])
    assert lines[0] == (
        f"{name}: no suite score: tiny_choice: 1 of 12 items have no usable acc: documents 3 (NaN)"
    )
    # The example is older than scales: its perplexity is known by its name.
    assert lines[1].startswith("tiny_prose: not in the mean: word_perplexity: a perplexity is no")
