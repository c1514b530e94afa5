"""`weighin run --time`: does it err as often as it says, and what does it save?

Comparisons whose truth is known are run look by look by the code that the product runs: what each
look asks (`runners/batches/shares.py`), what it may spend and how far apart two must lie
(`leaderboard/stats/group_sequential.py`), by Compare's own test. Beside it the same looks, each at
5 % for all pairs as if it were the only one, and one look at the end.

    python benchmarks/sequential.py [--boards N] [--json] [--candidates 2,5] [--looks 5]

The time is counted in answers: 40 items of each of 8 tasks a look, were all candidates left.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import studentized_range
from ship import SUITES, check_against_the_board, flip_tests, make, percent

from leaderboard.choose import looks
from leaderboard.choose.ranking import difference_over
from leaderboard.stats import group_sequential
from leaderboard.stats.group_sequential import Look, critical_values, spent, two_sided_p
from leaderboard.stats.item_resampling import Items, item_means
from runners.batches.shares import LEAST, Pool, next_items

Array = npt.NDArray[np.float64]
A_LOOK = 40
"""Items of a task that a look has time for with all candidates."""
PATHS = 20_000
"""The product takes more; these do for an error of 0.15 points, and the figures have 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One comparison, as it ended."""

    told: bool
    """True where any candidate was told from the leader."""
    best_lost: bool
    """True where the truly best was told from the leader."""
    alone: bool
    """True where one candidate was left."""
    covered: bool
    """True where every interval that was printed held the true difference."""
    time: float
    """Share of the time that it took."""


def main() -> None:
    """Simulate every cell and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boards", type=int, default=2000, help="comparisons a cell")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--candidates", default="2,5")
    parser.add_argument("--looks", type=int, default=5)
    parser.add_argument("--ahead", default="0,3,6", help="points; 0: all equal")
    parser.add_argument("--rules", default="spending,naive,single")
    asked = parser.parse_args()
    group_sequential.PATHS = PATHS
    check_against_the_board(np.random.default_rng(1))
    found = [
        cell(m, points / 100, rule, asked.looks, asked.boards)
        for m in map(int, asked.candidates.split(","))
        for points in map(float, asked.ahead.split(","))
        for rule in asked.rules.split(",")
    ]
    print(json.dumps(found) if asked.json else "\n".join(table(found)))


def cell(m: int, ahead: float, rule: str, count: int, boards: int) -> dict[str, float | str]:
    """Run comparisons of one kind.

    Args:
        m: candidates.
        ahead: by how much the best is truly more accurate than the others, which are equal.
        rule: `spending`, the product's; `naive`: each look as if it were the only one; `single`:
            one look, at the end.
        count: looks that there is time for.
        boards: how many.
    """
    rng = np.random.default_rng([m, round(1e4 * ahead), count])
    run = [compared(m, ahead, rule, count, rng) for _ in range(boards)]
    means = {
        field.name: float(np.mean([getattr(one, field.name) for one in run]))
        for field in dataclasses.fields(Board)
    }
    return {"candidates": m, "ahead": 100 * ahead, "rule": rule, "boards": boards, **means}


def compared(m: int, ahead: float, rule: str, count: int, rng: np.random.Generator) -> Board:
    """One comparison from its first look to its end."""
    SUITES["pool"] = (8, A_LOOK * count * m)  # what is left to the last one, too
    pool, _ = make(m, "pool", 0.0, rng)
    better = np.zeros(m)
    better[0] = ahead
    pool = [_raised(one, ahead, rng) for one in pool]
    done = [0] * len(pool)
    left, past, flips = list(range(m)), [], [looks.FLIPS / looks.OF_ITEMS] * len(pool)
    told, covered, time = set[int](), True, 0.0
    for number in range(1, count + 1):
        if rule != "single" or number == count:
            seconds = float(A_LOOK * m * len(pool)) * (count if rule == "single" else 1)
            done = asked(done, pool, flips, len(left), seconds)
            sets = [
                Items(scores=task.scores[:n, left], groups=np.arange(n))
                for task, n in zip(pool, done, strict=True)
            ]
            z, look, flips = critical(rule, sets, past, number / count, m)
            past.append(look)
            out = outside(sets, z)
            ends = number == count or len(left) - len(out) == 1
            covered &= all_covered(sets, z, range(len(left)) if ends else out, better[left])
            told |= {left[i] for i in out}
            left = [one for i, one in enumerate(left) if i not in out]
        time = number / count
        if len(left) == 1:
            break
    return Board(
        told=bool(told), best_lost=0 in told, alone=len(left) == 1, covered=covered, time=time
    )


