from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.runs.memory_limits import (
    UNKNOWN,
    enforced_by,
    limit_bytes,
    limit_curve,
    verdict_of,
)

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def limited(made: Maker, mib: int | None, verdict: str, decode: float = 50.0, **given: Any) -> Any:
    budget = None if mib is None else {"memory_bytes": mib * MIB, "enforced": {"memory": "v1"}}
    reason = f"because of {verdict}"
    judged = None if mib is None else {"verdict": verdict, "reason": reason}
    return made.record(budget=budget, verdict=judged, decode=decode, **given)


def test_the_curve_climbs_by_limit_and_ends_without_one(made: Maker) -> None:
    runs = [
        limited(made, None, "", 60.0),
        limited(made, 512, "fits", 55.0),
        limited(made, 128, "out of memory"),
        limited(made, 256, "thrashes", 20.0),
    ]
    found = limit_curve(runs, runs[0])
    assert [(p.limit_bytes, p.verdict, p.decode_tokens_per_s) for p in found] == [
        (128 * MIB, "out of memory", 50.0),
        (256 * MIB, "thrashes", 20.0),
        (512 * MIB, "fits", 55.0),
        (None, UNKNOWN, 60.0),
    ]
    assert found[1].enforced == "v1"
    assert found[0].reason == "because of out of memory"


def test_a_limit_is_as_good_as_its_worst_run(made: Maker) -> None:
    runs = [
        limited(made, 256, "fits", 50.0),
        limited(made, 256, "thrashes", 30.0, repeat=1),
        limited(made, 256, "too slow", 40.0, repeat=2),
    ]
    point = limit_curve(runs, runs[0])[0]
    assert point.verdict == "thrashes"
    assert point.runs == 3
    assert point.decode_tokens_per_s == pytest.approx(40.0)
    # t(2) = 4.303, s = 10, sqrt(3) = 1.732: 40 ± 24.8.
    assert point.decode_interval
    assert point.decode_interval.high == pytest.approx(64.84, abs=0.01)


def test_a_run_that_died_has_a_verdict_and_no_speed(made: Maker) -> None:
    dead = limited(made, 64, "out of memory").model_copy(update={"latency": {}})
    fits = limited(made, 512, "fits")
    found = limit_curve([dead, fits], fits)
    assert found[0].decode_tokens_per_s is None
    assert found[0].verdict == "out of memory"


def test_other_candidates_and_machines_are_not_on_the_curve(made: Maker) -> None:
    fits = limited(made, 512, "fits")
    others = [
        limited(made, 256, "fits", name="b"),
        limited(made, 256, "fits", machine={"fingerprint": "elsewhere"}),
    ]
    assert [p.limit_bytes for p in limit_curve([fits, *others], fits)] == [512 * MIB]


def test_without_any_limit_there_is_no_curve(made: Maker) -> None:
    run = made.record()
    assert limit_curve([run], run) == ()


@pytest.mark.parametrize("none", [None, 0])
def test_a_budget_without_a_memory_limit_has_none(made: Maker, none: int | None) -> None:
    assert limit_bytes(made.record(budget={"memory_bytes": none})) is None


def test_what_a_record_says_of_its_budget(made: Maker) -> None:
    judged = {"verdict": "fits", "reason": "x"}
    assert verdict_of(made.record(verdict=judged)) == ("fits", "x")
    assert verdict_of(made.record()) == (UNKNOWN, "")
    assert enforced_by(made.record()) == "no budget"
    assert enforced_by(made.record(budget={"memory_bytes": 1})) == "not enforced"
