"""Fidelity in words: what a reader is told of it, and what must stand beside it."""

from __future__ import annotations

from leaderboard.compare.fidelity import Fidelity
from leaderboard.stats.intervals import Interval
from leaderboard.stats.likelihoods import times

MEANING = (
    "fidelity is closeness to the reference, not accuracy; a model that was trained further is far "
    "from its base and not damaged"
)
ROUNDING = (
    "so small a distance is of the size of what kernels round: 8-bit weights evaluated in other "
    "pieces differ as much from themselves"
)
OTHER_WEIGHTS = (
    "the two are not known to come from the same weights, so the ratio says how unlike they are, "
    "not what was damaged"
)
BYTES = (
    "tokens are not known: four bytes count as one, and nobody checked that the tokenizers are the "
    "same"
)
_LEAST = 0.0005
"""Smallest distance of a ratio from 1 that is shown: less rounds to 0.0 %."""
_MOST = 3.0
_ROUNDED = 1.01
"""Q8_0's own distance is 1.006 in the reference run, its control's 1.003."""


def price(ratio: float) -> str:
    """Change of perplexity: `7.0 % more perplexing`; from 3 on `4.2 times as perplexing`."""
    if abs(ratio - 1) < _LEAST:
        return "as perplexing"
    if ratio >= _MOST:
        return f"{ratio:.3g} times as perplexing"
    return f"{percent(abs(ratio - 1))} {'more' if ratio > 1 else 'less'} perplexing"


def percent(share: float) -> str:
    """A share in per cent with one decimal below 10: `0.3 %`, `19 %`."""
    return f"{100 * share:.{1 if share < 0.0995 else 0}f}%"


def ratio_text(ratio: float) -> str:
    """A perplexity ratio with three decimals, four digits where it is large: `1.003`."""
    return f"{ratio:.3f}" if ratio < 10 else f"{ratio:.4g}"


def interval_text(interval: Interval) -> str:
    """Limits of a ratio: `1.002 to 1.005`."""
    return f"{ratio_text(interval.low)} to {ratio_text(interval.high)}"


def sentence(found: Fidelity, reference: str) -> str:
    """One sentence on a candidate: `its answers are 19 % more perplexing than f16's (ratio …)`.

    Args:
        found: of the candidate.
        reference: what to call the other.
    """
    if found.ratio is None:
        return f"fidelity to {reference}: not known, {found.reason}"
    limits = f" (ratio {interval_text(found.interval)})" if found.interval else ""
    than = "as" if abs(found.ratio - 1) < _LEAST or found.ratio >= _MOST else "than"
    return f"its answers are {price(found.ratio)} {than} {reference}'s{limits}"


def changes(found: Fidelity) -> list[str]:
    """Sentences on the share of changed choices and the distance of the distributions over them."""
    lines = []
    if found.changed_share is not None:
        floor = found.floor.changed
        packing = "not measured" if floor is None else percent(floor)
        lines.append(
            f"choices changed: {percent(found.changed_share)} of {found.choices:,} items with "
            f"choices (by packing alone: {packing})"
        )
    if found.divergence is not None:
        floor = found.floor.divergence
        packing = "" if floor is None else f" (by packing alone: {floor:.3g})"
        lines.append(
            f"divergence over the choices of texts: {found.divergence:.3g} nats on average{packing}"
        )
    if whole := found.vocabulary:
        lines.append(
            f"divergence over the whole vocabulary: {whole.kl_nats:.3g} nats a token of a fixed "
            f"text; {percent(1 - whole.same_top)} of {whole.positions} top tokens changed"
        )
    if found.floor.loss is not None:
        lines.append(
            f"packing alone makes a perplexity ratio of {ratio_text(times(found.floor.loss))}, "
            "either way"
        )
    return lines


def notes(found: Fidelity) -> list[str]:
    """Caveats that stand beside the numbers, the gravest last."""
    if found.loss is None:
        return [f"fidelity: {found.reason}"]
    tasks = f"{len(found.tasks)} task{'' if len(found.tasks) == 1 else 's'}"
    counted = f"{found.loss.items:,} items of {tasks} whose choices are texts"
    lines = [f"fidelity: {counted}, {found.tokens:,.0f} tokens"]
    if found.unit == "byte":
        lines[0] += f" ({BYTES})"
    if found.labels:
        lines.append(
            f"fidelity: left out, since their choices are labels, of which a shift of all says "
            f"nothing: {', '.join(found.labels)}"
        )
    if not found.same_weights:
        lines.append(f"fidelity: {OTHER_WEIGHTS}")
    rounding = [ROUNDING] if found.ratio and 1 < found.ratio < _ROUNDED else []
    return [*lines, MEANING, *rounding]
