"""`weighin verify`: the same weights on the same items, here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from runners.cli import group
from runners.records.store import RECORD, SAMPLES, Store

Weighin = Callable[..., Result]


def candidate(folder: Path, name: str, **told: object) -> None:
    content = {"name": name, "runtime": "fake", "settings": {"threads": 1, "fake": told}}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
def weighin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> Weighin:
    monkeypatch.chdir(tmp_path)
    candidate(tmp_path, "fa", seed=1)
    candidate(tmp_path, "fb", pick=1)

    def call(*args: str) -> Result:
        return CliRunner().invoke(group, [*args, "--include", str(tiny)], standalone_mode=False)

    return call


@pytest.fixture
def run(weighin: Weighin) -> str:
    """A run of fa on a task whose choices are scored."""
    done = weighin("run", "fa.yaml", "--tasks", "tiny_choice", "--store", "s", "--json")
    run_id: str = json.loads(done.stdout)[0]["run_id"]
    return run_id


def verified(weighin: Weighin, run: str, *args: str) -> tuple[int, dict[str, object]]:
    done = weighin("verify", run, "--store", "s", "--as", "fa.yaml", "--json", *args)
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.stdout)


def test_an_honest_run_agrees(weighin: Weighin, run: str) -> None:
    code, said = verified(weighin, run, "--items", "10", "--seed", "3")
    assert (code, said["verdict"], said["items"], said["changed"]) == (0, "agrees", 10, 0)
    assert said["nats"] == 0.0
    # Nothing is left in the store.
    assert Store(Path("s")).run_ids() == [run]


def test_an_invented_run_differs(weighin: Weighin, run: str) -> None:
    folder = Path("s") / run
    table = pq.read_table(folder / SAMPLES)
    right = pa.array([1.0] * table.num_rows, pa.float32())
    for metric in ("metric.acc", "metric.acc_norm"):
        if metric in table.column_names:
            place = table.column_names.index(metric)
            table = table.set_column(place, metric, right)
    pq.write_table(table, folder / SAMPLES)
    content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    for task in content["accuracy"].values():
        task["value"] = 1.0
        task["metrics"] = dict.fromkeys(task["metrics"], 1.0)
        task["stderr"] = 0.0
    (folder / RECORD).write_text(json.dumps(content), encoding="utf-8")
    code, said = verified(weighin, run)
    assert (code, said["verdict"]) == (1, "differs")


def test_another_candidate_is_refused(weighin: Weighin, run: str) -> None:
    done = weighin("verify", run, "--store", "s", "--as", "fb.yaml")
    assert "fb is not its candidate" in str(done.exception)


def test_a_candidate_that_is_not_here_is_named(weighin: Weighin, run: str) -> None:
    done = weighin("verify", run, "--store", "s", "--as", "nobody")
    assert "nobody cannot be run here" in str(done.exception)
    assert "--as names the candidate" in str(done.exception)
