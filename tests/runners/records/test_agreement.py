"""Whether a run may be judged: its samples, its baseline's list, its candidate as it is now."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from evals.errors import ArtifactError, RecordError
from runners.candidates.as_it_is import as_it_is
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.cli.sides import find_side
from runners.records.agreement import disagreement
from runners.records.baselines import MANIFEST, baseline_names, read_baseline, set_baseline
from runners.records.circumstances import ImportedInfo
from runners.records.reading import parse_record
from runners.records.record import Record, TaskAccuracy
from runners.records.store import SAMPLES, Store
from tests.runners.conftest import Bench

ROOT = Path(__file__).parents[3]
EXAMPLE = parse_record(
    (ROOT / "tests/data/records/v1/record.json").read_text(encoding="utf-8"), where="example"
)
ROWS = pa.table({
    "task": ["t"] * 4, "doc_id": pa.array([0, 1, 2, 3], pa.int32()), "item": ["a", "b", "c", "d"],
    "metric.acc": pa.array([1.0, 0.0, 1.0, 1.0], pa.float32()),
})  # fmt: skip


def accuracy(**given: Any) -> TaskAccuracy:
    usual: dict[str, Any] = {
        "group": "t", "metric": "acc", "value": 0.75, "stderr": 0.25, "n": 4, "asked": 4,
        "chance": None, "num_fewshot": 0, "higher_is_better": True, "metrics": {"acc": 0.75},
    }  # fmt: skip
    return TaskAccuracy(**{**usual, **given})


def record(
    name: str = "m", *, run_id: str = "20260101T000000-m-00000000", chosen: Any = None, **task: Any
) -> Record:
    """A run of the fake on one task of four items, three of them right."""
    about = EXAMPLE.candidate.model_copy(
        update={"name": name, "digest": json.dumps(chosen), "chosen": chosen or {}}
    )
    changes = {"run_id": run_id, "candidate": about, "accuracy": {"t": accuracy(**task)}}
    return EXAMPLE.model_copy(update={**changes, "flags": []})


# 8 + 12 nats over 2 + 3 words: 4 nats a word, a perplexity of e^4 = 54.598.
PPL = {"metric": "word_perplexity", "stderr": None, "n": 2, "scale": "perplexity"}
TEXTS = pa.table({
    "task": ["t"] * 2, "metric.word_perplexity": pa.array([-8.0, -12.0], pa.float32()),
    "weight.word_perplexity": [2.0, 3.0],
})  # fmt: skip


# Record and samples.


@pytest.mark.parametrize(
    ("task", "samples", "says"),
    [
        ({}, ROWS, ""),
        ({"n": 400}, ROWS, "t: it says n = 400, and its samples have 4 rows"),
        ({}, ROWS.slice(0, 3), "t: it says n = 4, and its samples have 3 rows"),
        ({"value": 0.9}, ROWS, "t: it says acc = 0.9, and its samples come to 0.75"),
        ({"metric": "f1"}, ROWS, "t: its samples have no column 'metric.f1'"),
        ({"metric": "f1", "stderr": None}, ROWS, ""),  # no mean of items
        ({**PPL, "value": 54.598}, TEXTS, ""),
        ({**PPL, "value": 10.0}, TEXTS,
         "t: it says word_perplexity = 10, which is 2.30259 nats, and its samples come to 4"),
        ({**PPL, "value": 10.0}, TEXTS.drop_columns("weight.word_perplexity"), ""),  # early
        ({}, ROWS.drop_columns("task"), "its samples have no column 'task'"),
        ({}, pa.concat_tables([ROWS, ROWS.set_column(0, "task", pa.array(["u"] * 4))]),
         "its samples have 4 rows of u, of which it has no score"),
    ],
)  # fmt: skip
def test_record_and_samples_say_the_same(task: dict[str, Any], samples: pa.Table, says: str):
    assert disagreement(record(**task), samples) == says


def test_a_store_refuses_rows_that_are_not_the_records(tmp_path: Path):
    store = Store(tmp_path)
    store.add(record(n=400, asked=400), ROWS)
    with pytest.raises(RecordError, match="damaged: t: it says n = 400"):
        find_side("m", store)
    assert store.samples("20260101T000000-m-00000000").equals(ROWS)  # for who wants to look


@pytest.mark.parametrize("root", ["results/reference", "results/baselines/smollm2-135m-instruct"])
def test_what_is_committed_agrees(root: str):
    for store in (Store(path) for path in (ROOT / root).parent.glob(f"{Path(root).name}*")):
        for one in store.records():
            assert isinstance(one, Record)
            if (store.root / one.run_id / SAMPLES).is_file():
                assert disagreement(one, store.samples(one.run_id)) == ""


def test_a_damaged_record_of_another_candidate_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    store = Store(tmp_path)
    store.add(record(), ROWS)
    half = tmp_path / "20260102T000000-other-00000000"
    half.mkdir()
    assert find_side("m", store).runs[-1].run_id == record().run_id
    assert "left out: no run '20260102T000000-other-00000000'" in capsys.readouterr().err
    half.rename(tmp_path / "20260102T000000-m-00000000")
    with pytest.raises(RecordError, match="no run '20260102T000000-m-00000000'"):
        find_side("m", store)


# The order of runs.


def test_an_id_sorts_behind_every_run_whatever_the_clock_says(tmp_path: Path):
    store = Store(tmp_path)
    future = "29990101T000000-m-00000000"
    store.add(record(run_id=future), ROWS)
    (tmp_path / "99999999T999999-m-00000000").mkdir()  # no time at all
    later = store.new_run_id("m", "1" * 16)
    assert later == "29990101T000001-m-11111111"
    assert store.new_run_id("another", "1" * 16) == "29990101T000000-another-11111111"
    store.add(record(run_id=later), ROWS)
    assert store.find("m").run_id == later


def test_runs_of_one_candidate_never_share_a_second(tmp_path: Path):
    store = Store(tmp_path)
    ids = []
    for key in ("f" * 16, "0" * 16, "8" * 16):
        ids.append(store.new_run_id("m", key))
        store.add(record(run_id=ids[-1]), ROWS)
    assert ids == sorted(ids)
    assert len({run_id[:15] for run_id in ids}) == 3


# The candidate as it is now.


def fake(**told: Any) -> Candidate:
    return Bench.fake("m", **told)


def chosen(**told: Any) -> dict[str, Any]:
    return {"fake": told, "threads": 1}


def test_the_newest_run_of_a_file_as_it_is_now(tmp_path: Path):
    store = Store(tmp_path / "store")
    first, second = "20260101T000000-m-00000000", "20260102T000000-m-00000000"
    store.add(record(run_id=first, chosen=chosen(pick=1)), ROWS)
    store.add(record(run_id=second, chosen=chosen(pick=2)), ROWS)
    file = tmp_path / "m.yaml"

    def side(pick: int) -> str:
        content = {"name": "m", "runtime": "fake", "settings": chosen(pick=pick)}
        file.write_text(json.dumps(content))
        return find_side(str(file), store).runs[-1].run_id

    assert (side(1), side(2)) == (first, second)
    with pytest.raises(RecordError, match="as it is now was not measured: run it"):
        side(0)
    assert find_side("m", store).runs[-1].run_id == second  # a name alone: whatever bears it
    with pytest.raises(RecordError, match="never judged against itself"):
        find_side("m", store, but=[first, second])
    assert find_side("m", store, but=[second]).runs[-1].run_id == first


def test_why_a_run_is_not_of_a_candidate():
    now = as_it_is(fake(pick=1))
    assert now.why_not(record(chosen=chosen(pick=1))) == ""
    assert "had the settings" in now.why_not(record(chosen=chosen(pick=2)))
    other = record(chosen=chosen(pick=1))
    imported = other.model_copy(update={"imported": ImportedInfo()})
    assert now.why_not(imported) == "was imported from another harness"
    on_hf = other.candidate.model_copy(update={"runtime": "hf"})
    elsewhere = other.model_copy(update={"candidate": on_hf})
    assert now.why_not(elsewhere) == "ran on runtime hf, which is fake now"


def test_the_catalogues_names_are_known_without_their_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the pin of the file, and of what the catalogue makes from a pinned file by its recipe."""
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    runs = [r for r in Store(ROOT / "results/reference").records() if isinstance(r, Record)]
    by_name = {run.candidate.name: run for run in runs}
    for rung in ("q4_1", "q8_0", "f16"):
        name = f"smollm2-135m-instruct-{rung}"
        now = as_it_is(find_candidate(name))
        assert now.why_not(by_name[name]) == ""
    weights = find_candidate("smollm2-135m-instruct-q4_1")
    mine = weights.model_copy(update={"sha256": None})
    run = by_name[weights.name]
    assert "which are not here" in as_it_is(mine).why_not(run)
    other = weights.model_copy(update={"sha256": "0" * 64})
    assert "had weights with sha256" in as_it_is(other).why_not(run)


