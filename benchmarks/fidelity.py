"""Measure how few items tell a quantisation's damage, and whether the sign-flip test holds.

The reference run's items are drawn again in small samples, as many of each task whose choices are
texts. Level: the same items with their loss moved to just 0, and to just the margin.

    python benchmarks/fidelity.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaderboard.compare.comparison import Side, compare
from leaderboard.compare.fidelity import FIDELITY_MARGIN
from leaderboard.compare.texts import pair_choices, sizes
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.stats.noninferiority import judge_loss
from leaderboard.stats.sign_flips import RateLoss, rate_loss
from runners.records.store import Store

Floats = npt.NDArray[np.float64]
REFERENCE = Path(__file__).resolve().parents[1] / "results" / "reference"
NAME = "smollm2-135m-instruct-"
LARGEST = "f16"
ORDER = ("q4_k_m", "q4_0", "q2_k")
"""From the least damaged on."""
RIGHT = {"q4_1": "pass", "q8_0": "pass", "q4_k_m": "regressed", "q4_0": "regressed",
         "q2_k": "regressed"}  # fmt: skip
"""Verdicts on all 1,600 items."""
ITEMS = (8, 16, 24, 32, 40, 64, 96, 160, 240, 320)
LEVELS = (16, 40, 64, 160, 320)
MARGIN = math.log1p(FIDELITY_MARGIN)
Z = 1.6449 + 0.8416
"""One-sided 5 %, and 80 % power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Loss of one quantisation, item by item."""

    lost: Floats
    sizes: Floats
    tasks: tuple[npt.NDArray[np.intp], ...]
    """Places of each task's items."""

    def at(self, loss: float) -> Texts:
        """The same items, with just this loss a token over all of them."""
        moved = self.lost.sum() / self.sizes.sum() - loss
        return Texts(lost=self.lost - moved * self.sizes, sizes=self.sizes, tasks=self.tasks)

    def judged(self, places: npt.NDArray[np.intp], confidence: float) -> RateLoss:
        """The loss over some items."""
        return rate_loss(self.lost[places], self.sizes[places], confidence=confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One quantisation."""

    name: str
    ratio: float
    accuracy_lost: float
    accuracy_items: float | None
    """Items from which accuracy would tell that loss with 80 % power, extrapolated; None: never."""
    power: Mapping[int, float]
    """By number of items: how often the loss is told from none, one-sided 5 %."""
    items: int | None
    """The fewest tried that have 80 % power."""
    verdicts: Mapping[int, Mapping[str, float]]
    """By number of items: share of each verdict at the margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Rate of rejections of a test that should reject 5 %, the larger of the two directions."""

    name: str
    items: int
    at: float
    """The true loss, as a share of the perplexity."""
    more: float
    """Told to lose more."""
    less: float
    draws: int


def main() -> None:
    """Resample and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="50 samples a cell, for 1,000")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    draws = 50 if asked.quick else 1000
    sides = _sides()
    texts = {name: _texts(sides, name) for name in RIGHT}
    rungs = [_rung(_rng(name), sides, name, texts[name], draws) for name in RIGHT]
    levels = [
        level(_rng(f"{name} {loss:.3f} {n}"), name, texts[name].at(loss), (n, loss), 3 * draws)
        for name in ("q8_0", "q2_k")
        for loss in (0.0, MARGIN)
        for n in LEVELS
    ]
    order = {
        "fidelity, 40 items": ordered(_rng("40"), texts, 40, draws),
        "fidelity, 64 items": ordered(_rng("64"), texts, 64, draws),
        "accuracy, 2,570 items": ordered_by_accuracy(_rng("accuracy"), sides, 4 * draws),
    }
    found = {
        "draws": draws,
        "rungs": [asdict(rung) for rung in rungs],
        "order": order,
        "levels": [asdict(one) for one in levels],
    }
    print(json.dumps(found) if asked.json else markdown(found))


def _rng(cell: str) -> np.random.Generator:
    """Draws of one cell, the same whatever else is measured."""
    return np.random.default_rng([20261125, *cell.encode()])


def places(
    rng: np.random.Generator, texts: Texts, n: int, *, again: bool = False
) -> npt.NDArray[np.intp]:
    """Places of items, as many of each task; `again`: an item may be drawn twice."""
    each = n // len(texts.tasks)
    return np.concatenate([rng.choice(task, each, replace=again) for task in texts.tasks])


def level(
    rng: np.random.Generator, name: str, texts: Texts, cell: tuple[int, float], draws: int
) -> Level:
    """Rate at which samples of items with a known true loss are found to differ from it."""
    n, loss = cell
    more = less = 0
    for _ in range(draws):
        interval = texts.judged(places(rng, texts, n, again=True), 0.90).interval
        if interval is not None:
            more += interval.low > loss
            less += interval.high < loss
    return Level(
        name=name, items=n, at=math.expm1(loss), more=more / draws, less=less / draws, draws=draws
    )


def ordered(rng: np.random.Generator, texts: Mapping[str, Texts], n: int, draws: int) -> float:
    """Rate at which n items put the damaged ones in their order."""
    right = 0
    for _ in range(draws):
        at = places(rng, texts[ORDER[0]], n)
        losses = [texts[name].lost[at].sum() for name in ORDER]
        right += losses == sorted(losses)
    return right / draws


