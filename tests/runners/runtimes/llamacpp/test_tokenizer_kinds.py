"""Each kind of tokenizer there is, in both runtimes, against lm-eval's `hf` in float32."""

from __future__ import annotations

import pytest

from tests.support import tiny_kinds

for library in ("torch", "transformers", "llama_cpp"):
    pytest.importorskip(library)
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # transformers' own
TOLERANCE = 2e-4
"""Nats of a sum over up to 170 tokens: the order of float32 additions."""


@pytest.mark.parametrize("name", list(tiny_kinds.KINDS))
def test_both_runtimes_agree_with_lm_eval(name: str) -> None:
    from benchmarks.tokenizer_kinds import compare

    for found in compare(tiny_kinds.KINDS[name]()):
        assert found["tokenised_otherwise"] == 0
        assert found["largest_difference"] < TOLERANCE
        assert found["greedy_otherwise"] == 0
        assert found["answers_otherwise"] == []
        # SentencePiece's own space before a text is not the answer's.
        drops = name.startswith("SentencePiece") and name != "SentencePiece BPE, no prefix space"
        assert found["answer"] == ("yes it is blue" if drops else " yes it is blue")
