"""Records as lm-eval's files, read by lm-eval's own utilities, by datasets, and by our import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lm_eval.utils import (
    get_file_datetime,
    get_file_task_name,
    get_latest_filename,
    get_results_filenames,
    get_sample_results_filenames,
    make_table,
    sanitize_model_name,
)

from evals.errors import RecordError
from runners.cli.export_lm_eval import write_lm_eval
from runners.exchange.lm_eval import read_results, results_files
from runners.exchange.to_lm_eval import folder_of, results_of, stamp_of
from runners.records.record import Record

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

RUN = "20260101T000000-m-0123456789abcdef"


@pytest.fixture
def written(bench: Bench, tmp_path: Path) -> tuple[Record, list[dict[str, Any]], Path]:
    """A run of all kinds of tasks, its samples, and its results file."""
    (outcome,) = bench.outcomes(bench.fake("a/b: c", pick=1), keep_prompts=True)
    record = outcome.record
    rows = bench.store.samples(record.run_id).to_pylist()
    (path,) = write_lm_eval(bench.store, [record], tmp_path / "out")
    return record, rows, path


def test_lm_evals_own_utilities_find_and_read_them(written: tuple[Any, Any, Path]):
    record, _, path = written
    files = [str(file) for file in path.parent.iterdir()]
    assert get_results_filenames(files) == [str(path)]
    samples = get_sample_results_filenames(files)
    assert {get_file_task_name(Path(one).name) for one in samples} == set(record.accuracy)
    assert len({get_file_datetime(Path(one).name) for one in samples}) == 1
    assert get_latest_filename([str(path), "/x/results_2020-01-01T00-00-00.json"]) == str(path)
    assert path.parent.name == sanitize_model_name(record.candidate.name) == "a__b__ c"
    content = json.loads(path.read_text(encoding="utf-8"))
    table = make_table(content)
    for name, task in record.accuracy.items():
        assert f"|{name}" in table
        assert f"{task.value:.4f}" in table


def test_every_sample_is_a_line_that_datasets_loads(written: tuple[Any, Any, Path], tmp_path: Path):
    from datasets import load_dataset

    record, rows, path = written
    for name, task in record.accuracy.items():
        (file,) = path.parent.glob(f"samples_{name}_*.jsonl")
        cache = str(tmp_path / "cache")
        found = load_dataset("json", data_files=str(file), split="train", cache_dir=cache)
        mine = [row for row in rows if row["task"] == name]
        # lm-eval has a line for each item and filter.
        metric, _, answer_filter = task.metric.partition(",")
        here = [n for n, one in enumerate(found["filter"]) if one == (answer_filter or "none")]
        found = found.select(here)
        assert found["doc_id"] == [row["doc_id"] for row in mine]
        assert found[metric] == pytest.approx([row[f"metric.{task.metric}"] for row in mine])
        if name == "tiny_answer":
            assert [one[0][0] for one in found["resps"]] == [row["answer"] for row in mine]
            assert found["arguments"][0]["gen_args_0"]["arg_0"] == mine[0]["prompt"]


def test_our_import_reads_the_same_scores(written: tuple[Any, Any, Path], tmp_path: Path):
    record, rows, path = written
    assert results_files(tmp_path / "out") == [path]
    found = read_results(path, name=None, new_run_id=lambda *_: RUN, command="weighin")
    assert found.record.candidate.name == record.candidate.name
    for name, task in record.accuracy.items():
        again = found.record.accuracy[name]
        assert (again.metric, again.n, again.num_fewshot) == (task.metric, task.n, task.num_fewshot)
        assert again.value == pytest.approx(task.value)
    assert found.samples is not None
    assert found.samples.num_rows == len(rows)


def test_a_group_has_its_mean_and_its_members(written: tuple[Record, Any, Path]):
    record, _, _ = written
    usual = record.accuracy["tiny_choice"]
    # 2 of 6 and 2 of 2: by items (2 + 2) / 8, each the same (1/3 + 1) / 2.
    for by_size, mean in ((True, 0.5), (False, 2 / 3)):
        told = {"group": "both", "by_size": by_size}
        tasks = {
            name: usual.model_copy(update={**told, "value": value, "n": n})
            for name, value, n in (("a", 1 / 3, 6), ("b", 1.0, 2))
        }
        content = results_of(record.model_copy(update={"accuracy": tasks}), {})
        assert content["group_subtasks"] == {"both": ["a", "b"]}
        assert content["groups"]["both"]["acc,none"] == pytest.approx(mean)
        assert "both" in make_table(content, "groups")


def test_names_of_files(written: tuple[Record, Any, Path]):
    record = written[0].model_copy(update={"created_at": "2026-11-26T01:02:03+00:00"})
    assert stamp_of(record) == "2026-11-26T01-02-03"
    assert folder_of(record) == "a__b__ c"


def test_what_answers_no_task_is_not_written(bench: Bench, tmp_path: Path):
    record = bench.run(pick=1)
    timed = record.model_copy(update={"job": record.job.model_copy(update={"scores": False})})
    with pytest.raises(RecordError, match="none of these runs answered tasks"):
        list(write_lm_eval(bench.store, [timed], tmp_path / "out"))
