"""Blocks on rented machines, by the stand-in on this one: lent, used, given back, lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from runners.batches.blocks import plan_text
from runners.executors.ended import Ended
from runners.executors.on_rented import run_blocks
from runners.executors.rented import LentError, Limits, LocalMachine, RentedMachine
from tests.runners.conftest import Bench
from tests.runners.executors.plans import plan

LIMITS = Limits(timeout_s=120.0)


def run(text: str, blocks: list[int], lend: Callable[[], object], lines: list[str]) -> list[Ended]:
    return list(run_blocks(text, blocks, lend, (), "typed", LIMITS, lines.append))  # type: ignore[arg-type]


def test_blocks_come_back_with_who_lent_the_machine(tiny: Path, bench: Bench) -> None:
    lines: list[str] = []
    ended = run(plan_text(plan(tiny, bench.fake("x"))), [0, 1], LocalMachine, lines)
    assert [one.block for one in ended] == [0, 1]
    for one in ended:
        assert one.ran is not None
        assert one.ran.code == 0, one.ran.said
        (name,) = [name for name in one.ran.files if name.endswith("record.json")]
        record = json.loads(one.ran.files[name])
        assert record["command"] == "typed"
        assert record["executor"] == {"name": "subprocess"}
        assert set(one.ran.files) == {name, name.replace("record.json", "samples.parquet")}
    assert any("preparing" in line for line in lines)


class Lost(LocalMachine):
    """A machine that goes away while it runs."""

    def run(self, command: Sequence[str], limits: Limits, say: Callable[[str], object]) -> int:
        raise LentError("preempted")


def test_a_lost_machine_costs_a_second_one(tiny: Path, bench: Bench) -> None:
    machines: Iterator[type[LocalMachine]] = iter([Lost, LocalMachine, LocalMachine])
    lines: list[str] = []
    text = plan_text(plan(tiny, bench.fake("x")))
    ended = run(text, [0], lambda: next(machines)(), lines)
    assert [one.ran is not None and one.ran.code for one in ended] == [0]
    assert any("lost in block 0 (preempted); another one takes it" in line for line in lines)


def test_three_lost_machines_are_enough(tiny: Path, bench: Bench) -> None:
    (ended,) = run(plan_text(plan(tiny, bench.fake("x"))), [0], Lost, [])
    assert ended.ran is None
    assert ended.why == "a machine was lost (preempted); it was tried on 3 nodes"


def test_what_takes_too_long_is_ended() -> None:
    with LocalMachine() as machine:
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        with pytest.raises(LentError, match="took longer than 0 s"):
            machine.run(sleep, Limits(timeout_s=0.2), lambda _: None)


def test_a_machine_is_given_back_whatever_happens(tiny: Path, bench: Bench) -> None:
    given: list[str] = []

    @contextmanager
    def lend() -> Iterator[RentedMachine]:
        try:
            with Lost() as machine:
                yield machine
        finally:
            given.append("back")

    run(plan_text(plan(tiny, bench.fake("x"))), [0], lend, [])
    assert given == ["back"] * 3


def test_files_go_there_and_come_back() -> None:
    files: Mapping[str, bytes] = {"a/b.bin": b"\x00\xff", "a/c.txt": b"c", "d": b""}
    with LocalMachine() as machine:
        machine.upload(files)
        assert machine.fetch("a") == {"b.bin": b"\x00\xff", "c.txt": b"c"}
        assert machine.fetch("nothing") == {}
