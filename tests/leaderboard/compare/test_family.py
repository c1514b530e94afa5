from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.compare.family import against_largest
from leaderboard.publish.fidelity_columns import flat_fidelity
from leaderboard.rows.answers import Answers, read_answers
from runners.records.record import QuantisationInfo, Record
from tests.support.reference import STORE, ladder_runs

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def test_each_run_is_held_against_the_largest_of_its_family():
    records = ladder_runs()
    found = against_largest(records, lambda one: read_answers(one, STORE.answers(one)))
    named = {record.run_id: record.candidate.name for record in records}
    assert {reference.candidate.name for reference, _ in found.values()} == {
        "smollm2-135m-instruct-f16"
    }
    flat = {named[run].rpartition("-")[2]: flat_fidelity(one) for run, one in found.items()}
    assert {name: round(one["fidelity.ratio"], 3) for name, one in flat.items()} == {
        "q4_1": 1.003, "q8_0": 1.006, "q4_k_m": 1.070, "q4_0": 1.190, "q2_k": 1.302,
    }  # fmt: skip
    assert flat["q8_0"]["fidelity.items"] == 1600
    assert flat["q8_0"]["fidelity.changed_by_packing"] == 0.04


def test_what_has_no_family_or_stands_alone_has_none(made: Maker):
    def record(name: str, bits: float, family: str) -> Record:
        kind = QuantisationInfo(name=name, bits_per_weight=bits, share={})
        about: dict[str, Any] = {"family": family, "quantisation": kind}
        return made.record(name, tasks={"t": made.task(1.0, 1)}, candidate=about)

    asked: list[str] = []

    def read(one: Record) -> Answers | None:
        asked.append(one.candidate.name)
        return None

    records = [record("a", 8, ""), record("b", 8, "b"), record("c", 8, "c"), record("d", 4, "c")]
    assert against_largest(records, read) == {}
    # Alone in its family nothing is read; a reference that cannot be read ends it.
    assert asked == ["c"]
    assert set(flat_fidelity(None).values()) == {None}
