"""Measured under the same conditions?"""

from __future__ import annotations

from typing import Any

import pytest

from leaderboard.rows.conditions import (
    UNKNOWN,
    build_name,
    conditions,
    machine_in_full,
    machine_name,
    machine_of,
    name_only,
    why_unlike,
)
from tests.leaderboard.conftest import Maker

ZEN5 = {"cpu_id": "AuthenticAMD family 26 model 2 stepping 1", "fingerprint": "1a1335212ad9"}


def test_runs_of_one_machine_build_and_budget_are_alike(made: Maker):
    one, other = made.record("a"), made.record("b", suite={"digest": "another"})
    assert why_unlike(one, other) == ""
    assert conditions(one).build == conditions(other).build
    assert conditions(one).place != conditions(other).place  # asked otherwise


def test_a_machine_of_the_same_name_is_another_one(made: Maker):
    old, new = made.record(), made.record(machine={**made.base.machine.said(), **ZEN5})
    assert machine_name(old) == machine_name(new) == "AMD EPYC, 2 cores, 24 GiB"
    assert (name_only(old), name_only(new)) == (True, False)
    assert why_unlike(old, new) == (
        "measured on unlike machines (AMD EPYC, 2 cores, 24 GiB, known by its name only · 13891f; "
        "AMD EPYC, 2 cores, 24 GiB, family 26 model 2 stepping 1 · 1a1335)"
    )


def test_two_imports_are_of_no_one_machine(made: Maker):
    one, other = (made.record(name, machine={}, imported={"from": "lm-eval"}) for name in "ab")
    assert machine_of(one) == machine_of(other) == UNKNOWN
    assert machine_in_full(one) == machine_name(one) == "imported; machine unknown"
    assert not name_only(one)
    assert why_unlike(one, other) == "measured on a machine that is not known"
    assert build_name(one) == "fake, build unknown"


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"runtime_version": "2"}, "fake 2, build unknown"),
        ({"runtime_build": "AVX2"}, "fake 1, build unknown"),
        ({"runtime_digest": "0123456789abcdef"}, "fake 1, build 012345"),
        ({"runtime_digest": "01", "left_out": "AMX"}, "fake 1, build 01, left out: AMX"),
    ],
)
def test_two_builds_of_a_runtime_are_told_apart(made: Maker, changed: dict[str, Any], name: str):
    one, other = made.record(), made.record(software={**made.base.software.said(), **changed})
    assert conditions(one).place == conditions(other).place
    assert conditions(one).build != conditions(other).build
    assert build_name(other) == name
    assert why_unlike(one, other) == (
        f"measured with two builds of fake (fake 1, build unknown; {name})"
    )


def test_versions_that_no_kernel_hangs_on_make_no_other_build(made: Maker):
    other = made.record(software={**made.base.software.said(), "lm_eval": "9", "python": "4"})
    assert why_unlike(made.record(), other) == ""


def test_two_runtimes_may_be_compared(made: Maker):
    other = made.record("b", candidate={"runtime": "hf"}, software={"runtime_version": "5"})
    assert why_unlike(made.record(), other) == ""


def test_a_machine_is_named_by_what_is_known_of_it(made: Maker):
    known = {"cpu_model": "A", "usable_cpus": 1, "ram_bytes": 8 * 2**30, "gpu": ["G"]}
    assert machine_name(made.record(machine=known)) == "A, 1 core, 8 GiB, G"
    assert machine_name(made.record(machine={"fingerprint": "f"})) == "machine f"
    assert machine_name(made.record(machine={})) == "machine unknown"
    arm = {"fingerprint": "abcdefgh", "cpu_id": "implementer 0x41 part 0xd0b variant 0x4"}
    told = "machine abcdefgh, implementer 0x41 part 0xd0b variant 0x4 · abcdef"
    assert machine_in_full(made.record(machine=arm)) == told
