"""What a comparison in a given time says at its end, and of one that ended before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaderboard.units import format_duration, points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runners.batches.looks import Summary
    from runners.records.record import Record


def sentences(summary: Summary) -> Iterator[str]:
    """What a comparison used, what its error means, and what more time would buy."""
    from runners.batches.looks import FURTHER_S

    used, given = (format_duration(s) for s in (summary.used_s, summary.given_s))
    if not summary.looks:
        if summary.begun > 1:
            yield _no_look(summary)
        return
    last = summary.looks[-1][0]
    # The last one may have judged the same answers again, with all of the 5 %.
    stages = {look.stage: items for look, items in summary.looks}
    counts = ", ".join(f"{items:,}" for items in stages.values())
    begin = f"Settled in {used} of {given}" if summary.settled else f"Used {used} of {given}"
    yield f"{begin}: {_looks(len(stages))}, at {counts} items of each candidate."
    if last.settled:
        yield (
            "Those left are one model's quantisations that answer alike (perplexity ratio below "
            "1.02), which accuracy would tell apart on thousands of items, if at all."
        )
    for name in summary.slow:
        yield f"{name} turned slow, and was asked no further: the others went on."
    all_of = "both" if last.begun == 2 else f"all {last.begun}"
    yield (
        f"Were {all_of} equal, any two would be told apart in at most 5% of such runs, "
        "all looks together."
    )
    if summary.settled or last.detectable is None:
        return
    if summary.further is None:
        yield "There are no more items: more time needs a larger suite, or a higher --limit."
        return
    items, part = summary.further
    yield (
        f"{format_duration(FURTHER_S)} more: {items:,} items of each, and a minimum detectable "
        f"difference (80% power) of {points(last.detectable * part):.1f} points instead of "
        f"{points(last.detectable):.1f}."
    )


def _no_look(summary: Summary) -> str:
    """Why nothing was judged, and what would help."""
    if not summary.left:
        return "No candidate came so far: there is nothing to compare."
    if len(summary.left) == 1:
        return f"Only {summary.left[0]} came so far: there is nothing to compare it with."
    more = "; the suite has no more items" if summary.exhausted else ""
    if summary.needed_s is not None:
        more = f"; about {format_duration(summary.needed_s)} would do"
    return f"No look in {format_duration(summary.given_s)}: nothing is told apart{more}."


def how_it_ended(records: Sequence[Record]) -> str:
    """One sentence about a comparison that ended before.

    Args:
        records: of it, of each candidate the one with which it left.
    """
    parts = [(one.candidate.name, one.job.looks) for one in records if one.job.looks]
    taken = max((looks.look for _, looks in parts), default=0)
    stayed = ", ".join(name for name, looks in parts if not looks.stopped)
    ends = [f"{stayed} stayed until the end"] if stayed else []
    ends += [f"{name} left at look {looks.look} ({looks.stopped})"
             for name, looks in parts if looks.stopped]  # fmt: skip
    after = f", after {_looks(taken)}" if taken else ""
    return f"This comparison ended before{after}: {'; '.join(ends)}."


def _looks(count: int) -> str:
    return f"{count} look{'s' if count > 1 else ''}"
