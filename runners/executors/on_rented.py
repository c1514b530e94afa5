"""Blocks on rented machines: one machine a block, given back when the block is done."""

from __future__ import annotations

import re
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from runners.executors.block_run import EXECUTOR, LAST_LINES, BlockRun, executor_text
from runners.executors.ended import Ended
from runners.executors.queue import BlockQueue
from runners.executors.rented import LentError, Limits
from runners.records.record import RUN_ID
from runners.records.store import RECORD, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runners.executors.rented import Lend

PLAN, STORE = "plan.json", "store"
MAIN = "import os; os.environ[{name!r}] = {said!r}; from runners.cli import main; main()"
"""The command on a rented machine, whose records say who lent it."""


def run_blocks(
    plan_text: str,
    blocks: Sequence[int],
    lend: Lend,
    arguments: tuple[str, ...],
    command: str,
    limits: Limits,
    say: Callable[[str], object],
    *,
    at_once: int = 1,
) -> Iterator[Ended]:
    """Run blocks, each on a machine of its own, some at a time.

    Args:
        plan_text: the whole plan, as JSON.
        blocks: their numbers, in the order in which they should start.
        lend: lends a machine.
        arguments: more of `weighin run`: what this user allows.
        command: what the user typed, for the records.
        limits: of each block.
        say: told lines of progress.
        at_once: machines at a time.
    """
    queue = BlockQueue.of(blocks)
    places = [f"machine {number}" for number in range(1, at_once + 1)]
    with ThreadPoolExecutor(at_once) as pool:
        running: dict[Future[BlockRun], int] = {}
        while not queue.over:
            for block, place in queue.start(places):
                say(f"{place}: block {block} starts")
                asked = (plan_text, block, lend, arguments, command, limits, say)
                running[pool.submit(_run, *asked)] = block
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                block = running.pop(future)
                place = queue.running[block]
                try:
                    ran = future.result()
                except (LentError, OSError) as error:
                    say(f"{place}: lost in block {block} ({error}); another one takes it")
                    queue.node_lost(block, f"a machine was lost ({error})")
                    continue
                queue.done(block)
                yield Ended(block=block, node=place, ran=ran)
            for block in list(queue.lost):
                yield Ended(block=block, node="", ran=None, why=queue.lost.pop(block))


def _run(
    plan_text: str, block: int, lend: Lend, arguments: tuple[str, ...], command: str,
    limits: Limits, say: Callable[[str], object],
) -> BlockRun:  # fmt: skip
    """Run one block from lending to giving back."""
    lines: list[str] = []
    begun = time.perf_counter()

    def keep(line: str) -> None:
        lines.append(line)
        say(f"block {block}: {line}")

    with lend() as machine:
        machine.upload({PLAN: plan_text.encode()})
        said = executor_text(command, {"name": machine.name})
        start = [machine.python, "-c", MAIN.format(name=EXECUTOR, said=said), "run", "--job", PLAN]
        start += ["--block", str(block), "--store", STORE, *arguments]
        code = machine.run(start, limits, keep)
        files = {name: body for name, body in machine.fetch(STORE).items() if _is_run(name)}
    return BlockRun(
        code=code,
        files=files,
        said="\n".join(lines[-LAST_LINES:]),
        seconds=time.perf_counter() - begun,
    )


def _is_run(name: str) -> bool:
    """True for a run's record or samples; journals stay where they are."""
    run_id, _, file = name.partition("/")
    return re.fullmatch(RUN_ID, run_id) is not None and file in (RECORD, SAMPLES)
