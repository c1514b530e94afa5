"""What context costs: lengths in order, what more of it takes, and what was not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.publish.flat import flat_record
from leaderboard.rows.counting import OPTIONAL
from leaderboard.rows.row import row
from leaderboard.runs.contexts import context_points, growth, length_name, not_run
from runners.records.answers import SummaryInfo
from runners.records.contexts import ContextInfo

if TYPE_CHECKING:
    from runners.records.record import Record
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def summary(median: float) -> SummaryInfo:
    return SummaryInfo(
        n=20, p50=median, p95=median, p99=None, mean=median, minimum=median / 2, maximum=2 * median
    )


def context(tokens: int, **given: Any) -> ContextInfo:
    usual: dict[str, Any] = {
        "opened": tokens, "ttft_s": summary(tokens / 1000), "prompt_tokens": summary(tokens * 0.9),
        "peak_bytes": (100 + tokens // 64) * MIB,
    }  # fmt: skip
    return ContextInfo(tokens=tokens, **{**usual, **given})


def beyond(tokens: int, *, optional: bool = True) -> ContextInfo:
    return ContextInfo(tokens=tokens, optional=optional, not_run="context 4,096")


def measured(made: Maker, **contexts: ContextInfo) -> Record:
    """1k in two tasks of ten items each, 4k and 8k in one of twenty; 8k is optional."""
    tasks = {
        "niah_1k_a": made.task(0.9, 10, group="niah_1k", scale="share"),
        "niah_1k_b": made.task(0.7, 10, group="niah_1k", scale="share"),
        "niah_4k_a": made.task(0.4, 20, group="niah_4k", scale="share"),
        "niah_8k_a": made.task(0.1, 20, group="niah_8k", scale="share", optional=True),
    }
    usual = {"niah_8k": context(8192), "niah_1k": context(1024), "niah_4k": context(4096)}
    return made.record(tasks=tasks, contexts={**usual, **contexts})


def test_lengths_stand_in_order_with_their_scores(made: Maker) -> None:
    points = context_points(measured(made, niah_16k=beyond(16_384)))
    assert [(one.name, one.label) for one in points] == [
        ("niah_1k", "1k"),
        ("niah_4k", "4k"),
        ("niah_8k", "8k"),
    ]
    first, _, last = (one.score for one in points)
    assert first is not None
    assert last is not None
    assert (first.value, first.n) == (pytest.approx(0.8), 20)
    # It enters no mean, and is as uncertain as any other: Wilson's interval of 2 of 20.
    assert last.interval is not None
    assert last.interval.low == pytest.approx(0.028, abs=1e-3)


def test_what_is_optional_enters_no_mean(made: Maker) -> None:
    found = row(measured(made))
    assert found.score is not None
    assert found.score.value == pytest.approx((0.8 + 0.4) / 2)
    assert [(one.name, one.left_out) for one in found.scores] == [
        ("niah_1k", ""),
        ("niah_4k", ""),
        ("niah_8k", OPTIONAL),
    ]


def test_a_candidate_of_a_shorter_context_has_the_same_score(made: Maker) -> None:
    whole = measured(made)
    tasks = {name: task for name, task in whole.accuracy.items() if not task.optional}
    short = whole.model_copy(
        update={"accuracy": tasks, "contexts": {**whole.contexts, "niah_8k": beyond(8192)}}
    )
    assert row(short).score == row(whole).score
    # One that lacks a length which counts has none, and it is said why.
    tasks.pop("niah_4k_a")
    lacking = short.model_copy(
        update={
            "accuracy": tasks,
            "contexts": {**short.contexts, "niah_4k": beyond(4096, optional=False)},
        }
    )
    assert row(lacking).score is None
    assert row(lacking).unscored == "niah_4k: not run: context 4,096"


def test_growth_is_by_the_contexts_that_were_opened(made: Maker) -> None:
    # 116 MiB at 1,024 tokens, 228 at 8,192: 112 MiB for 7 times 1,024.
    assert growth(context_points(measured(made))) == (
        "From 1k to 8k the peak grows by 112 MiB: 16.0 MiB for each 1,024 tokens of context."
    )
    none = context(8192, peak_bytes=None, unknown={"peak_bytes": "why"})
    assert "From 1k to 4k" in growth(context_points(measured(made, niah_8k=none)))
    assert growth(context_points(measured(made))[:1]) == ""


def test_lengths_that_were_not_run_are_named_by_their_reason(made: Maker) -> None:
    later = [f"niah_{k}k" for k in (16, 32, 64)]
    found = measured(made, **{name: beyond(1024 * int(name[5:-1])) for name in later})
    assert not_run(found) == ["16k to 64k: context 4,096"]
    assert not_run(measured(made, niah_16k=beyond(16_384))) == ["16k: context 4,096"]
    assert not_run(measured(made)) == []
    assert (length_name(131_072), length_name(1500)) == ("128k", "1,500")


def test_a_flat_row_has_each_length(made: Maker) -> None:
    flat = flat_record(measured(made, niah_16k=beyond(16_384)))
    assert flat["context.niah_1k.ttft_s.p50"] == 1.024
    assert flat["context.niah_1k.ttft_s.slowest"] == 2.048
    assert flat["context.niah_8k.peak_bytes"] == 228 * MIB
    assert (flat["context.niah_16k.not_run"], flat["context.niah_16k.peak_bytes"]) == (
        "context 4,096",
        None,
    )
