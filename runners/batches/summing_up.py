"""How a comparison with a given time ended, and what more time would buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners.batches.agenda import variance
from runners.batches.course import SAFETY
from runners.batches.looks import FURTHER_S, Summary
from runners.batches.patience import PAIR
from runners.batches.shares import least_s, next_items

if TYPE_CHECKING:
    from runners.batches.shares import Pool
    from runners.batches.time_left import GivenTime
    from runners.batches.timed_journal import TimedJournal
    from runners.batches.timed_stage import Contestant

MORE = 1.2
"""Factor on the forecast of the smallest comparison, which the time that is named is to hold."""


def summed_up(
    kept: TimedJournal,
    clock: GivenTime,
    left: Sequence[Contestant],
    pools: dict[str, Pool],
    *,
    begun: int,
    slow: Sequence[str],
) -> Summary:
    """Sum a comparison up, before those that were not reached are forgotten.

    Args:
        kept: its decisions.
        clock: its time.
        left: candidates that were asked until the end.
        pools: what is done, and what more would cost and tell.
        begun: candidates that were to be compared.
        slow: those that turned slow.
    """
    done = {part: pool.done for part, pool in pools.items()}
    known = bool(left) and all(one.pace for one in left)
    more = next_items(pools, FURTHER_S) if known else None
    needed_s = least_s(pools) if known and len(left) >= PAIR else 0.0
    looks = kept.looks
    gone = {name for look in looks for name in look.leaving}
    alone = bool(looks) and not looks[-1].final and looks[0].begun - len(gone) == 1
    return Summary(
        given_s=clock.given_s,
        used_s=clock.used_s,
        begun=begun,
        left=tuple(one.name for one in left),
        slow=tuple(slow),
        settled=alone or (bool(looks) and looks[-1].settled),
        looks=tuple((one, sum(kept.stages[one.stage].values())) for one in looks),
        exhausted=kept.whole is not None and all(one.done == one.most for one in pools.values()),
        needed_s=MORE * (clock.used_s + needed_s / SAFETY) if needed_s else None,
        further=None
        if more is None
        else (sum(more.values()), math.sqrt(variance(pools, more) / variance(pools, done))),
    )
