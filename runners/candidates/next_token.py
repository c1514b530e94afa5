"""Recognise weights that predict no next token, by their header or configuration.

Everything that is scored or generated here goes token by token, left to right. Other files load
and give numbers without a meaning, or end the runtime's process by an assertion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evals.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from runners.candidates.gguf_header import GgufHeader

ADAPTER = "an adapter, not a model: merge it into its base model first (llama-export-lora)"
IMATRIX = "an importance matrix, which is for quantising: name the model's own file"
PROJECTOR = "a projector, which turns pictures or sound into tokens: name the language model's file"
ENCODER = "an encoder, which predicts no next token: measure a decoder (a causal language model)"
ENCODER_DECODER = "an encoder-decoder, which is not measured here: use a decoder-only model"
EMBEDDING = "an embedding model, which predicts no next token: measure the model it was made from"
RERANKER = "a reranker, which predicts no next token: measure the model that it was made from"
DIFFUSION = "a diffusion model, which predicts no next token: measure a causal language model"
CODEC = "a decoder of sound, not a language model: name the language model's file"
DRAFT = "a draft head, which works beside its model only: name the model's own file"
TYPES = {"adapter": ADAPTER, "imatrix": IMATRIX, "mmproj": PROJECTOR}
"""Values of `general.type` that mean no model; a model says "model", or nothing."""
ARCHITECTURES = {
    "t5": ENCODER_DECODER,
    **dict.fromkeys(("t5encoder", "neo-bert", "eurobert", "modern-bert", "bert"), ENCODER),
    **dict.fromkeys(("nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3"), ENCODER),
    **dict.fromkeys(("gemma-embedding", "llama-embed"), EMBEDDING),
    **dict.fromkeys(("dream", "llada", "llada-moe", "rnd1"), DIFFUSION),
    **dict.fromkeys(("eagle3", "dflash"), DRAFT),
    "clip": PROJECTOR,
    "imatrix": IMATRIX,
    "wavtokenizer-dec": CODEC,
}
"""Values of llama.cpp's `general.architecture` that are no causal language model."""
RANK = 4
"""llama.cpp's pooling_type: 0 none, 1 mean, 2 CLS, 3 last, 4 rank."""
HEADS = (
    "ForMaskedLM", "ForPreTraining", "ForSequenceClassification", "ForTokenClassification",
    "ForQuestionAnswering", "ForMultipleChoice", "ForNextSentencePrediction", "EncoderModel",
)  # fmt: skip
"""Endings of names of transformers' classes that predict no next token."""
SENTENCE_TRANSFORMERS = ("modules.json", "config_sentence_transformers.json")


def check_gguf(header: GgufHeader, where: str) -> None:
    """Refuse a GGUF file that is no causal language model.

    Raises:
        ArtifactError: what it is instead, and what to do; or its vocabulary is too large for it.
    """
    what = _of_gguf(header)
    if what:
        raise ArtifactError(f"{where}: is {_named(what, header.architecture)}")
    tokens = header.arrays.get("tokenizer.ggml.tokens", 0)
    rows = next((t.shape[-1] for t in header.tensors if t.name == "token_embd.weight"), tokens)
    if tokens > rows:
        raise ArtifactError(
            f"{where}: its tokenizer has {tokens:,} tokens and its embedding {rows:,} rows: the "
            "files are not of one model, or the weights were not resized; convert it again"
        )


def _of_gguf(header: GgufHeader) -> str | None:
    architecture, said = header.architecture, header.metadata
    kind = TYPES.get(str(said.get("general.type", ""))) or ARCHITECTURES.get(architecture)
    if kind:
        return kind
    wordpiece = said.get("tokenizer.ggml.model") == "bert"
    if wordpiece or said.get(f"{architecture}.attention.causal") is False:
        return ENCODER
    pooling = said.get(f"{architecture}.pooling_type", 0)
    if pooling:
        return RERANKER if pooling == RANK else EMBEDDING
    return None


def check_folder(config: Mapping[str, Any], names: Container[str], where: str) -> None:
    """Refuse a folder of safetensors that is no causal language model.

    Args:
        config: of its `config.json`.
        names: of its files.
        where: how messages call it.

    Raises:
        ArtifactError: what it is instead, and what to do.
    """
    what = _of_config(config)
    if what is None and any(name in names for name in SENTENCE_TRANSFORMERS):
        what = EMBEDDING
    if what:
        raise ArtifactError(f"{where}: is {_named(what, str(config.get('model_type', '')))}")


def _named(what: str, name: str) -> str:
    """`an encoder, which …` and `bert` -> `an encoder (bert), which …`."""
    kind, comma, rest = what.partition(",")
    return f"{kind} ({name}){comma}{rest}" if name else what


def _of_config(config: Mapping[str, Any]) -> str | None:
    if config.get("is_encoder_decoder") is True:
        return ENCODER_DECODER
    classes = config.get("architectures")
    named = [str(name) for name in classes] if isinstance(classes, list) else []
    headless = any(name.endswith(HEADS) for name in named)
    bidirectional = "bert" in str(config.get("model_type", "")) and not config.get("is_decoder")
    return ENCODER if headless or bidirectional else None
