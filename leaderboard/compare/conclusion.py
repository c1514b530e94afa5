"""Sum up how a candidate's answers differ from a reference's, in one sentence with its verdict."""

from __future__ import annotations

from leaderboard.compare.fidelity import FIDELITY_MARGIN, Fidelity
from leaderboard.compare.fidelity_words import percent, sentence
from leaderboard.stats.noninferiority import GateVerdict

_SAME_WEIGHTS: dict[GateVerdict, str] = {
    "regressed": "damaged",
    "pass": "no damage beyond {margin}",
    "cannot tell": "too few items to tell whether it is damaged beyond {margin}",
}
_OTHER_WEIGHTS: dict[GateVerdict, str] = {
    "regressed": "answers differ",
    "pass": "answers agree within {margin}",
    "cannot tell": "too few items to tell whether answers differ by more than {margin}",
}


def conclusion(
    found: Fidelity, name: str, reference: str, *, margin: float = FIDELITY_MARGIN
) -> str:
    """One sentence: what a quantisation cost, or how far other weights are from the reference.

    Only a candidate that is declared to be made from the reference's weights can be damaged; of any
    other, answers differ or agree, to either side.

    Args:
        found: the candidate's fidelity.
        name: what to call the candidate.
        reference: what to call the other.
        margin: largest acceptable increase of perplexity, e.g. 0.02.
    """
    verdict = found.verdict(margin)
    if verdict is None:
        return f"{name} against {reference}: not compared, {found.reason}"
    words = _SAME_WEIGHTS
    if not found.same_weights:
        words, verdict = _OTHER_WEIGHTS, _either_way(found, margin)
    said = words[verdict].format(margin=percent(margin))
    return f"{name} against {reference}: {said}: {sentence(found, reference)}"


def _either_way(found: Fidelity, margin: float) -> GateVerdict:
    """Verdict on the ratio lying between 1 / (1 + margin) and 1 + margin."""
    if found.interval is None:
        return "cannot tell"
    low, high = 1 / (1 + margin), 1 + margin
    if found.interval.low > high or found.interval.high < low:
        return "regressed"
    return "pass" if low <= found.interval.low and found.interval.high <= high else "cannot tell"
