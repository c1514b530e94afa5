"""Blocks on a Ray cluster: one a node, alone on it; records come back as bytes.

Ray's CPUs are bookkeeping: a block asks for all of a node, and what else runs there is measured as
always. A node that is lost is no failure of a candidate; its block goes to another node.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from evals.errors import RuntimeFailure
from runners.executors.block_run import BlockRun, run_block
from runners.executors.ended import Ended, first_line, kind_and_line
from runners.executors.queue import BlockQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WAIT_S = 0.5
"""Time between two looks at what has ended and which nodes there are."""
STORE_BYTES = 100 << 20
"""Ray's object store on a cluster that is started here; a block's records take a few MB."""
ANSWERS_WITHIN_S = 10.0
NO_NODE_S = 60.0
"""Time without any node after which the rest of the blocks is given up."""


def run_blocks(
    plan_text: str,
    blocks: Sequence[int],
    address: str,
    arguments: tuple[str, ...],
    command: str,
    say: Callable[[str], object],
) -> Iterator[Ended]:
    """Run blocks on the nodes of a cluster, one at a time on each.

    Args:
        plan_text: the whole plan, as JSON.
        blocks: their numbers, in the order in which they should start.
        address: `local` for a cluster of this machine alone, `auto`, or `ray://HOST:PORT`.
        arguments: more of `weighin run`: what this user allows.
        command: what the user typed, for the records.
        say: told lines of progress, each with its node.

    Raises:
        RuntimeFailure: Ray is not installed, or no cluster answers.
    """
    with _cluster(address) as ray:
        lines = _line_collector(ray)
        queue = BlockQueue.of(blocks)
        tasks: dict[Any, int] = {}
        names: dict[str, str] = {}
        alone_since: float | None = None
        while not queue.over:
            nodes = {n["NodeID"]: n for n in ray.nodes() if n["Alive"] and _cpus(n)}
            names.update({key: _name(node) for key, node in nodes.items()})
            for block, node in queue.start(nodes):
                say(f"{names[node]}: block {block} starts")
                task = _start(ray, nodes[node], (plan_text, block, arguments, command), lines)
                tasks[task] = block
            done, _ = ray.wait(list(tasks), timeout=WAIT_S) if tasks else ([], [])
            lines = _take(ray, lines, say)
            for task in done:
                block = tasks.pop(task)
                node = queue.running[block]
                found = _result(ray, task)
                if isinstance(found, BlockRun):
                    queue.done(block)
                    yield Ended(block=block, node=names[node], ran=found)
                    continue
                say(f"{names[node]}: lost in block {block} ({found}); another node takes it")
                queue.node_lost(block, f"{names[node]} was lost ({found})")
            alone_since = None if nodes else alone_since or time.monotonic()
            if alone_since and time.monotonic() - alone_since > NO_NODE_S:
                queue.strand(f"the cluster had no node for {NO_NODE_S:.0f} s")
            for block in list(queue.lost):
                yield Ended(block=block, node="", ran=None, why=queue.lost.pop(block))


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Ray, connected; a cluster that was started here is stopped again."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when it is imported
    try:
        import ray
    except ImportError as error:
        raise RuntimeFailure(
            "--on: Ray is not installed; pip install 'weighin[ray]', on each node, too"
        ) from error
    _refuse_silent(address)
    given: dict[str, Any] = {"address": address}
    if address == "local":
        given |= {"include_dashboard": False, "object_store_memory": STORE_BYTES}
    try:
        ray.init(**given, log_to_driver=False, logging_level=logging.ERROR)
    except (ValueError, RuntimeError, OSError, ray.exceptions.RayError) as error:
        raise _no_cluster(address, first_line(error)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _refuse_silent(address: str) -> None:
    """Refuse an address at which nothing listens, for which Ray would wait minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, getattr(error, "strerror", None) or str(error)) from error


def _no_cluster(address: str, why: str) -> RuntimeFailure:
    return RuntimeFailure(
        f"--on {address}: no Ray cluster answers ({why}); start one (ray start --head), or give "
        "--on local"
    )


def _line_collector(ray: Any) -> Any:
    """An actor that keeps lines of progress until the driver takes them; on the driver's node."""

    class Lines:
        def __init__(self) -> None:
            self._lines: list[str] = []

        def put(self, line: str) -> None:
            self._lines.append(line)

        def take(self) -> list[str]:
            taken, self._lines = self._lines, []
            return taken

    return ray.remote(num_cpus=0)(Lines).remote()


def _take(ray: Any, lines: Any, say: Callable[[str], object]) -> Any:
    """Pass on what the collector has; a new one where its node is gone, with what it kept."""
    try:
        for line in ray.get(lines.take.remote()):
            say(line)
    except ray.exceptions.RayActorError:
        return _line_collector(ray)
    return lines


def _start(
    ray: Any, node: dict[str, Any], asked: tuple[str, int, tuple[str, ...], str], lines: Any
) -> Any:  # fmt: skip
    """Start a block on a node, with all of its CPUs and GPUs, so that no other task of Ray runs
    there.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    pinned = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
    on_node = ray.remote(_on_node).options(
        num_cpus=_cpus(node),
        num_gpus=node["Resources"].get("GPU", 0),  # Ray hides those that a task does not claim
        scheduling_strategy=pinned,
        max_retries=0,
    )
    return on_node.remote(*asked, _name(node), lines)


def _on_node(
    plan_text: str, block: int, arguments: tuple[str, ...], command: str, name: str, lines: Any
) -> BlockRun:
    """Body of the task: runs a block, and passes its progress on at most once in two seconds."""
    from runners.executors.ray_cost import ray_cost

    last = 0.0

    def say(line: str) -> None:
        nonlocal last
        if time.monotonic() - last > 2.0:
            last = time.monotonic()
            lines.put.remote(f"{name}: block {block}: {line}")

    return run_block(plan_text, block, arguments, ray_cost(name), command, say)


def _result(ray: Any, task: Any) -> BlockRun | str:
    """The block's result, or in words why its node has none."""
    errors = ray.exceptions
    try:
        found: BlockRun = ray.get(task)
    except (errors.NodeDiedError, errors.WorkerCrashedError, errors.OutOfMemoryError,
            errors.TaskUnschedulableError, errors.ObjectLostError) as error:  # fmt: skip
        return kind_and_line(error)
    except errors.RayTaskError as error:
        # Our own code on the node: the disk is full, or weighin is not there.
        return kind_and_line(error.cause if error.cause else error)
    except errors.RayError as error:
        return kind_and_line(error)
    return found


def _cpus(node: dict[str, Any]) -> float:
    return float(node["Resources"].get("CPU", 0.0))


def _name(node: dict[str, Any]) -> str:
    """A node as people call it, e.g. `worker-3 (10.0.0.7)`; two on one host differ by their id."""
    return f"{node['NodeManagerHostname']}/{node['NodeID'][:6]}"