def _raised(task: Items, ahead: float, rng: np.random.Generator) -> Items:
    """The first candidate's accuracy raised by so much: some of its wrong answers are right."""
    scores = task.scores.copy()
    wrong = scores[:, 0] == 0
    share = ahead / max(1e-9, float(wrong.mean()))
    scores[wrong & (rng.random(len(scores)) < share), 0] = 1.0
    return Items(scores=scores, groups=task.groups)


def asked(
    done: list[int], pool: list[Items], flips: list[float], left: int, seconds: float
) -> list[int]:
    """Items of each task at the end of the next look, as the product shares out its time."""
    pools = {
        str(t): Pool(
            done=done[t],
            most=len(task.scores),
            least=LEAST,
            second_s=float(left),
            flips=flips[t],
        )
        for t, task in enumerate(pool)
    }
    found = next_items(pools, seconds)
    return done if found is None else list(found.values())


def critical(
    rule: str, sets: list[Items], past: list[Look], share: float, begun: int
) -> tuple[float, Look, list[float]]:
    """Standard errors that two must lie apart, as `judge_items` has them for the product."""
    flips = [looks._flips(one) for one in sets]
    variance = sum(f / len(one.scores) for one, f in zip(sets, flips, strict=True)) / len(sets) ** 2
    least = past[-1].information if past else 0.0
    look = Look(information=max(least, 1 / variance), spent=spent(share))
    z = critical_values([*past, look], begun)[-1] if rule == "spending" else single(begun)
    return z, look, flips


@lru_cache
def single(begun: int) -> float:
    """Standard errors for all pairs at one look: the studentised range / √2."""
    return float(studentized_range.ppf(0.95, begun, 1e6)) / math.sqrt(2)


def outside(sets: list[Items], z: float) -> list[int]:
    """Columns that are told from the leader and lie below it."""
    shares = [1 / len(sets)] * len(sets)
    means = item_means(sets, shares)
    leader = int(means.argmax())
    p = flip_tests(sets, shares, leader)
    return [i for i in range(len(means)) if means[i] < means[leader] and p[i] <= two_sided_p(z)]


def all_covered(sets: list[Items], z: float, columns: range | list[int], better: Array) -> bool:
    """True where the interval of each column's difference from the leader holds the true one."""
    shares = [1 / len(sets)] * len(sets)
    leader = int(item_means(sets, shares).argmax())
    for one in columns:
        if one != leader:
            found = difference_over(sets, shares, (leader, one), two_sided_p(z)).interval
            if not found.low <= better[one] - better[leader] <= found.high:
                return False
    return True


def table(found: list[dict[str, float | str]]) -> list[str]:
    """The cells as Markdown."""
    head = (
        "candidates", "best ahead by, points", "rule", "any told apart", "the best lost",
        "one left", "intervals hold", "time used",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for one in found:
        shares = (one[key] for key in ("told", "best_lost", "alone", "covered", "time"))
        ahead = f"{one['ahead']:g}" if one["ahead"] else "all equal"
        cells = [str(one["candidates"]), ahead, str(one["rule"])]
        cells += [percent(float(share)) for share in shares]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
