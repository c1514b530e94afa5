"""Fidelity as tables of the Compare page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.tasks import NO_SAMPLES
from leaderboard.pages.compare.fidelity_grid import caveats, fidelity_grid, texts_grid
from leaderboard.units import MISSING
from runners.records.parts import DivergenceInfo

if TYPE_CHECKING:
    from tests.leaderboard.conftest import Maker


def side(made: Maker, name: str, lost: float, *, sampled: bool = True) -> Side:
    """20 items of 10 and 11 tokens in turn, which lose `lost` nats a token."""
    sizes = [10, 11] * 10
    record = made.record(name, tasks={"t": made.task(1.0, 20)}, noise_floor=made.floor(0.04))
    nats = [[-1.0 - lost * size, -90.0] for size in sizes]
    samples = made.samples({"t": [1.0] * 20}, logprobs=nats, tokens=sizes)
    return Side(runs=(record,), samples=samples if sampled else None)


def test_a_row_a_candidate(made: Maker):
    # Both choices together lose `lost` a token: e^0.05 = 1.051.
    found = compare(
        [side(made, "a", 0.0), side(made, "b", 0.05), side(made, "c", 0, sampled=False)]
    )
    grid = fidelity_grid(found, ["b", "c"], "caption")
    first, second = ([cell.text for cell in row] for row in grid.rows)
    assert first[:4] == ["b", "1.051", "1.051 to 1.051", "regressed"]
    assert first[-3:] == ["0.0", "4.0", "20"]
    assert second[1:] == [MISSING] * 9
    assert grid.rows[1][1].hint == NO_SAMPLES
    kept = found[0].fidelity
    assert kept
    assert [[cell.text for cell in row] for row in texts_grid(kept, "").rows] == [
        ["t", "1.051", "20"]
    ]


def test_the_divergence_from_this_reference_is_shown(made: Maker):
    a, b = side(made, "a", 0.0), side(made, "b", 0.05)

    def from_(digest: str) -> Side:
        told = DivergenceInfo(
            reference="a", reference_digest=digest, kl_nats=0.0501, same_top=0.894, positions=255
        )
        run = b.runs[0].model_copy(update={"divergence": told})
        return Side(runs=(run,), samples=b.samples)

    shown = fidelity_grid(compare([a, from_(a.runs[0].candidate.digest)]), ["b"], "").rows[0]
    assert [cell.text for cell in shown][5:7] == ["0.0501", "10.6"]
    other = fidelity_grid(compare([a, from_("another")]), ["b"], "").rows[0]
    assert [cell.text for cell in other][5:7] == [MISSING] * 2


def test_what_must_stand_beside_it(made: Maker):
    found = [one.fidelity for one in compare([side(made, "a", 0.0), side(made, "b", 0.004)])]
    said = " ".join(caveats(found))
    assert "20 items of 1 task whose choices are texts, 210 tokens" in said
    assert "not accuracy" in said
    # e^0.004 = 1.004: of the size of rounding; 1.051 is not.
    assert "kernels round" in said
    far = [one.fidelity for one in compare([side(made, "a", 0.0), side(made, "b", 0.05)])]
    assert "kernels round" not in " ".join(caveats(far))
