"""Files that load and predict no next token, told by their header or configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evals.errors import ArtifactError
from runners.candidates.gguf_header import GgufHeader, TensorInfo
from runners.candidates.next_token import check_folder, check_gguf


def header(architecture: str = "llama", *, tokens: int = 8, **said: Any) -> GgufHeader:
    """A llama's, unless told otherwise: an embedding of 8 rows."""
    embedding = TensorInfo(
        name="token_embd.weight", shape=(4, 8), type_name="F32", elements=32, bytes=128
    )
    return GgufHeader(
        version=3, architecture=architecture, name="", metadata=said,
        arrays={"tokenizer.ggml.tokens": tokens}, tensors=(embedding,), parameters=32, bytes=1024,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (header("bert"), r"is an encoder \(bert\), which predicts no next token"),
        (header("nomic-bert-moe"), "is an encoder"),
        (header(**{"llama.attention.causal": False}), r"is an encoder \(llama\)"),
        (header(**{"tokenizer.ggml.model": "bert"}), "is an encoder"),
        (header("t5"), r"is an encoder-decoder \(t5\), which is not measured here"),
        (header("t5encoder"), r"is an encoder \(t5encoder\)"),
        (header(**{"general.type": "adapter"}), r"is an adapter \(llama\), .*: merge it into its"),
        (header("", **{"general.type": "imatrix"}), "is an importance matrix, which is for quant"),
        (header("clip"), "is a projector"),
        (header("clip", **{"general.type": "mmproj"}), "is a projector"),
        (header("qwen3", **{"qwen3.pooling_type": 3}), r"is an embedding model \(qwen3\)"),
        (header("qwen3", **{"qwen3.pooling_type": 4}), "is a reranker"),
        (header("gemma-embedding"), "is an embedding model"),
        (header("llada"), "is a diffusion model"),
        (header("wavtokenizer-dec"), "is a decoder of sound"),
        (header("eagle3"), "is a draft head"),
        (header(tokens=9), "its tokenizer has 9 tokens and its embedding 8 rows: the files are"),
    ],
)
def test_a_gguf_that_is_no_language_model_is_refused(found: GgufHeader, what: str) -> None:
    with pytest.raises(ArtifactError, match=f"^m.gguf: {what}"):
        check_gguf(found, "m.gguf")


@pytest.mark.parametrize(
    "found",
    [
        header(),
        header(**{"general.type": "model", "llama.attention.causal": True}),
        header("qwen3", **{"qwen3.pooling_type": 0}),
        header(tokens=7),
        replace(header(), tensors=()),
    ],
)
def test_a_language_model_is_let_through(found: GgufHeader) -> None:
    check_gguf(found, "m.gguf")


@pytest.mark.parametrize(
    ("config", "names", "what"),
    [
        ({"model_type": "t5", "is_encoder_decoder": True}, [], r"an encoder-decoder \(t5\)"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, [], r"an encoder \(bert\)"),
        ({"model_type": "xlm-roberta", "architectures": ["XLMRobertaModel"]}, [], "an encoder"),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}, [],
         r"an encoder \(llama\)"),
        ({"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}, ["modules.json"],
         r"an embedding model \(qwen3\), which predicts no next token"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_language_model_is_refused(
    config: dict[str, Any], names: list[str], what: str
) -> None:
    with pytest.raises(ArtifactError, match=f"^folder: is {what}"):
        check_folder(config, names, "folder")


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
        {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]},
        {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]},
        {"model_type": "bert", "architectures": ["BertLMHeadModel"], "is_decoder": True},
        {"model_type": "mamba"},
        {},
    ],
)
def test_a_folder_of_a_language_model_is_let_through(config: dict[str, Any]) -> None:
    check_folder(config, ["model.safetensors"], "folder")