def ordered_by_accuracy(rng: np.random.Generator, sides: Mapping[str, Side], draws: int) -> float:
    """Rate at which another sample of all items, task by task, orders their accuracies right."""
    read = [_scores(sides[name]) for name in ORDER]
    right = 0
    for _ in range(draws):
        means = np.zeros(len(ORDER))
        for part in read[0]:
            at = rng.integers(0, len(read[0][part]), len(read[0][part]))
            means += [scores[part][at].mean() for scores in read]
        right += bool(means[0] > means[1] > means[2])
    return right / draws


def _sides() -> dict[str, Side]:
    store = Store(REFERENCE)
    scored = [record for record in store.records() if not isinstance(record, Exception)]
    return {
        record.candidate.name.removeprefix(NAME): Side(
            runs=(record,), samples=store.answers(record)
        )
        for record in scored
        if record.job.scores
    }


def _texts(sides: Mapping[str, Side], name: str) -> Texts:
    found = pair_choices(_answers(sides[LARGEST]), _answers(sides[name]), clusters={})
    items = found.texts
    by_task: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        by_task.setdefault(item.part, []).append(place)
    return Texts(
        lost=np.array([item.lost for item in items]),
        sizes=np.array(sizes(items, found.unit)),
        tasks=tuple(np.array(task) for task in by_task.values()),
    )


def _answers(side: Side) -> Answers:
    return read_answers(side.scored, side.samples)


def _scores(side: Side) -> dict[str, Floats]:
    return {
        part: np.array([scores[key] for key in sorted(scores)])
        for part, scores in _answers(side).scores.items()
    }


def _rung(
    rng: np.random.Generator, sides: Mapping[str, Side], name: str, texts: Texts, draws: int
) -> Rung:
    (found,) = compare([sides[LARGEST], sides[name]])
    if found.overall is None or found.fidelity is None or found.fidelity.ratio is None:
        raise ValueError(f"{name}: the reference run has no comparison")
    power, verdicts = {}, {}
    for n in ITEMS:
        judged = [texts.judged(places(rng, texts, n), 0.95) for _ in range(draws)]
        power[n] = sum(one.p <= 0.05 for one in judged) / draws
        if n in (40, 64):
            said = [verdict(one) for one in judged]
            verdicts[n] = {word: said.count(word) / draws for word in sorted(set(said))}
    lost, z = -found.overall.difference, -found.overall.difference / (found.overall.stderr or 1)
    return Rung(
        name=name,
        ratio=found.fidelity.ratio,
        accuracy_lost=lost,
        accuracy_items=found.overall.n * (Z / z) ** 2 if z > 0 else None,
        power=power,
        items=next((n for n in ITEMS if power[n] >= 0.8), None),
        verdicts=verdicts,
    )


def verdict(found: RateLoss) -> str:
    """Verdict of the Quantisations page."""
    if found.interval is None:
        return "cannot tell"
    return judge_loss(found.loss, found.interval, MARGIN)


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as they stand in benchmarks/figures/fidelity.md."""
    right = {rung["name"]: rung["verdicts"] for rung in found["rungs"]}
    return "\n".join([
        f"{found['draws']} samples a cell, their items in equal numbers from eight tasks; "
        f"{found['levels'][0]['draws']:,} a cell of the levels.",
        "",
        "| against F16 | perplexity ratio | items for 80 % power | accuracy lost, points "
        "| items for it by accuracy, extrapolated |",
        "|---|--:|--:|--:|--:|",
        *(_items(rung) for rung in found["rungs"]),
        "",
        f"| power, % | {' | '.join(map(str, ITEMS))} |",
        f"|---|{'--:|' * len(ITEMS)}",
        *(
            f"| {rung['name']} | "
            + " | ".join(f"{100 * share:.0f}" for share in rung["power"].values()) + " |"
            for rung in found["rungs"]
        ),
        "",
        f"| verdict at {100 * FIDELITY_MARGIN:g} % | right | 40 items, % right | 64 items |",
        "|---|---|--:|--:|",
        *(
            f"| {name} | {RIGHT[name]} | "
            + " | ".join(f"{100 * said.get(RIGHT[name], 0):.1f}" for said in verdicts.values())
            + " |"
            for name, verdicts in right.items()
        ),
        "",
        f"| {' < '.join(ORDER)} | in this order, % |",
        "|---|--:|",
        *(f"| {what} | {100 * share:.1f} |" for what, share in found["order"].items()),
        "",
        "| level, 5 % a side | items | true loss, % | told to lose more, % | less, % |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {one['name']} | {one['items']} | {100 * one['at']:.0f} | {100 * one['more']:.1f} | "
            f"{100 * one['less']:.1f} |"
            for one in found["levels"]
        ),
    ])  # fmt: skip


def _items(rung: Mapping[str, Any]) -> str:
    by = "never" if rung["accuracy_items"] is None else f"{rung['accuracy_items']:,.0f}"
    return (
        f"| {rung['name']} | {rung['ratio']:.3f} | {rung['items'] or f'over {ITEMS[-1]}'} | "
        f"{100 * rung['accuracy_lost']:+.2f} | {by} |"
    )


if __name__ == "__main__":
    main()
