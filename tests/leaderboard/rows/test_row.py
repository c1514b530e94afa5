"""Records -> rows: weights, means and intervals worked by hand; what is missing stays missing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from leaderboard.rows.guessing import guessing_level
from leaderboard.rows.metric import longest_workload
from leaderboard.rows.row import merged, row
from leaderboard.rows.score import Score, group_score, task_score
from leaderboard.stats.intervals import Interval, proportion_interval, wilson
from runners.records.parts import FlagInfo
from runners.records.reading import parse_record
from runners.records.record import MemoryPhase, Record, TaskAccuracy
from tests.support.records import changed

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"
BASE = parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example")


def task(value: float | None, n: int = 100, **given: Any) -> TaskAccuracy:
    usual: dict[str, Any] = {
        "group": "t", "metric": "acc", "value": value, "stderr": None, "n": n, "asked": n,
        "chance": None, "num_fewshot": 0, "higher_is_better": True, "metrics": {"acc": value},
    }  # fmt: skip
    return TaskAccuracy(**{**usual, **given})


def record(**changes: Any) -> Record:
    """A run; its suite asked for the tasks that are given."""
    groups = dict.fromkeys(one.group for one in changes.get("accuracy", {}).values())
    if groups and "suite" not in changes:
        tasks = [{"task": group} for group in groups]
        changes["suite"] = BASE.suite.model_copy(update={"tasks": tasks})
    return changed(BASE, **changes)


def with_tasks(**tasks: TaskAccuracy) -> Record:
    return record(accuracy=tasks)


def timed(repeat: int, ttft_s: float, peak: int, **changes: Any) -> Record:
    """A run whose headline numbers are these; decode is 1 / ttft."""
    assert BASE.memory
    one = BASE.latency["8+4"]
    workload = one.model_copy(
        update={
            "ttft_s": one.ttft_s.model_copy(update={"p50": ttft_s}),
            "decode_tokens_per_s": one.decode_tokens_per_s.model_copy(update={"p50": 1 / ttft_s}),
        }
    )
    phase = MemoryPhase(peak_bytes=peak, anon_bytes=None, file_bytes=None)
    return record(
        job=BASE.job.model_copy(update={"repeat": repeat}),
        latency={"8+4": workload},
        memory=BASE.memory.model_copy(update={"phases": {"load": phase, "latency": phase}}),
        flags=[],
        **changes,
    )


def share_stderr(share: float, n: int) -> float:
    """Of items that are right or wrong."""
    return math.sqrt(share * (1 - share) / (n - 1))


def bounds(interval: Interval | None) -> tuple[float, float]:
    assert interval
    return round(interval.low, 4), round(interval.high, 4)


# One task.


def test_a_task_of_right_and_wrong_items_has_wilsons_interval():
    score = task_score("t", task(0.25, 40, stderr=share_stderr(0.25, 40)))
    assert score.interval == wilson(10, 40)
    assert (score.value, score.stderr, score.n) == (0.25, share_stderr(0.25, 40), 40)


def test_a_task_whose_passages_go_together_has_as_many_items_as_passages():
    # 400 items, four a passage: the variance is four times as large.
    together = 2 * share_stderr(0.25, 400)
    score = task_score("t", task(0.25, 400, stderr=together, design_effect=4.0, chance=0.2))
    assert score.interval == wilson(25, 100)
    # 25 or more of 100 by chance 0.2: 13 %; 100 or more of 400: 0.8 %.
    assert score.told_from_chance is False
    alone = task_score("t", task(0.25, 400, stderr=share_stderr(0.25, 400), chance=0.2))
    assert alone.told_from_chance is True


def test_a_task_with_scores_in_between_has_ts_interval():
    # t of 2499 is 1.960909: 0.5 +- 0.0196.
    assert bounds(task_score("t", task(0.5, 2500, stderr=0.009)).interval) == (0.4824, 0.5176)


@pytest.mark.parametrize(
    ("value", "n", "chance", "told"),
    [
        # Binomial tables, 20 items of four choices: 9 or more by chance in 4.1 %, 8 in 10.2 %.
        (0.45, 20, 0.25, True),
        (0.40, 20, 0.25, False),
        (0.10, 20, 0.25, False),
        (0.45, 20, None, None),
        (None, 0, 0.25, None),
    ],
)
def test_what_is_told_from_guessing(
    value: float | None, n: int, chance: float | None, told: bool | None
):
    one = task(value, n, chance=chance, stderr=0.1)
    assert task_score("t", one).told_from_chance is told


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (7.4, {"metric": "word_perplexity", "higher_is_better": False, "stderr": None}),
        (0.9, {"metric": "brier_score", "higher_is_better": False, "stderr": None}),
        (-0.2, {"metric": "mcc", "stderr": None}),
        (0.9, {"metric": "score"}),
        (None, {}),
    ],
)
def test_what_is_no_proportion_has_neither_interval_nor_chance(
    value: float | None, given: dict[str, Any]
):
    one = task_score("t", task(value, 20, **{"chance": 0.5, "stderr": 0.1, **given}))
    assert (one.value, one.interval, one.told_from_chance) == (value, None, None)


@pytest.mark.parametrize("value", [-0.2, 1.3, None])
def test_a_share_outside_0_to_1_is_unusable(value: float | None):
    one = task_score("t", task(value, 20, stderr=0.1))
    assert (one.value, one.interval, one.left_out) == (None, None, "")
    assert one.unusable


# A group of subjects.


def test_subjects_weigh_by_their_items():
    # (0.5 * 10 + 0.8 * 30) / 40 = 29/40 = 0.725
    # Errors sqrt(0.25 / 9) = 1/6 and sqrt(0.16 / 29) = 0.0742781:
    # sqrt((1/6 * 10/40)^2 + (0.0742781 * 30/40)^2) = sqrt(0.00173611 + 0.00310345) = 0.0695669
    # chance (0.25 * 10 + 0.5 * 30) / 40 = 0.4375
    subjects = [
        task(0.5, 10, stderr=share_stderr(0.5, 10), chance=0.25),
        task(0.8, 30, stderr=share_stderr(0.8, 30), chance=0.5),
    ]
    one = group_score("mmlu", subjects)
    assert (one.name, one.n, one.value) == ("mmlu", 40, pytest.approx(0.725))
    assert one.stderr == pytest.approx(0.0695669, abs=1e-7)
    assert one.chance == pytest.approx(0.4375)
    assert one.told_from_chance is True
    expected = wilson(29, 40)
    assert one.interval
    assert one.interval.low == pytest.approx(expected.low)
    assert one.interval.high == pytest.approx(expected.high)


def test_a_groups_passages_widen_its_interval():
    # Two subjects of 100 items at 0.25, ten a passage: together 20 passages, or a few more, since
    # variances of subjects divide by their own n - 1: 10 * 199 / (2 * 99) = 10.05.
    one = group_score(
        "mmlu",
        [task(0.25, 100, stderr=10**0.5 * share_stderr(0.25, 100), design_effect=10.0)] * 2,
    )
    assert bounds(one.interval) == bounds(proportion_interval(0.25, None, 200, design_effect=10.05))


def test_a_subject_that_was_not_reached_has_no_weight():
    one = group_score("g", [task(0.5, 10, stderr=0.1), task(None, 0)])
    assert (one.value, one.n, one.stderr) == (0.5, 10, pytest.approx(0.1))


def test_a_group_lacks_what_a_subject_lacks():
    one = group_score("g", [task(0.5, 10, stderr=0.1, chance=0.5), task(1.0, 1)])
    # 0.5 * 10 + 1.0 * 1 of 11 items.
    assert one.value == pytest.approx(6 / 11)
    assert (one.stderr, one.chance, one.told_from_chance) == (None, None, None)


def test_a_group_that_was_not_reached():
    one = group_score("g", [task(None, 0), task(None, 0)])
    assert (one.value, one.interval, one.n) == (None, None, 0)


# A row.


def test_the_suites_score_counts_every_task_and_group_once():
    # A task of 40 of 100 and a group of (50 + 70) / 200 = 0.6: mean 0.5.
    # Errors sqrt(0.24 / 99) = 0.0492366 and sqrt(0.25 / 99 + 0.21 / 99) / 2 = 0.0340825:
    # sqrt(0.0492366^2 + 0.0340825^2) / 2 = 0.0299410. Wilson's limits are 0.3094 to 0.4980 of
    # 40 of 100 and 0.5308 to 0.6654 of 120 of 200: 0.5 - sqrt(0.0906^2 + 0.0692^2) / 2 = 0.4430,
    # 0.5 + sqrt(0.0980^2 + 0.0654^2) / 2 = 0.5589.
    one = row(
        with_tasks(
            alone=task(0.4, 100, stderr=share_stderr(0.4, 100), group="alone"),
            g_a=task(0.5, 100, stderr=share_stderr(0.5, 100), group="g"),
            g_b=task(0.7, 100, stderr=share_stderr(0.7, 100), group="g"),
        )
    )
    assert [(s.name, round(s.value or 0, 6)) for s in one.scores] == [("alone", 0.4), ("g", 0.6)]
    assert one.score
    assert (one.score.name, one.score.metric, one.score.n) == ("suite", "mean", 300)
    assert one.score.value == pytest.approx(0.5)
    assert one.score.stderr == pytest.approx(0.0299410, abs=1e-7)
    assert bounds(one.score.interval) == (0.443, 0.5589)


def test_what_is_no_proportion_does_not_enter_the_suites_score():
    one = row(
        with_tasks(
            a=task(0.4, group="a", stderr=0.1),
            b=task(12.5, group="b", metric="ter", higher_is_better=False),
            c=task(None, 0, group="c"),
        )
    )
    assert [s.name for s in one.scores] == ["a", "b", "c"]
    assert isinstance(one.score, Score)
    assert (one.score.name, one.score.value) == ("a", 0.4)  # of one task: itself
    assert row(with_tasks(b=task(12.5, group="b", higher_is_better=False))).score is None


def test_a_suite_score_without_a_standard_error_has_its_tasks_intervals():
    one = row(with_tasks(a=task(0.4, group="a", stderr=0.1), b=task(1.0, 1, group="b"))).score
    assert one
    assert (one.value, one.stderr) == (pytest.approx(0.7), None)
    # One item of one: Wilson's 0.2065 to 1. Scores in between, t of 99: 0.4 -+ 1.984 * 0.1.
    # 0.7 - sqrt(0.1984^2 + 0.7935^2) / 2 = 0.2911; 0.7 + 0.1984 / 2 = 0.7992.
    assert bounds(one.interval) == (0.2911, 0.7992)


def test_a_suites_interval_ends_where_scores_do():
    low = {name: task(0.005, n=400, stderr=0.003, group=name) for name in ("a", "b")}
    score = row(with_tasks(**low)).score
    assert score
    assert score.interval
    # t of 399 is 1.965927: 0.005898 a task, from -0.0009, which cannot be: 0.005 below, and
    # above 0.005898 / sqrt(2) = 0.004170.
    assert bounds(score.interval) == (0.0015, 0.0092)
    high = {name: task(0.995, n=400, stderr=0.003, group=name) for name in ("a", "b")}
    assert bounds(score_interval(with_tasks(**high))) == (0.9908, 0.9985)


def score_interval(record: Record) -> Interval | None:
    score = row(record).score
    return score.interval if score else None


def test_a_task_that_is_all_right_is_not_certain():
    # Wilson for 40 of 40: 1 / (1 + 1.959964^2 / 40) = 0.912378 to 1, so a half width of 0.043811
    # and a standard error of 0.043811 / 1.959964 = 0.022353; with 0.03: sqrt(...) / 2 = 0.018705
    right = task(1.0, 40, stderr=0.0, group="a")
    one = row(with_tasks(a=right, b=task(0.4, 400, stderr=0.03, group="b"))).score
    assert one
    assert one.stderr == pytest.approx(0.018705, abs=2e-6)


def test_an_incomplete_run_has_no_suite_score():
    reached = task(0.4, group="a", stderr=0.1)
    half = row(with_tasks(a=reached, b=task(0.5, 10, group="b", stderr=0.1, asked=40)))
    assert half.score is None
    assert [s.value for s in half.scores] == [0.4, 0.5]


def test_a_row_shows_the_longest_prompt_and_the_larger_peak_of_load_and_latency():
    short, long = BASE.latency["8+4"], BASE.latency["8+4"]
    long = long.model_copy(
        update={"prompt_tokens": 512, "ttft_s": long.ttft_s.model_copy(update={"p50": 0.5})}
    )
    one = record(latency={"512+4": long, "8+4": short})
    assert longest_workload(one) == "512+4"
    found = row(one)
    assert BASE.memory
    assert found.value("ttft") == 0.5
    assert found.value("decode") == short.decode_tokens_per_s.p50
    assert found.value("memory") == max(
        BASE.memory.phases[name].peak_bytes for name in ("load", "latency", "generation")
    )
    assert (found.runs, found.number("ttft").interval, found.number("memory").interval) == (
        1,
        None,
        None,
    )


def test_a_peak_while_loading_is_the_headline_where_it_is_larger():
    assert BASE.memory
    peaks = {"load": 900, "latency": 276, "scoring": 2000, "generation": 280}
    phases = {
        name: MemoryPhase(peak_bytes=size * 2**20, anon_bytes=size, file_bytes=None)
        for name, size in peaks.items()
    }
    found = row(record(memory=BASE.memory.model_copy(update={"phases": phases})))
    assert found.value("memory") == 900 * 2**20
    assert found.value("anonymous") == 900  # of the same phase


def test_what_was_not_measured_is_none():
    nothing = row(record(latency={}, memory=None, accuracy={}, status="failed", flags=[]))
    assert (nothing.score, nothing.scores, nothing.flags) == (None, (), ("failed",))
    assert (nothing.value("ttft"), nothing.value("decode"), nothing.value("memory")) == (
        None,
        None,
        None,
    )
    assert longest_workload(nothing.record) is None
    assert BASE.memory
    phases = {"load": BASE.memory.phases["load"]}  # it died in the latency phase
    died = record(memory=BASE.memory.model_copy(update={"phases": phases}))
    assert row(died).value("memory") is None


def test_what_fills_the_context_is_not_the_headline():
    short = BASE.latency["8+4"]
    fills = short.model_copy(update={"prompt_tokens": 4032, "ttft_s": short.tpot_s})
    both = record(latency={"fill+64": fills, "8+4": short})
    assert longest_workload(both) == "8+4"
    assert row(both).number("ttft").value == short.ttft_s.p50
    alone = record(latency={"fill+64": fills})
    assert longest_workload(alone) == "fill+64"


# Repeats.


def test_repeats_of_a_candidate_are_one_row():
    (one,) = merged([timed(0, 0.010, 100), timed(1, 0.020, 200, accuracy={})])
    # TTFT 15 ms; s = 7.071 ms, s / sqrt(2) = 5 ms, t(1) = 12.7062: +- 63.531 ms.
    assert (one.runs, one.value("ttft")) == (2, pytest.approx(0.015))
    assert bounds(one.number("ttft").interval) == (0.0, 0.0785)  # no time is below 0
    assert one.number("ttft").interval
    assert one.number("ttft").interval.half == pytest.approx(0.0635, abs=1e-4)
    # Decode 100 and 50 tokens/s: 75 +- 12.7062 * 25.
    assert one.value("decode") == pytest.approx(75)
    assert bounds(one.number("decode").interval) == (0.0, 392.6551)
    # The largest run; s = 70.7107, a further run t(1) s sqrt(1 + 1/2) = 1100.39 about it.
    peak = one.number("memory")
    assert (peak.value, peak.basis) == (200, "largest of 2 runs")
    assert peak.interval
    assert peak.interval.half == pytest.approx(1100.39, abs=0.01)
    assert peak.drawn
    assert peak.drawn.value == 150
    assert one.scores == row(BASE).scores  # the first repeat has the answers for all
    assert one.flags == ()


def test_the_newest_run_of_a_repeat_counts():
    (one,) = merged([timed(0, 0.010, 100), timed(0, 0.030, 300)])
    assert (one.runs, one.value("ttft"), one.number("ttft").interval) == (1, 0.030, None)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("candidate", {"digest": "other"}),
        ("candidate", {"name": "other"}),
        ("suite", {"digest": "other"}),
    ],
)
def test_what_differs_is_a_row_of_its_own(part: str, changes: dict[str, Any]):
    other = getattr(BASE, part).model_copy(update=changes)
    assert len(merged([timed(0, 0.01, 1), timed(1, 0.01, 1, **{part: other})])) == 2


def test_runs_under_a_budget_are_rows_of_their_own():
    limits = [None, {"name": "a", "memory_bytes": 1}, {"name": "b", "memory_bytes": 2}]
    assert len(merged([timed(0, 0.01, 1, budget=limit) for limit in limits])) == 3


def test_the_worst_verdict_of_the_repeats_is_shown():
    budget = {"name": "a", "memory_bytes": 1}
    verdicts = ["fits", "thrashes", "too slow"]
    (one,) = merged([
        timed(number, 0.01, 1, budget=budget, verdict={"verdict": verdict})
        for number, verdict in enumerate(verdicts)
    ])  # fmt: skip
    assert one.verdict == "thrashes"
    (plain,) = merged([timed(0, 0.01, 1)])
    assert plain.verdict is None


def test_an_interruption_does_not_hide_a_completed_run():
    (one,) = merged([timed(0, 0.5, 100), timed(0, 0.9, 100, status="interrupted")])
    assert (one.value("ttft"), one.flags) == (0.5, ())
    (other,) = merged([timed(0, 0.5, 100), timed(0, 0.9, 100, status="failed")])
    assert other.flags == ("failed",)


def test_another_machine_is_a_row_of_its_own():
    machine = {**BASE.machine.said(), "fingerprint": "other"}
    assert len(merged([timed(0, 0.01, 1), timed(1, 0.01, 1, machine=machine)])) == 2


def test_a_repeat_that_failed_is_shown():
    failed = record(
        job=BASE.job.model_copy(update={"repeat": 1}), status="failed", latency={}, memory=None,
        accuracy={}, flags=[FlagInfo(name="contended", detail="")],
    )  # fmt: skip
    (one,) = merged([timed(0, 0.010, 100), failed])
    assert one.flags == ("failed (1 of 2 runs)", "contended (1 of 2 runs)")
    assert (one.runs, one.value("ttft"), one.value("memory")) == (1, 0.010, 100)
    assert one.scores == row(BASE).scores


def test_rows_come_in_the_order_of_the_candidates():
    names = ["b", "a", "b", "c"]
    records = [
        timed(n, 0.01, 1, candidate=BASE.candidate.model_copy(update={"name": name}))
        for n, name in enumerate(names)
    ]
    assert [one.record.candidate.name for one in merged(records)] == ["b", "a", "c"]
    assert merged([]) == []


def test_a_repeat_that_failed_does_not_hide_the_accuracy_of_another():
    good = timed(0, 0.5, 100, accuracy={"a": task(0.4, group="a", stderr=0.1)})
    dead = timed(1, 0.5, 100, accuracy={"a": task(None, 0, group="a", asked=100)}, status="failed")
    (one,) = merged([good, dead])
    assert one.score
    assert one.score.value == 0.4
    assert one.flags == ("failed (1 of 2 runs)",)


def test_a_metric_that_is_no_mean_has_no_interval_of_a_proportion():
    # F1 and MCC lie between 0 and 1 as well, and have no standard error of a mean.
    assert task_score("t", task(0.6, 100, metric="f1")).interval is None


def test_a_group_of_different_metrics_is_shown_by_its_members():
    one = row(
        with_tasks(
            cola=task(0.2, group="glue", metric="mcc"),
            sst2=task(0.8, group="glue", stderr=0.04),
        )
    )
    assert [(s.name, s.metric) for s in one.scores] == [("cola", "mcc"), ("sst2", "acc")]


# Guessing.


def test_below_guessing_is_a_flag_and_above_it_a_column():
    # 79 of 200 two-choice questions: (0.395 - 0.5) / 0.5; 120 of 200 of four: 0.35 / 0.75.
    low = task(0.395, 200, group="b", chance=0.5, stderr=0.0347)
    high = task(0.6, 200, group="h", chance=0.25, stderr=0.0347)
    (one,) = merged([timed(0, 0.01, 100, accuracy={"b": low, "h": high})])
    assert one.flags == ("below guessing: b",)
    assert one.value("normalised") == pytest.approx((-0.21 + 0.466667) / 2, abs=1e-6)
    assert guessing_level(one) == pytest.approx(0.375)
    assert guessing_level(one, {"h": 3.0}) == pytest.approx(0.3125)


def test_an_open_task_has_no_level_of_guessing():
    open_ended = row(with_tasks(g=task(0.4, 100, group="g", chance=None)))
    assert guessing_level(open_ended) is None
    assert not any("guessing" in flag for flag in open_ended.flags)
