"""A cluster of two nodes on this machine: one is killed, and nothing is lost or invented."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RuntimeFailure
from runners.batches.blocks import plan_text
from runners.executors.block_run import node_store
from runners.executors.ended import Ended
from runners.executors.on_ray import run_blocks
from tests.runners.conftest import Bench
from tests.runners.executors.plans import plan

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow


class TwoNodes:
    """A head without cores, and two nodes that blocks run on."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        # A dead node is noticed sooner than by Ray itself, and a slow one is not taken for dead.
        quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500,
                 "health_check_timeout_ms": 3000, "health_check_failure_threshold": 6}  # fmt: skip
        small = {"object_store_memory": 80 << 20, "include_dashboard": False,
                 "_system_config": quick}  # fmt: skip
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        self.nodes: dict[str, Any] = {}
        for _ in range(2):
            node = self.cluster.add_node(num_cpus=2, object_store_memory=80 << 20)
            self.nodes[node.node_id] = node

    def kill(self, short_id: str) -> None:
        """Kill a node with all that it runs, as a power cut would."""
        full = next(node for node in self.nodes if node.startswith(short_id))
        self.cluster.remove_node(self.nodes.pop(full), allow_graceful=False)


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    cache = tmp_path_factory.mktemp("cache")
    before = os.environ.get("WEIGHIN_CACHE")
    os.environ["WEIGHIN_CACHE"] = str(cache)  # the nodes' processes inherit it
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    found = TwoNodes()
    yield found
    found.cluster.shutdown()
    os.environ.pop("WEIGHIN_CACHE")
    if before is not None:
        os.environ["WEIGHIN_CACHE"] = before


def records(ended: Ended) -> list[dict[str, Any]]:
    assert ended.ran is not None, ended.why
    names = sorted(name for name in ended.ran.files if name.endswith("record.json"))
    return [json.loads(ended.ran.files[name]) for name in names]


def test_a_killed_node_costs_its_block_and_no_score(
    two_nodes: TwoNodes, tiny: Path, bench: Bench
) -> None:
    slow = bench.fake("slow", delay_per_item_s=0.05), bench.fake("other", pick=1)
    asked = plan(tiny, *slow)
    lines: list[str] = []
    killed: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if not killed and "block 1: " in line:  # it is running there
            killed.append(line.partition(":")[0].rpartition("/")[2])
            two_nodes.kill(killed[0])

    address = two_nodes.cluster.address
    ended = {e.block: e for e in run_blocks(plan_text(asked), [0, 1], address, (), "typed", say)}
    assert killed
    assert any("lost in block 1" in line and "another node takes it" in line for line in lines)
    assert sorted(ended) == [0, 1]
    assert killed[0] not in ended[1].node
    undisturbed = {
        (record.candidate.name, record.job.repeat): record
        for record in (o.record for o in bench.outcomes(*slow, tasks=("tiny_choice",)))
    }
    for end in ended.values():
        found = records(end)
        assert [record["status"] for record in found] == ["completed", "completed"]
        for record in found:
            usual = undisturbed[record["candidate"]["name"], 0].model_dump(mode="json")
            assert record["accuracy"] == usual["accuracy"]
            assert record["candidate"]["digest"] == usual["candidate"]["digest"]
            assert record["command"] == "typed"
            assert record["executor"]["name"] == "ray"
            # Its manager, two agents and this task's own worker at least.
            assert record["executor"]["processes"] >= 4
            assert record["executor"]["rss_bytes"] > 50 << 20


def test_what_a_node_has_answered_is_not_run_again(
    two_nodes: TwoNodes, tiny: Path, bench: Bench
) -> None:
    # As after the driver died: the same comparison is planned anew, under another name.
    first, second = (plan(tiny, bench.fake("again")) for _ in range(2))
    assert first.name != second.name
    assert node_store(plan_text(first)) == node_store(plan_text(second))
    address = two_nodes.cluster.address
    runs = [
        {record["run_id"] for end in run_blocks(plan_text(one), [0, 1], address, (), "c", print)
         for record in records(end)}
        for one in (first, second)
    ]  # fmt: skip
    assert runs[0] == runs[1]


def test_a_node_that_refuses_says_why(two_nodes: TwoNodes, tiny: Path, bench: Bench) -> None:
    asked = plan(tiny, bench.fake("x")).model_copy(update={"weighin": "9.9"})
    address = two_nodes.cluster.address
    (ended,) = run_blocks(plan_text(asked), [0], address, (), "c", print)
    assert ended.ran is not None
    assert (ended.ran.code, ended.ran.files) == (3, {})
    assert "was made by weighin 9.9" in ended.ran.said


def test_no_cluster_is_one_line() -> None:
    with pytest.raises(RuntimeFailure, match="no Ray cluster answers") as caught:
        list(run_blocks("{}", [0], "127.0.0.1:1", (), "c", print))
    assert "\n" not in str(caught.value)
