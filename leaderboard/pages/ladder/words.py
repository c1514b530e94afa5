"""Sentences that sum up the quantisations of a family."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.compare import fidelity_words
from leaderboard.compare.ladder import Ladder, Quantisation, bits
from leaderboard.units import format_number, mib, points


def conclusion(ladder: Ladder, reference: str, names: Sequence[str]) -> str:
    """The lowest quantisation that passes, with what it costs and saves, and which do not pass.

    Args:
        ladder: with at least one quantisation.
        reference: what to call the largest.
        names: what to call the others, in their order.
    """
    named = dict(
        zip(
            [quantisation.record.run_id for quantisation in ladder.quantisations],
            names,
            strict=True,
        )
    )
    lowest, margin = ladder.lowest, f"{points(ladder.fidelity_margin):g} %"
    if not compared(ladder):
        words = f"What they lose against {reference} is not known without answers by item"
    elif lowest is None:
        words = f"No quantisation passes against {reference}"
    else:
        name, size = named[lowest.record.run_id], bits(lowest.record)
        words = f"Lowest quantisation that passes: {name} ({size:.1f} bits a weight): "
        words += _cost(lowest, reference) + _saved(lowest)
    failed = [
        f"{named[quantisation.record.run_id]} ({fidelity_words.price(quantisation.fidelity.ratio)})"
        for quantisation in ladder.quantisations
        if quantisation.fidelity_verdict == "regressed"
        and quantisation.fidelity
        and quantisation.fidelity.ratio
    ]
    beyond = f" Beyond the {margin} of perplexity that are allowed: {', '.join(failed)}."
    return f"{words}.{beyond if failed else ''}"


def compared(ladder: Ladder) -> bool:
    """True where some quantisation's answers or accuracy could be held against the largest's."""
    return with_fidelity(ladder) or with_accuracy(ladder)


def with_fidelity(ladder: Ladder) -> bool:
    """True where the fidelity of some quantisation is known."""
    return any(one.fidelity is not None and one.fidelity.ratio for one in ladder.quantisations)


def with_accuracy(ladder: Ladder) -> bool:
    """True where some quantisation answered the same items as the largest."""
    return any(one.accuracy is not None for one in ladder.quantisations)


def _cost(quantisation: Quantisation, reference: str) -> str:
    if quantisation.fidelity is None or quantisation.fidelity.ratio is None:
        return "judged by accuracy alone, since its fidelity is not known"
    return fidelity_words.sentence(quantisation.fidelity, reference)


def _saved(quantisation: Quantisation) -> str:
    found = (
        ("disk", quantisation.disk_saved_bytes),
        ("peak memory", quantisation.memory_saved_bytes),
    )
    parts = [
        f"{format_number(mib(abs(saved)))} MiB {'less' if saved > 0 else 'more'} {what}"
        for what, saved in found
        if saved
    ]
    return "".join(f", {part}" for part in parts)


def legend(ladder: Ladder) -> str:
    """Legend of the plot of perplexity ratios."""
    return (
        "Perplexity of the answers' texts, its own over the largest's, the same items; 95 % "
        f"intervals. Dashed: {points(ladder.fidelity_margin):g} % more. A quantisation passes "
        "where its whole interval lies left of it."
    )


def accuracy_legend(ladder: Ladder) -> str:
    """Legend of the plot of accuracies."""
    floors = any(quantisation.accuracy_floor is not None for quantisation in ladder.quantisations)
    floor = (
        "Grey: as far as another layout of the cache alone moves it; the choices that this changes "
        "gain about as much as they lose."
        if floors
        else "No noise floor was measured in these runs, so none is shaded."
    )
    return (
        f"Items answered by both; 95 % intervals. Dashed: a loss of {points(ladder.margin):g} "
        f"points. {floor}"
    )
