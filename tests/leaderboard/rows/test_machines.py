from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.rows.machines import data_sources, machines, measured
from runners.records.parts import FlagInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_each_machine_counts_its_runs_flags_and_failures(made: Maker) -> None:
    here = {"fingerprint": "here", "cpu_model": "X", "usable_cpus": 2, "gpu": ["A", "B"]}
    flag = FlagInfo(name="contended", detail="")
    records = [
        made.record(machine={"fingerprint": "there"}, created_at="2026-03-01"),
        made.record(machine=here, created_at="2026-02-01", flags=[flag, flag]),
        made.record(machine=here, created_at="2026-01-01", status="failed"),
    ]
    first, second = machines(records)
    assert (first.fingerprint, first.runs, first.flagged, first.unfinished) == ("here", 2, 1, 1)
    assert (first.first, first.last) == ("2026-01-01", "2026-02-01")
    assert (first.cpu_model, first.usable_cpus, first.gpu) == ("X", 2, "A, B")
    assert (second.cpu_model, second.usable_cpus, second.ram_bytes) == ("unknown", None, None)


def test_a_machine_of_which_nothing_is_said(made: Maker) -> None:
    (found,) = machines([made.record(machine={})])
    assert (found.fingerprint, found.usable_cpus, found.gpu) == ("unknown", None, "")
    assert (found.cpu_model, found.generation) == ("unknown", "machine unknown")
    assert found.features == ()


def test_how_a_machine_is_known(made: Maker) -> None:
    told = {"fingerprint": "f", "cpu_id": "GenuineIntel family 6", "cpu_features": ["avx", "fma"]}
    records = [made.record(machine=told), made.record(machine={}, imported={"from": "lm-eval"}),
               made.record()]  # fmt: skip
    known = {machine.fingerprint: machine.generation for machine in machines(records)}
    assert known == {"f": "GenuineIntel family 6", "unknown": "imported; machine unknown",
                     "13891ff098b4": "known by its name only"}  # fmt: skip


def test_what_was_measured_where(made: Maker) -> None:
    records = [
        made.record(tasks={"t": made.task(0.5, 20)}),
        made.record(repeat=1),
        made.record(repeat=2, status="failed"),
        made.record(machine={"fingerprint": "there"}),
    ]
    here, there = measured(records)
    assert (here.runs, here.items) == (3, 20)
    assert here.statuses == (("completed", 2), ("failed", 1))
    assert (there.machine, there.runs, there.items) == ("there", 1, 0)
    assert here.build == "fake 1, build unknown"
    rebuilt = made.record(software={**made.base.software.said(), "runtime_digest": "abcdef0123"})
    assert [one.build for one in measured([*records[:3], rebuilt])] == [
        "fake 1, build unknown",
        "fake 1, build abcdef",
    ]


def test_a_source_of_data_is_listed_once(made: Maker) -> None:
    record = made.record()
    assert record.data
    assert len(data_sources([record, record])) == len(record.data)
    changed = record.data[0].model_copy(update={"sha256": None, "split": "another"})
    found = data_sources([record, record.model_copy(update={"data": [changed]})])
    assert found[-1].split == "another"
    assert found[-1].sha256 == ""