def test_a_weights_file_that_changed_is_another_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    gguf = pytest.importorskip("gguf")

    def written(value: float) -> str:
        writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
        writer.add_tensor("token_embd.weight", np.full((2, 32), value, np.float32))
        for write in ("header", "kv_data", "tensors"):
            getattr(writer, f"write_{write}_to_file")()
        writer.close()
        return hashlib.sha256((tmp_path / "m.gguf").read_bytes()).hexdigest()

    run = record(chosen={})
    about = run.candidate.model_copy(update={"runtime": "llamacpp", "weights_sha256": written(1.0)})
    run = run.model_copy(update={"candidate": about})
    file = str(tmp_path / "m.gguf")
    assert as_it_is(find_candidate(file)).why_not(run) == ""
    changed = written(2.0)
    assert f"which is {changed} now" in as_it_is(find_candidate(file)).why_not(run)
    (tmp_path / "m.gguf").unlink()
    gone = Candidate(name="m", weights=file)
    with pytest.raises(ArtifactError, match="no such file"):
        as_it_is(gone)


# A baseline's folder.


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    store = Store(tmp_path / "store")
    run = record()
    store.add(run, ROWS)
    return set_baseline(tmp_path / "base", "b", store, [run], reason="r", force=False)


def test_a_baseline_is_what_its_manifest_lists(baseline: Path):
    assert [run.run_id for run in read_baseline(baseline.parent, "b").runs] == [record().run_id]
    assert len(json.loads((baseline / MANIFEST).read_text())["sha256"]) == 2
    (baseline / ".hidden").mkdir()
    shutil.copytree(baseline, baseline.parent / ".b-1234")  # what a killed process leaves
    assert baseline_names(baseline.parent) == ["b"]
    assert find_side(str(baseline), Store(Path("nowhere"))).samples is not None


def test_another_record_in_a_baselines_folder_is_refused(baseline: Path):
    added = record(run_id="20270101T000000-m-00000000")
    Store(baseline).add(added, ROWS)
    with pytest.raises(RecordError, match=r"holds 2027.* which baseline\.json does not list"):
        find_side(str(baseline), Store(Path("nowhere")))


def test_another_file_in_a_baselines_folder_is_refused(baseline: Path):
    path = baseline / record().run_id / "record.json"
    text = path.read_text(encoding="utf-8")
    path.write_bytes(text.replace("\n", "\r\n").encode())  # as git may check it out
    assert read_baseline(baseline.parent, "b")
    path.write_text(text.replace("0.75", "0.76"), encoding="utf-8")
    with pytest.raises(RecordError, match=r"record\.json: is not the file that"):
        read_baseline(baseline.parent, "b")
    (baseline / record().run_id / SAMPLES).unlink()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=r"samples\.parquet: is listed .* and missing"):
        read_baseline(baseline.parent, "b")
