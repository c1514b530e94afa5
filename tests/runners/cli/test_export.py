"""Records as tables: what a spreadsheet and a data frame get to see."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from evals.errors import RecordError
from leaderboard.publish.files import table_of
from leaderboard.publish.flat import flat_record
from runners.cli.export import command
from runners.records.record import Record
from runners.records.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).parents[2] / "data" / "records" / "v1" / "record.json"


def a_record(day: int = 1, **changes: Any) -> Record:
    content: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    job = {**content["job"], "key": f"{day:016d}", "scores": True}
    run_id = f"202601{day:02d}T000000-x-{day:08d}"
    return Record.model_validate({**content, "run_id": run_id, "job": job, **changes})


def samples(answer: str = "42") -> pa.Table:
    return pa.table(
        {
            "task": ["t", "t"],
            "answer": [answer, None],
            "logprobs": pa.array([[-1.5, float("-inf")], None], pa.list_(pa.float32())),
            "metric.acc": pa.array([1.0, 0.0], pa.float32()),
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def export(store: Store) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        asked = [*arguments, "--store", str(store.root)]
        return CliRunner().invoke(command, asked, standalone_mode=False)

    return run


def rows(done: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_flat_row_holds_what_was_measured():
    record = a_record()
    flat = flat_record(record)
    assert flat["run"] == record.run_id
    assert flat["candidate"] == record.candidate.name
    assert flat["machine.cpu_model"] == record.machine.cpu_model
    assert flat["software.weighin"] == record.software.weighin
    for name, task in record.accuracy.items():
        assert flat[f"accuracy.{name}"] == task.value
        assert flat[f"accuracy.{name}.n"] == task.n
    for name, workload in record.latency.items():
        assert flat[f"latency.{name}.ttft_s.slowest"] == workload.ttft_s.maximum
        assert flat[f"latency.{name}.decode_tokens_per_s.n"] == workload.decode_tokens_per_s.n
    assert record.memory is not None
    assert flat["memory.latency.peak_bytes"] == record.memory.phases["latency"].peak_bytes
    assert all(not isinstance(value, list | dict | tuple) for value in flat.values())


def test_what_was_not_measured_is_none():
    nothing = a_record(
        accuracy={}, latency={}, memory=None, load=None, status="failed",
        error={"phase": "load", "message": "no"},
    )  # fmt: skip
    flat = flat_record(nothing)
    assert flat["accuracy"] is flat["accuracy_low"] is flat["cold_start_s"] is None
    assert flat["error"] == "load: no"
    assert not any(key.startswith(("accuracy.", "latency.", "memory.")) for key in flat)


def test_columns_are_those_of_all_rows():
    table = table_of([{"a": 1, "b": 2}, {"c": 3, "a": 4}])
    assert table.to_pylist() == [{"a": 1, "b": 2, "c": None}, {"a": 4, "b": None, "c": 3}]


def test_rows_of_unlike_records_share_a_table(store: Store, export: Callable[..., Result]):
    store.add(a_record(1, accuracy={}), None)
    store.add(a_record(2), None)
    first, second = rows(export())
    assert list(first) == list(second)
    assert first["accuracy"] == ""
    assert second["accuracy"] != ""


def test_fidelity_is_added_where_it_is_asked_for(store: Store, export: Callable[..., Result]):
    store.add(a_record(1), None)
    assert "fidelity.ratio" not in rows(export())[0]
    # Alone in its family it has nothing to be held against.
    assert rows(export("--fidelity"))[0]["fidelity.ratio"] == ""
    assert "not for --samples" in str(export("--fidelity", "--samples").exception)


def test_a_spreadsheet_computes_nothing(store: Store, export: Callable[..., Result]):
    # What a model generates goes into a cell, and a spreadsheet would run a formula.
    record = a_record()
    evil = record.candidate.model_copy(update={"family": "=1+1"})
    store.add(record.model_copy(update={"candidate": evil}), samples('=HYPERLINK("x")'))
    assert rows(export())[0]["family"] == "'=1+1"
    first, second = rows(export("--samples"))
    assert first["answer"] == '\'=HYPERLINK("x")'
    assert second["answer"] == ""
    assert json.loads(export("--format", "json").stdout)[0]["family"] == "=1+1"


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_every_start_of_a_formula_is_quoted(
    start: str, store: Store, export: Callable[..., Result]
):
    store.add(a_record(), samples(f"{start}1"))
    assert rows(export("--samples"))[0]["answer"] == f"'{start}1"


def test_samples_name_their_run_and_candidate(store: Store, export: Callable[..., Result]):
    for day in (1, 2):
        store.add(a_record(day), samples())
    found = json.loads(export("--samples", "--format", "json").stdout)
    assert [one["run"] for one in found] == [i for i in store.run_ids() for _ in range(2)]
    assert found[0]["candidate"] == a_record().candidate.name
    # JSON has no infinity.
    assert found[0]["logprobs"] == [-1.5, None]
    assert found[1]["logprobs"] is None


def test_a_negative_number_is_no_formula(store: Store, export: Callable[..., Result]):
    table = samples().append_column("metric.gain", pa.array([-2.0, 2.0], pa.float32()))
    store.add(a_record(), table)
    first, _ = rows(export("--samples"))
    assert first["metric.gain"] == "-2.0"
    assert json.loads(first["logprobs"]) == [-1.5, None]


def test_parquet_keeps_types(store: Store, export: Callable[..., Result], tmp_path: Path):
    store.add(a_record(), samples())
    output = tmp_path / "out.parquet"
    done = export("--samples", "--format", "parquet", "--output", str(output))
    assert (done.return_value, done.stdout) == (0, "")
    table = pa.parquet.read_table(output)
    assert table.column_names[:2] == ["run", "candidate"]
    assert table.schema.field("metric.acc").type == pa.float32()


def test_parquet_needs_a_file(export: Callable[..., Result]):
    assert isinstance(export("--format", "parquet").exception, click.UsageError)


def test_only_the_runs_that_are_named(store: Store, export: Callable[..., Result]):
    for day in (1, 2, 3):
        store.add(a_record(day), None)
    ids = store.run_ids()
    assert [row["run"] for row in rows(export(ids[2], ids[0]))] == [ids[2], ids[0]]
    unknown = export("nobody").exception
    assert isinstance(unknown, RecordError)
    assert "nobody" in str(unknown)


@pytest.mark.parametrize("named", [False, True])
def test_damaged_records_are_named_and_left_out(
    named: bool, store: Store, export: Callable[..., Result]
):
    for day in (1, 2):
        store.add(a_record(day), None)
    damaged, whole = store.run_ids()
    (store.root / damaged / "record.json").write_text("{")
    done = export(*store.run_ids()) if named else export()
    assert done.return_value == 0
    assert [row["run"] for row in rows(done)] == [whole]
    assert done.stderr.count("damaged: not JSON") == 1


def test_a_store_without_a_readable_record_is_an_error(store: Store, export: Callable[..., Result]):
    assert isinstance(export().exception, RecordError)
    store.add(a_record(), None)
    (store.root / store.run_ids()[0] / "record.json").write_text("{")
    assert isinstance(export().exception, RecordError)


def test_repeats_of_the_timed_phases_have_no_samples(store: Store, export: Callable[..., Result]):
    store.add(a_record(1), samples())
    second = a_record(2)
    only_timed = second.job.model_copy(update={"scores": False})
    store.add(second.model_copy(update={"job": only_timed}), None)
    done = export("--samples")
    assert (len(rows(done)), done.stderr) == (2, "")


def test_a_file_that_cannot_be_written_is_one_line(
    store: Store, export: Callable[..., Result], tmp_path: Path
):
    store.add(a_record(), None)
    done = export("--output", str(tmp_path / "none" / "out.csv"))
    assert isinstance(done.exception, click.ClickException)
    assert "cannot be written" in done.exception.message


def test_what_a_real_run_leaves_is_exported(bench: Any):
    record = bench.run()
    asked = ["--store", str(bench.store.root), "--format", "json"]
    (whole,) = json.loads(CliRunner().invoke(command, asked, standalone_mode=False).stdout)
    assert whole["run"] == record.run_id
    assert whole["status"] == "completed"
    items = CliRunner().invoke(command, [*asked, "--samples"], standalone_mode=False)
    assert len(json.loads(items.stdout)) == sum(t.n for t in record.accuracy.values())
