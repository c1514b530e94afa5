"""Generation settings of a model's own files that change which tokens are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHOOSING = (
    "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff",
    "repetition_penalty", "encoder_repetition_penalty", "no_repeat_ngram_size", "num_beams",
    "penalty_alpha", "guidance_scale", "min_length", "min_new_tokens", "bad_words_ids",
    "suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id",
    "exponential_decay_length_penalty", "sequence_bias",
)  # fmt: skip
"""Keys of a `generation_config.json`."""


def choosing(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings of a `generation_config.json` that change which tokens are chosen."""
    return {name: asked[name] for name in CHOOSING if asked.get(name) is not None}
