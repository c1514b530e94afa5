"""Tiny random models of several architectures, saved as people save theirs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runners.worker import protocol

WORDS = (
    "the clerk put apples on scale and wrote down their weight a letter to his aunt flew moon they "
    "were which is metal oak tin answer A B C D one two three four five six seven eight"
)
SPECIAL = ["<s>", "</s>", "<|user|>"]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}B:{% endif %}"
)
SHAPE = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "bos_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 1,
}  # fmt: skip
WINDOW = 5
"""Tokens that a sliding layer sees: shorter than any of the contexts here."""


def tokenizer() -> Any:
    """Byte-level pairs merged from a few words: every text has tokens, digits and emoji too."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator([WORDS] * 4, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE,
        additional_special_tokens=["<|user|>"], clean_up_tokenization_spaces=False,
    )  # fmt: skip


def configuration(name: str, vocabulary: int) -> Any:
    import transformers as t

    shape = {**SHAPE, "vocab_size": vocabulary}
    mixed = ["sliding_attention", "full_attention", "sliding_attention"]
    special = {key: shape[key] for key in ("vocab_size", "bos_token_id", "eos_token_id")}
    makers: dict[str, Callable[[], Any]] = {
        "llama": lambda: t.LlamaConfig(**shape),
        "qwen3": lambda: t.Qwen3Config(**shape, head_dim=8),
        "gemma3": lambda: t.Gemma3TextConfig(
            **shape, head_dim=8, sliding_window=WINDOW, layer_types=mixed
        ),
        "gemma2": lambda: t.Gemma2Config(**shape, head_dim=8, sliding_window=WINDOW),
        "gpt_oss": lambda: t.GptOssConfig(
            **shape, head_dim=8, sliding_window=WINDOW, num_local_experts=4, num_experts_per_tok=2
        ),
        "gpt2": lambda: t.GPT2Config(**special, n_embd=32, n_layer=2, n_head=4, n_positions=128),
        "bloom": lambda: t.BloomConfig(**special, hidden_size=32, n_layer=2, n_head=4),
        "mamba2": lambda: t.Mamba2Config(
            **special, hidden_size=32, num_hidden_layers=2, state_size=4, num_heads=8, head_dim=8,
            n_groups=2, chunk_size=4,
        ),
        "mamba": lambda: t.MambaConfig(
            **special, hidden_size=32, num_hidden_layers=2, state_size=4
        ),
        "lfm2": lambda: t.Lfm2Config(**shape, layer_types=["conv", "full_attention", "conv"]),
    }  # fmt: skip
    return makers[name]()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a random model of an architecture; the same numbers every time."""

    @functools.cache
    def make(name: str) -> Path:
        import torch
        import transformers

        words = tokenizer()
        torch.manual_seed(0)
        network = transformers.AutoModelForCausalLM.from_config(configuration(name, len(words)))
        with torch.no_grad():
            for parameter in network.parameters():
                # As they come, nothing that is far away would change a logit.
                if parameter.dim() > 1:
                    parameter.normal_(0, 0.15)
        folder = tmp_path_factory.mktemp(name)
        network.save_pretrained(folder)
        words.save_pretrained(folder)
        return folder

    return make


LOADING = {
    "context": None, "threads": 1, "dtype": "float32", "device": "cpu", "trust_remote_code": False,
}  # fmt: skip


@pytest.fixture
def loaded(tiny: Callable[[str], Path]) -> Callable[..., Any]:
    """A runtime with a tiny model loaded."""
    from runners.runtimes.hf.runtime import Hf

    def load(name: str, **settings: Any) -> Any:
        runtime = Hf()
        runtime.load(protocol.Load(path=str(tiny(name)), settings={**LOADING, **settings}))
        return runtime

    return load
