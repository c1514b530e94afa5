"""Full-vocabulary KL divergence and top-token agreement of a model against a reference's logits.

The scored positions, the numbers and the file are those of llama.cpp's `llama-perplexity
--kl-divergence` (tools/perplexity/perplexity.cpp), which can read a file that is kept here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runners.worker import protocol
from runners.worker.runtime import WorkerError, check_largest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from runners.engine.decoder import Decoder

MAGIC = b"_logits_"
LEAST_TOKENS = 8
"""A shorter window leaves too few positions to say anything."""
RANGE_NATS = 16.0
"""Tokens less likely than the likeliest by more than this are kept as if they were not."""
STEPS = 65_535
SCALES = 4
"""16-bit numbers in front of a row's: its scale and its smallest log-probability, as float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Log-probabilities of a reference model, 16 bits each, as they lie in a file."""

    tokens: NDArray[np.int32]
    """Shape (window,): the text that was read."""
    vocabulary: int
    rows: NDArray[np.uint16]
    """Shape (scored positions, stride); mapped, not read."""


def scored(window: int) -> range:
    """Positions whose next-token distributions are compared: the second half of a window, in which
    each token has at least half a window before it. The last token predicts nothing known.
    """
    return range(window // 2, window - 1)


def window_tokens(
    encode: Callable[[str, bool], list[int]], message: protocol.Diverge, length: int
) -> list[int]:
    """The first tokens of the text, at most `message.window` and the model's context `length`.

    Raises:
        WorkerError: there are fewer than 8.
    """
    tokens = encode(message.text, True)[: min(message.window, length)]
    if len(tokens) < LEAST_TOKENS:
        raise WorkerError(
            f"a window of {len(tokens)} tokens is too short to compare distributions over the "
            f"vocabulary (at least {LEAST_TOKENS}); raise settings.context"
        )
    return tokens


def window_logits(decoder: Decoder, tokens: Sequence[int]) -> NDArray[np.float32]:
    """Evaluate a window in one batch, from an empty cache.

    Returns:
        The logits of its scored positions, shape (scored positions, vocabulary).
    """
    n = len(tokens)
    flags = np.zeros(n, dtype=np.int8)
    flags[scored(n).start : scored(n).stop] = 1
    decoder.clear()
    return decoder.decode(
        np.asarray(tokens, dtype=np.int32),
        np.arange(n, dtype=np.int32),
        np.zeros(n, dtype=np.int32),
        np.ones(n, dtype=np.int32),
        flags,
    )


def diverged(
    logits: NDArray[np.float32], tokens: Sequence[int], message: protocol.Diverge, started_s: float
) -> protocol.Diverged:
    """The answer to `Diverge`: the window's logits kept in a file, or held against one.

    Args:
        logits: of the scored positions, shape (scored positions, vocabulary).
        tokens: the window's.
        message: what is asked.
        started_s: when the window's evaluation began, by `time.perf_counter`.

    Raises:
        WorkerError: the reference has other tokens or another vocabulary, its file is damaged, or a
            row's largest logit is not finite.
    """
    kl: NDArray[np.float64] = np.empty(0)
    same: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
    if message.keep is not None:
        write(Path(message.keep), tokens, logits)
    if message.reference is not None:
        reference = read(Path(message.reference))
        _check_alike(reference, tokens, logits.shape[1])
        kl, same = compared(reference, logits)
    return protocol.Diverged(
        kl_nats=kl.tolist(),
        same_top=same.tolist(),
        positions=len(logits),
        vocabulary=logits.shape[1],
        seconds=time.perf_counter() - started_s,
    )


def log_softmax(row: NDArray[Any]) -> NDArray[np.float64]:
    """Log-probabilities in nats of one row of logits, shape (vocabulary,), summed in float64.

    Raises:
        WorkerError: the largest logit is not finite.
    """
    largest = float(row.max())
    check_largest(largest)
    shifted: NDArray[np.float64] = row.astype(np.float64) - largest
    shifted -= np.log(np.exp(shifted).sum())
    return shifted


def compared(
    reference: Reference, logits: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Divergence at each position, and whether both models prefer the same token there.

    Returns:
        KL(reference || model) in nats, the sum over tokens of p (ln p - ln q) where p is the
        reference's probability and above e^-16, shape (scored positions,); and flags of that shape.
    """
    kl = np.empty(len(logits))
    same = np.empty(len(logits), dtype=np.bool_)
    for at, row in enumerate(logits):
        log_q = log_softmax(row)
        log_p = unpacked(reference.rows[at], reference.vocabulary)
        known = log_p > -RANGE_NATS
        kl[at] = np.sum(np.exp(log_p[known]) * (log_p[known] - log_q[known]))
        # Of the reference's likeliest tokens 16 bits may show two alike: either agrees.
        same[at] = log_p[row.argmax()] == log_p.max()
    return kl, same


def packed(row: NDArray[Any]) -> NDArray[np.uint16]:
    """One row of logits as 16-bit log-probabilities, evenly spaced over at most 16 nats.

    Returns:
        Shape (stride,): scale and smallest log-probability as float32, then a number a token.
    """
    log_p = log_softmax(row)
    top = float(log_p.max())
    bottom = max(float(log_p.min()), top - RANGE_NATS)
    scale = np.float32((top - bottom) / STEPS)
    found = np.zeros(_stride(len(row)), dtype=np.uint16)
    found[:SCALES] = np.asarray([scale, bottom], dtype=np.float32).view(np.uint16)
    if scale > 0:
        steps = np.rint((log_p - bottom) / float(scale))
        found[SCALES : SCALES + len(row)] = np.clip(steps, 0, STEPS).astype(np.uint16)
    return found


def unpacked(packed_row: NDArray[np.uint16], vocabulary: int) -> NDArray[np.float64]:
    """Log-probabilities in nats out of what `packed` gave, shape (vocabulary,)."""
    scale, bottom = np.asarray(packed_row[:SCALES]).view(np.float32).astype(np.float64)
    found: NDArray[np.float64] = packed_row[SCALES : SCALES + vocabulary].astype(np.float64)
    found *= scale
    found += bottom
    return found


def write(path: Path, tokens: Sequence[int], logits: NDArray[np.float32]) -> None:
    """Keep a window's log-probabilities: header, tokens, then a packed row a scored position."""
    header = np.asarray([len(tokens), logits.shape[1], 1], dtype="<i4")  # one window
    with path.open("wb") as file:
        file.write(MAGIC + header.tobytes() + np.asarray(tokens, dtype="<i4").tobytes())
        for row in logits:
            file.write(packed(row).tobytes())


def read(path: Path) -> Reference:
    """Map a file that `write` left.

    Raises:
        WorkerError: it is not there, or none of these.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise WorkerError("the reference's logits are no such file")
            window, vocabulary, _ = np.fromfile(file, dtype="<i4", count=3).tolist()
            tokens = np.fromfile(file, dtype="<i4", count=window)
            shape = (len(scored(window)), _stride(vocabulary))
            rows = np.memmap(path, dtype="<u2", mode="r", offset=file.tell(), shape=shape)
    except (OSError, ValueError) as error:
        raise WorkerError(f"the reference's logits cannot be read: {error}"[:300]) from error
    return Reference(tokens=tokens, vocabulary=vocabulary, rows=rows)


def _check_alike(reference: Reference, tokens: Sequence[int], vocabulary: int) -> None:
    if vocabulary != reference.vocabulary:
        raise WorkerError(
            f"another tokenizer than the reference's: {vocabulary:,} tokens in its vocabulary, not "
            f"{reference.vocabulary:,}"
        )
    if not np.array_equal(reference.tokens, tokens):
        raise WorkerError(
            "another tokenizer or a shorter context than the reference's: it reads the text as "
            "other tokens"
        )


def _stride(vocabulary: int) -> int:
    """16-bit numbers of a row, an even number of them."""
    return 2 * ((vocabulary + 1) // 2) + SCALES
