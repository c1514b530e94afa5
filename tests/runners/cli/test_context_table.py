"""What context costs, as `weighin show` prints it."""

from __future__ import annotations

from leaderboard.rows.row import row
from runners.cli.context_table import context_lines, context_table
from runners.cli.tables import notes
from runners.records.reading import parse_record
from tests.leaderboard.conftest import EXAMPLE, Maker
from tests.leaderboard.runs.test_contexts import beyond, context, measured

MADE = Maker(parse_record(EXAMPLE.read_text(encoding="utf-8"), where="example"))


def test_a_run_without_lengths_has_no_table() -> None:
    assert context_table(MADE.record()) is None
    assert context_lines(MADE.record()) == []


def test_what_was_not_run_or_measured_is_said_below() -> None:
    unknown = {"peak_bytes": "the model runs elsewhere", "ttft_s": "the answers do not tell"}
    one = context(8192, peak_bytes=None, ttft_s=None, unknown=unknown)
    record = measured(MADE, niah_8k=one, niah_16k=beyond(16_384))
    assert context_lines(record) == [
        # 116 MiB at 1,024 tokens, 164 at 4,096.
        "From 1k to 4k the peak grows by 48 MiB: 16.0 MiB for each 1,024 tokens of context.",
        "not run: 16k: context 4,096",
        "peak not measured: the model runs elsewhere",
        "TTFT not measured: the answers do not tell",
    ]
    table = context_table(record)
    assert table is not None
    assert table.fits(120)


def test_tasks_beside_the_mean_are_named_once() -> None:
    record = measured(MADE)
    optional = {**record.accuracy, "niah_16k_a": record.accuracy["niah_8k_a"].model_copy()}
    optional["niah_16k_a"] = optional["niah_16k_a"].model_copy(update={"group": "niah_16k"})
    said = notes([row(record.model_copy(update={"accuracy": optional}))])
    why = "not in the mean: candidates of a shorter context are not asked it"
    assert f"niah_8k, niah_16k: {why}" in said
