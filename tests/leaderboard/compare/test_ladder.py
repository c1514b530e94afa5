from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leaderboard.compare.comparison import Side
from leaderboard.compare.ladder import families, ladder
from runners.records.record import QuantisationInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker

MIB = 2**20


def quantised(name: str, bits: float, size: int, family: str = "m") -> dict[str, Any]:
    return {
        "family": family,
        "weights_bytes": size,
        "quantisation": QuantisationInfo(name=name, bits_per_weight=bits, share={}),
    }


def side(
    made: Maker, name: str, bits: float, size: int, scores: list[float], runs: int = 1, **given: Any
) -> Side:
    tasks = {"t": made.task(sum(scores) / len(scores), len(scores))}
    made_runs = [
        made.record(
            name, tasks=tasks, candidate=quantised(name, bits, size), repeat=repeat, **given
        )
        for repeat in range(runs)
    ]
    return Side(runs=tuple(made_runs), samples=made.samples({"t": scores}))


def test_the_rung_with_most_bits_is_the_reference_and_the_others_follow(made: Maker) -> None:
    same = [1.0] * 100
    sides = [
        side(made, "q2", 2.0, 20, same),
        side(made, "f16", 16.0, 160, same),
        side(made, "q8", 8.5, 85, same),
    ]
    found = ladder(sides)
    assert found.reference.candidate.name == "f16"
    assert [quantisation.record.candidate.name for quantisation in found.quantisations] == [
        "q8",
        "q2",
    ]
    assert [quantisation.disk_saved_bytes for quantisation in found.quantisations] == [75, 140]


def test_a_rung_loses_what_its_items_lose_and_saves_memory_and_time(made: Maker) -> None:
    # 100 items: the quantisation loses 3 and gains 1, so it is 2 points behind.
    full = [1.0] * 60 + [0.0] * 40
    less = [0.0] * 3 + [1.0] * 57 + [1.0] + [0.0] * 39
    quantisation = ladder(
        [
            side(made, "f16", 16.0, 160, full, peak=400 * MIB, ttft_s=0.9),
            side(made, "q8", 8.5, 85, less, peak=300 * MIB, ttft_s=0.6),
        ]
    ).quantisations[0]
    assert quantisation.accuracy
    assert quantisation.accuracy.difference == pytest.approx(-0.02)
    assert (quantisation.accuracy.gained, quantisation.accuracy.lost) == (1, 3)
    assert quantisation.memory_saved_bytes == pytest.approx(100 * MIB)
    assert quantisation.ttft_saved_s == pytest.approx(0.3)
    assert quantisation.verdict == "cannot tell"


@pytest.mark.parametrize(("margin", "verdict"), [(0.04, "pass"), (0.03, "cannot tell")])
def test_no_flip_on_a_hundred_items_passes_a_margin_above_its_interval_alone(
    made: Maker, margin: float, verdict: str
) -> None:
    # Without a flip the interval is ± 3.84 / 103.84 = 3.7 points.
    same = [1.0] * 50 + [0.0] * 50
    sides = [side(made, "f16", 16.0, 2, same), side(made, "q8", 8.5, 1, same)]
    assert ladder(sides, margin=margin).quantisations[0].verdict == verdict


def test_a_great_loss_is_told(made: Maker) -> None:
    sides = [
        side(made, "f16", 16.0, 2, [1.0] * 100),
        side(made, "q2", 2.0, 1, [0.0] * 50 + [1.0] * 50),
    ]
    assert ladder(sides).quantisations[0].verdict == "regressed"


def test_unlike_machines_keep_their_accuracy_and_lose_their_times(made: Maker) -> None:
    same = [1.0] * 10
    elsewhere = side(made, "q8", 8.5, 1, same, machine={"fingerprint": "elsewhere"})
    quantisation = ladder([side(made, "f16", 16.0, 2, same), elsewhere]).quantisations[0]
    assert quantisation.accuracy is not None
    assert quantisation.memory_saved_bytes is None
    assert quantisation.ttft_saved_s is None
    assert quantisation.memory is not None
    assert "unlike machines" in quantisation.memory.reason


def test_a_rung_without_samples_stays_with_its_reason(made: Maker) -> None:
    bare = Side(runs=side(made, "q8", 8.5, 1, [1.0]).runs)
    quantisation = ladder([side(made, "f16", 16.0, 2, [1.0]), bare]).quantisations[0]
    assert quantisation.accuracy is None
    assert quantisation.verdict is None
    assert "samples" in quantisation.reason


def test_a_rung_that_was_asked_other_things_stays_with_its_reason(made: Maker) -> None:
    other = side(made, "q8", 8.5, 1, [1.0], suite={"digest": "other", "version": 2})
    quantisation = ladder([side(made, "f16", 16.0, 2, [1.0]), other]).quantisations[0]
    assert quantisation.accuracy is None
    assert "not asked the same" in quantisation.reason
    assert quantisation.disk_saved_bytes == 1


def test_the_noise_floor_is_the_greater_of_the_two(made: Maker) -> None:
    sides = [
        side(made, "f16", 16.0, 2, [1.0], noise_floor=made.floor(0.01)),
        side(made, "q8", 8.5, 1, [1.0], noise_floor=made.floor(0.03)),
    ]
    assert ladder(sides).quantisations[0].noise_floor == 0.03
    unknown = [side(made, "f16", 16.0, 2, [1.0]), side(made, "q8", 8.5, 1, [1.0])]
    assert ladder(unknown).quantisations[0].noise_floor is None


def test_one_rung_is_no_ladder(made: Maker) -> None:
    with pytest.raises(ValueError, match="1 quantisations"):
        ladder([side(made, "f16", 16.0, 2, [1.0])])
    bare = Side(runs=(made.record("x", candidate={"quantisation": None}),))
    with pytest.raises(ValueError, match="1 quantisations with known bits per weight of 2"):
        ladder([side(made, "f16", 16.0, 2, [1.0]), bare])


def test_a_family_has_two_quantisations(made: Maker) -> None:
    records = [
        made.record("a8", candidate=quantised("q8", 8.0, 1, "a")),
        made.record("a4", candidate=quantised("q4", 4.0, 1, "a")),
        made.record("b8", candidate=quantised("q8", 8.0, 1, "b")),
        made.record("b8", candidate=quantised("q8", 8.0, 1, "b"), repeat=1),
        made.record("c1", candidate={"family": "c", "quantisation": None}),
        made.record("c2", candidate={"family": "c", "quantisation": None}),
    ]
    assert families(records) == ("a",)
