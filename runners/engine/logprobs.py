"""Log-probabilities out of rows of logits, without copies through Python lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from runners.worker.runtime import check_largest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROWS_AT_ONCE = 16  # rows whose exponentials are held at a time: 16 x 49,152 x 4 bytes = 3 MB


def target_logprobs(
    logits: NDArray[np.float32], rows: NDArray[np.int64], targets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The log softmax of each (row, target) pair, and whether the target is its row's maximum.

    Args:
        logits: shape (all rows, vocabulary).
        rows: shape (n,), the row of each pair; a row may serve several targets.
        targets: shape (n,), token ids.

    Returns:
        Two arrays of shape (n,): nats, and greedy flags.

    The maximum is subtracted before exponentials are taken; their sum is kept in float64, since a
    float32 sum depends on the order of the additions, and that on NumPy's build.

    Raises:
        WorkerError: a row's largest logit is NaN or infinite.
    """
    if not len(logits):
        return np.empty(0, np.float64), np.empty(0, np.bool_)
    # argmax, not equality with the maximum: of two equal logits greedy decoding takes the first.
    likeliest = logits.argmax(axis=1)
    best = logits[np.arange(len(logits)), likeliest]
    check_largest(float(best.sum(dtype=np.float64)))
    total = np.empty(len(logits), dtype=np.float64)
    held = np.empty((min(len(logits), ROWS_AT_ONCE), logits.shape[1]), dtype=np.float32)
    for start in range(0, len(logits), ROWS_AT_ONCE):
        rows_here = slice(start, min(start + ROWS_AT_ONCE, len(logits)))
        part = held[: rows_here.stop - start]
        np.subtract(logits[rows_here], best[rows_here, None], out=part)
        np.exp(part, out=part)
        part.sum(axis=1, dtype=np.float64, out=total[rows_here])
    nats = logits[rows, targets].astype(np.float64) - best[rows] - np.log(total[rows])
    return nats, likeliest[rows] == targets


class Sampler:
    """Picks the next token: the most likely one at temperature 0, else one drawn from the softmax.

    `top_k` (0: all), then `top_p` (1: all), then `min_p` (0: all), as transformers' samplers do;
    before them `repetition_penalty` on the logits of every token so far, greedy or not (N. S.
    Keskar et al., arXiv:1909.05858, as transformers has it: negative logits are multiplied).

    Args:
        seen: the prompt's tokens.
    """

    def __init__(
        self, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0,
        min_p: float = 0.0, repetition_penalty: float = 1.0, seen: Sequence[int] = (),
    ) -> None:  # fmt: skip
        self._temperature, self._top_k, self._top_p = temperature, top_k, top_p
        self._min_p, self._penalty = min_p, repetition_penalty
        self._seen = set(map(int, seen)) if repetition_penalty != 1 else set()
        self._generator = np.random.default_rng(seed) if temperature > 0 else None

    def __call__(self, logits: NDArray[np.float32]) -> int:
        """A token id, given logits of shape (vocabulary,).

        Raises:
            WorkerError: the largest logit is NaN or infinite.
        """
        if self._penalty == 1:
            return self._chosen(logits)
        token = self._chosen(self._penalised(logits))
        self._seen.add(token)
        return token

    def _penalised(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        changed = logits.copy()
        if self._seen:
            at = np.fromiter(self._seen, dtype=np.int64)
            penalty = np.float32(self._penalty)
            changed[at] = np.where(logits[at] < 0, logits[at] * penalty, logits[at] / penalty)
        return changed

    def _chosen(self, logits: NDArray[np.float32]) -> int:
        likeliest = int(logits.argmax())
        check_largest(float(logits[likeliest]))
        if self._generator is None:
            return likeliest
        with np.errstate(over="ignore"):  # a temperature near 0: all but the maximum become -inf
            scaled = (logits.astype(np.float64) - logits[likeliest]) / self._temperature
        order = np.argsort(-scaled, kind="stable")
        if self._top_k > 0:
            order = order[: self._top_k]
        weights = np.exp(scaled[order])
        weights /= weights.sum()
        if self._top_p < 1:
            kept = int(np.searchsorted(np.cumsum(weights), self._top_p)) + 1
            order, weights = order[:kept], weights[:kept] / weights[:kept].sum()
        if self._min_p > 0:
            kept = int((weights >= self._min_p * weights[0]).sum())  # in descending order
            order, weights = order[:kept], weights[:kept] / weights[:kept].sum()
        return int(order[self._generator.choice(len(order), p=weights)])
