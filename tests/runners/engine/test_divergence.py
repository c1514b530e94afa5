"""KL divergence over the vocabulary: by hand, and against plain float64 arithmetic."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.engine.divergence import (
    LEAST_TOKENS,
    MAGIC,
    compared,
    diverged,
    log_softmax,
    packed,
    read,
    scored,
    unpacked,
    window_logits,
    window_tokens,
    write,
)
from runners.worker import protocol
from runners.worker.runtime import WorkerError


def rows(*probabilities: tuple[float, ...]) -> Any:
    """Logits of a softmax with these probabilities; what is added to a row changes nothing."""
    return np.log(np.asarray(probabilities)).astype(np.float32) + np.float32(3)


def asked(**given: Any) -> protocol.Diverge:
    return protocol.Diverge(**{"text": "", "window": 8, **given})


def kept(tmp_path: Path, tokens: list[int], logits: Any) -> Any:
    write(tmp_path / "reference", tokens, logits)
    return read(tmp_path / "reference")


def test_the_second_half_of_a_window_is_scored():
    # llama.cpp: first = n_ctx / 2, and n_ctx - 1 - first positions.
    assert list(scored(8)) == [4, 5, 6]
    assert list(scored(9)) == [4, 5, 6, 7]
    assert len(scored(512)) == 255


def test_divergence_by_hand(tmp_path: Path):
    tokens = list(range(8))
    reference = kept(tmp_path, tokens, rows((0.5, 0.5), (0.9, 0.1), (0.2, 0.8)))
    kl, same = compared(reference, rows((0.25, 0.75), (0.9, 0.1), (0.6, 0.4)))
    by_hand = [
        0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75),  # 0.1438
        0.0,
        0.2 * math.log(0.2 / 0.6) + 0.8 * math.log(0.8 / 0.4),  # 0.3348
    ]
    assert kl == pytest.approx(by_hand, abs=2e-5)  # 16 bits over 2.2 nats: steps of 3e-5
    # Of two that the reference finds equally likely either agrees.
    assert same.tolist() == [True, True, False]


def test_divergence_of_a_model_from_itself_is_nothing(tmp_path: Path):
    logits = np.random.default_rng(1).normal(0, 3, (3, 5000)).astype(np.float32)
    kl, same = compared(kept(tmp_path, list(range(8)), logits), logits)
    assert np.abs(kl).max() < 1e-4  # half a step of 16 nats / 65,535 a token
    assert same.all()


def test_divergence_is_that_of_plain_logits(tmp_path: Path):
    generator = np.random.default_rng(2)
    p = generator.normal(0, 3, (255, 997)).astype(np.float32)
    q = (p + generator.normal(0, 0.5, p.shape)).astype(np.float32)
    kl, same = compared(kept(tmp_path, list(range(512)), p), q)
    e_p, e_q = np.exp(p.astype(np.float64)), np.exp(q.astype(np.float64))
    all_p, all_q = e_p / e_p.sum(1, keepdims=True), e_q / e_q.sum(1, keepdims=True)
    plain = (all_p * np.log(all_p / all_q)).sum(1)
    assert kl == pytest.approx(plain, rel=1e-3, abs=1e-4)
    assert kl.mean() == pytest.approx(plain.mean(), rel=1e-4)
    assert same.mean() == np.mean(p.argmax(1) == q.argmax(1))


def test_tokens_beyond_16_nats_do_not_count(tmp_path: Path):
    # The third has e^-20 of the reference and nearly all of the other: llama.cpp leaves it out.
    p, q = np.float32([[0, 0, -20]]), np.float32([[0, 0, 5]])
    tokens = list(range(4))
    kl, _ = compared(kept(tmp_path, tokens, p), q)
    total = math.log(2 + math.exp(5))
    assert kl[0] == pytest.approx(2 * 0.5 * (math.log(0.5) - (0 - total)), abs=1e-4)


def test_a_row_is_packed_in_16_bits():
    row = np.random.default_rng(3).normal(0, 2, 4097).astype(np.float32)
    line = packed(row)
    assert (line.dtype, len(line)) == (np.uint16, 4098 + 4)  # even, and four in front
    assert unpacked(line, 4097) == pytest.approx(log_softmax(row), abs=16 / 65535)
    flat = unpacked(packed(np.zeros(4, dtype=np.float32)), 4)
    assert flat == pytest.approx([math.log(0.25)] * 4, abs=1e-6)


def test_a_file_is_laid_out_as_llama_cpp_reads_it(tmp_path: Path):
    tokens, logits = [7, 8, 9, 10, 11, 12, 13, 14], rows((0.5, 0.5), (0.9, 0.1), (0.2, 0.8))
    write(tmp_path / "file", tokens, logits)
    content = (tmp_path / "file").read_bytes()
    assert content[:8] == MAGIC == b"_logits_"
    # n_ctx, n_vocab, n_chunk, the tokens; then a row: two float32, and one 16-bit number a token.
    assert np.frombuffer(content[8:20], "<i4").tolist() == [8, 2, 1]
    assert np.frombuffer(content[20:52], "<i4").tolist() == tokens
    assert len(content) == 52 + 3 * (2 * 4 + 2 * 2)
    scale, bottom = np.frombuffer(content[52 + 12 : 52 + 20], "<f4")
    assert bottom == pytest.approx(math.log(0.1))
    assert scale == pytest.approx((math.log(0.9) - math.log(0.1)) / 65535)
    assert np.frombuffer(content[52 + 20 : 52 + 24], "<u2").tolist() == [65535, 0]


@pytest.mark.parametrize(
    ("tokens", "width", "says"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 9], 3, "it reads the text as other tokens"),
        ([1, 2, 3, 4, 5, 6, 7], 3, "it reads the text as other tokens"),
        ([1, 2, 3, 4, 5, 6, 7, 8], 4, "4 tokens in its vocabulary, not 3"),
    ],
)
def test_another_tokenizer_is_refused(tmp_path: Path, tokens: list[int], width: int, says: str):
    file = tmp_path / "reference"
    write(file, [1, 2, 3, 4, 5, 6, 7, 8], np.zeros((3, 3), dtype=np.float32))
    logits = np.zeros((len(scored(len(tokens))), width), dtype=np.float32)
    with pytest.raises(WorkerError, match=says):
        diverged(logits, tokens, asked(reference=str(file)), 0.0)


@pytest.mark.parametrize("content", [b"", b"_logits_", b"x" * 200, MAGIC + b"\0" * 4])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(WorkerError, match="the reference's logits"):
        read(tmp_path / "file")
    with pytest.raises(WorkerError, match="the reference's logits cannot be read"):
        read(tmp_path / "none")


def test_logits_that_are_no_numbers_are_refused():
    with pytest.raises(WorkerError, match="are not numbers"):
        log_softmax(np.asarray([1, math.nan], dtype=np.float32))


def test_a_window_is_cut_to_the_context_and_not_too_short():
    def encode(text: str, add_bos: bool) -> list[int]:
        assert add_bos
        return list(text.encode())

    assert len(window_tokens(encode, asked(text="a" * 99, window=64), 4096)) == 64
    assert len(window_tokens(encode, asked(text="a" * 99, window=64), 32)) == 32
    with pytest.raises(WorkerError, match="a window of 7 tokens is too short"):
        window_tokens(encode, asked(text="a" * 7), 4096)
    assert LEAST_TOKENS == 8


class Asked:
    """A decoder that says what it was asked for."""

    batch_tokens, rows = 512, 512

    def __init__(self) -> None:
        self.log: list[Any] = []

    def clear(self) -> None:
        self.log.append("clear")

    def copy(self, source: int, target: int) -> None:
        raise AssertionError

    def drop(self, sequence: int) -> None:
        raise AssertionError

    def decode(self, tokens: Any, positions: Any, sequences: Any, counts: Any, flags: Any) -> Any:
        self.log.append((tokens.tolist(), positions.tolist(), flags.tolist()))
        assert (set(sequences.tolist()), set(counts.tolist())) == ({0}, {1})
        return np.zeros((int(flags.sum()), 5), dtype=np.float32)


def test_a_window_is_evaluated_in_one_batch():
    decoder = Asked()
    assert window_logits(decoder, [3, 1, 4, 1, 5, 9, 2, 6]).shape == (3, 5)
    assert decoder.log == [
        "clear",
        ([3, 1, 4, 1, 5, 9, 2, 6], [0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 1, 1, 1, 0]),
    ]
