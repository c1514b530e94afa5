"""`weighin plan`, `weighin run --job` and `weighin merge`: from one command to several machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from runners.cli import group

Weighin = Callable[..., Result]


@pytest.fixture
def weighin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> Weighin:
    """A command in a folder with candidates fa and fb, which is told the tiny tasks' folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("fa", "fb"):
        content = {"name": name, "runtime": "fake", "settings": {"threads": 1, "fake": {}}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    suite = {
        "name": "tiny",
        "tasks": [{"task": "tiny_choice"}],
        "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
        "latency_repeats": 1,
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")

    def call(*args: str) -> Result:
        more = ("--suite", "tiny.yaml", "--include", str(tiny)) if args[0] == "plan" else ()
        return CliRunner().invoke(group, [*args, *more], standalone_mode=False)

    return call


def test_a_plan_runs_block_by_block_and_comes_together(weighin: Weighin) -> None:
    made = weighin("plan", "fa.yaml", "fb.yaml", "--repeats", "2", "--split", "repeats",
                   "--blocks", "2", "--into", "blocks", "--trust-tasks")  # fmt: skip
    assert made.exception is None
    assert "weighin run --job blocks/block-0000.json --trust-tasks --store DIR" in made.stdout
    for block in range(2):
        ran = weighin("run", "--job", f"blocks/block-000{block}.json", "--store", f"node{block}",
                      "--json")  # fmt: skip
        runs = json.loads(ran.stdout)
        assert [run["job"]["repeat"] for run in runs] == [block, block]
    merged = weighin("merge", "node0", "node1", "--store", "all", "--json")
    report = json.loads(merged.stdout)["merged"]
    assert [len(report[name]["added"]) for name in ("node0", "node1")] == [2, 2]
    assert merged.return_value == 0
    again = weighin("merge", "node0", "node1", "--store", "all")
    assert "node0: 0 new, 2 known" in again.stdout
    shown = json.loads(weighin("list", "runs", "--store", "all", "--json").stdout)
    assert len({run["batch"] for run in shown}) == 1
    assert len(shown) == 4


def test_a_job_that_is_done_is_not_run_again(weighin: Weighin) -> None:
    Path("plan.json").write_text(weighin("plan", "fa.yaml", "--json").stdout, encoding="utf-8")
    first = json.loads(weighin("run", "--job", "plan.json", "--store", "s", "--json").stdout)
    second = json.loads(weighin("run", "--job", "plan.json", "--store", "s", "--json").stdout)
    assert first == second
    assert len(first) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("plan", "fa.yaml", "--blocks", "2"), "--split repeats or --split families"),
        (("plan", "fa.yaml", "--time", "30min"), "it cannot be cut into blocks"),
        (("run", "--job", "plan.json", "--time", "1h"), "--job: the plan decides what is asked"),
        (("run", "--block", "1"), "--block goes with --job FILE"),
        (("run", "fa.yaml", "--job", "plan.json"), "the plan names the candidates"),
        (("run", "--job", "plan.json", "--limit", "3"), "--limit is decided by the plan"),
        (("run", "--job", "plan.json", "--repeats", "1"), "--repeats is decided by the plan"),
        (("run", "--job", "plan.json", "--block", "1"), "has no block 1; it has 0 to 0"),
        (("run", "--job", "none.json"), "none.json: cannot be read (No such file or directory)"),
        (("merge", "store", "--store", "store"), "store: is the store itself"),
        (("merge", "nowhere"), "Directory 'nowhere' does not exist"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    args: tuple[str, ...], said: str, weighin: Weighin
) -> None:
    Path("plan.json").write_text(weighin("plan", "fa.yaml", "--json").stdout, encoding="utf-8")
    Path("store").mkdir()
    result = weighin(*args)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)


def test_blocks_are_not_written_over_others(weighin: Weighin) -> None:
    assert weighin("plan", "fa.yaml", "--into", "blocks").exception is None
    assert "is there already" in str(weighin("plan", "fa.yaml", "--into", "blocks").exception)


def test_a_damaged_record_is_named_and_the_others_go(weighin: Weighin) -> None:
    Path("plan.json").write_text(weighin("plan", "fa.yaml", "--json").stdout, encoding="utf-8")
    weighin("run", "--job", "plan.json", "--store", "node")
    broken = Path("node") / "20200101T000000-x-00000000"
    broken.mkdir()
    (broken / "record.json").write_text("{", encoding="utf-8")
    merged = weighin("merge", "node", "--store", "all")
    assert merged.return_value == 3
    assert "node: 1 new, 0 known" in merged.stdout
    assert "left out: node/20200101T000000-x-00000000/record.json" in merged.stdout.replace(
        "\n  ", " "
    )
