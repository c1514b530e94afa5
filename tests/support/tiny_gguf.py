"""Tiny random models of several architectures, as GGUF files that llama.cpp loads.

The weights are float32 and seeded, so that what is left between two ways to compute a score is the
order of float32 additions. Names and shapes of tensors are those that llama.cpp's `src/models/`
asks for; a shape here is NumPy's, the reverse of ggml's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEADS, KV_HEADS, HEAD = 64, 4, 2, 16
FEED_FORWARD, EXPERTS, EXPERTS_USED = 96, 4, 2
SSM_STATE, SSM_CONV, SSM_RANK = 16, 4, 4
WINDOW = 16
"""Tokens that a sliding-window layer sees; the prompts of the tests are longer."""
TRAINED_CONTEXT = 4096
SPECIAL = ("<s>", "</s>", "<|user|>")
BOS, EOS = 0, 1
WORDS = (
    " the", " answer", " question", " which", " apple", " apples", " scale", " forty", "forty",
    " one", " two", " three", " four", " five", " choice", " number", " weigh", " weighed",
    "-two", " because", " clerk", " thanked", "ation", "ing",
)  # fmt: skip
"""Each is one token, and so are its beginnings: " for" and "ty" are other tokens than " forty"."""


class Tiny:
    """A file in the making: a header, and tensors drawn from one seeded generator."""

    def __init__(
        self,
        path: Path,
        architecture: str,
        *,
        layers: int,
        seed: int,
        spoilt: float = 0.0,
        part: int = 0,
    ) -> None:
        self.writer = gguf.GGUFWriter(path, architecture, split_max_tensors=part)
        self.layers = layers
        self._generator = np.random.default_rng(seed)
        self._spoilt = spoilt
        self.writer.add_context_length(TRAINED_CONTEXT)
        self.writer.add_embedding_length(WIDTH)
        self.writer.add_block_count(layers)
        self.writer.add_layer_norm_rms_eps(1e-5)

    def tensor(self, name: str, values: NDArray[np.floating]) -> None:
        self.writer.add_tensor(name, np.ascontiguousarray(values, dtype=np.float32))

    def matrix(self, name: str, *shape: int, gain: float = 1.0) -> None:
        """Normal, scaled so that an input of unit size gives an output of size `gain`."""
        deviation = gain / np.sqrt(shape[-1])
        self.tensor(f"{name}.weight", self._generator.normal(scale=deviation, size=shape))

    def norm(self, name: str, size: int = WIDTH) -> None:
        values = 1 + self._generator.normal(scale=0.1, size=size)
        values[0] += self._spoilt
        self.tensor(f"{name}.weight", values)

    def vector(self, name: str, *shape: int, scale: float = 0.1) -> None:
        self.tensor(name, self._generator.normal(scale=scale, size=shape))

    def attention(self, layer: int) -> None:
        block = f"blk.{layer}"
        self.norm(f"{block}.attn_norm")
        # A gain above 1 makes the softmax choose: a lost neighbour changes the outcome.
        self.matrix(f"{block}.attn_q", HEADS * HEAD, WIDTH, gain=1.5)
        self.matrix(f"{block}.attn_k", KV_HEADS * HEAD, WIDTH, gain=1.5)
        self.matrix(f"{block}.attn_v", KV_HEADS * HEAD, WIDTH, gain=1.5)
        self.matrix(f"{block}.attn_output", WIDTH, HEADS * HEAD, gain=1.5)

    def feed_forward(self, layer: int) -> None:
        block = f"blk.{layer}"
        self.norm(f"{block}.ffn_norm")
        self.matrix(f"{block}.ffn_gate", FEED_FORWARD, WIDTH)
        self.matrix(f"{block}.ffn_up", FEED_FORWARD, WIDTH)
        self.matrix(f"{block}.ffn_down", WIDTH, FEED_FORWARD)

    def head_counts(self, kv_heads: int | list[int] = KV_HEADS) -> None:
        self.writer.add_head_count(HEADS)
        self.writer.add_head_count_kv(kv_heads)
        self.writer.add_key_length(HEAD)
        self.writer.add_value_length(HEAD)
        self.writer.add_rope_dimension_count(HEAD)
        self.writer.add_feed_forward_length(FEED_FORWARD)


def write(
    path: Path,
    architecture: str,
    *,
    seed: int = 0,
    spoilt: float = 0.0,
    part: int = 0,
    template: str = "",
) -> Path:
    """Write one model of about a third of a megabyte; the same seed gives the same file.

    `spoilt` is added to one weight of each norm: NaN makes a model that computes NaN. `part`:
    several files with so many tensors each, named after the path. `template`: of its chat.
    """
    layers, fill = ARCHITECTURES[architecture]
    tiny = Tiny(path, architecture, layers=layers, seed=seed, spoilt=spoilt, part=part)
    _tokenizer(tiny.writer, adds_bos=architecture not in NO_BOS)
    if template:
        tiny.writer.add_chat_template(template)
    size = len(vocabulary())
    tiny.matrix("token_embd", size, WIDTH, gain=2.5)
    if architecture in OWN_OUTPUT:
        tiny.matrix("output", size, WIDTH, gain=2.5)
    fill(tiny)
    tiny.norm("token_embd_norm" if architecture == "lfm2" else "output_norm")
    tiny.writer.write_header_to_file()
    tiny.writer.write_kv_data_to_file()
    tiny.writer.write_tensors_to_file()
    tiny.writer.close()
    return path


def _llama(tiny: Tiny) -> None:
    tiny.head_counts()
    for layer in range(tiny.layers):
        tiny.attention(layer)
        tiny.feed_forward(layer)


def _minicpm(tiny: Tiny) -> None:
    tiny.writer.add_embedding_scale(3.0)
    tiny.writer.add_residual_scale(0.8)
    tiny.writer.add_logit_scale(0.7)
    _llama(tiny)


def _gemma3(tiny: Tiny) -> None:
    tiny.head_counts()
    tiny.writer.add_sliding_window(WINDOW)
    tiny.writer.add_sliding_window_pattern([True, True, False])
    tiny.writer.add_rope_freq_base(1e6)
    for layer in range(tiny.layers):
        tiny.attention(layer)
        tiny.norm(f"blk.{layer}.attn_q_norm", HEAD)
        tiny.norm(f"blk.{layer}.attn_k_norm", HEAD)
        tiny.norm(f"blk.{layer}.post_attention_norm")
        tiny.feed_forward(layer)
        tiny.norm(f"blk.{layer}.post_ffw_norm")


def _gpt_oss(tiny: Tiny) -> None:
    """Attention sinks, alternating sliding windows, and a mixture of experts with biases."""
    tiny.head_counts()
    tiny.writer.add_sliding_window(WINDOW)
    tiny.writer.add_expert_count(EXPERTS)
    tiny.writer.add_expert_used_count(EXPERTS_USED)
    tiny.writer.add_expert_feed_forward_length(FEED_FORWARD)
    for layer in range(tiny.layers):
        block = f"blk.{layer}"
        tiny.attention(layer)
        tiny.vector(f"{block}.attn_output.bias", WIDTH)
        tiny.vector(f"{block}.attn_sinks.weight", HEADS, scale=1.0)
        tiny.norm(f"{block}.post_attention_norm")
        tiny.matrix(f"{block}.ffn_gate_inp", EXPERTS, WIDTH, gain=2.0)
        tiny.vector(f"{block}.ffn_gate_inp.bias", EXPERTS)
        for name in ("ffn_gate_exps", "ffn_up_exps"):
            tiny.matrix(f"{block}.{name}", EXPERTS, FEED_FORWARD, WIDTH)
            tiny.vector(f"{block}.{name}.bias", EXPERTS, FEED_FORWARD)
        tiny.matrix(f"{block}.ffn_down_exps", EXPERTS, WIDTH, FEED_FORWARD)
        tiny.vector(f"{block}.ffn_down_exps.bias", EXPERTS, WIDTH)


def _mamba(tiny: Tiny) -> None:
    inner = 2 * WIDTH  # the only expansion that llama.cpp knows
    tiny.writer.add_ssm_conv_kernel(SSM_CONV)
    tiny.writer.add_ssm_inner_size(inner)
    tiny.writer.add_ssm_state_size(SSM_STATE)
    tiny.writer.add_ssm_time_step_rank(SSM_RANK)
    # Small rates: what was read long ago still counts.
    rates = -np.arange(1, SSM_STATE + 1, dtype=np.float32) / 256
    for layer in range(tiny.layers):
        block = f"blk.{layer}"
        tiny.norm(f"{block}.attn_norm")
        tiny.matrix(f"{block}.ssm_in", 2 * inner, WIDTH, gain=2.0)
        tiny.matrix(f"{block}.ssm_conv1d", inner, SSM_CONV)
        tiny.vector(f"{block}.ssm_conv1d.bias", inner)
        tiny.matrix(f"{block}.ssm_x", SSM_RANK + 2 * SSM_STATE, inner)
        tiny.matrix(f"{block}.ssm_dt", inner, SSM_RANK)
        tiny.vector(f"{block}.ssm_dt.bias", inner)
        tiny.tensor(f"{block}.ssm_a", np.tile(rates, (inner, 1)))
        tiny.vector(f"{block}.ssm_d", inner, scale=1.0)
        tiny.matrix(f"{block}.ssm_out", WIDTH, inner)


def _lfm2(tiny: Tiny) -> None:
    """Short convolutions (a recurrent state) and attention by turns: a layer of 0 heads is one."""
    kv_heads = [0, KV_HEADS, 0, KV_HEADS]
    tiny.head_counts(kv_heads)
    tiny.writer.add_shortconv_l_cache(SSM_CONV)
    for layer, heads in enumerate(kv_heads):
        block = f"blk.{layer}"
        if heads:
            tiny.attention(layer)
            tiny.norm(f"{block}.attn_q_norm", HEAD)
            tiny.norm(f"{block}.attn_k_norm", HEAD)
        else:
            tiny.norm(f"{block}.attn_norm")
            tiny.matrix(f"{block}.shortconv.conv", WIDTH, SSM_CONV, gain=1.5)
            tiny.matrix(f"{block}.shortconv.in_proj", 3 * WIDTH, WIDTH)
            tiny.matrix(f"{block}.shortconv.out_proj", WIDTH, WIDTH)
        tiny.feed_forward(layer)


ARCHITECTURES: dict[str, tuple[int, Callable[[Tiny], None]]] = {
    "llama": (2, _llama),
    "minicpm": (2, _minicpm),
    "gemma3": (3, _gemma3),
    "gpt-oss": (2, _gpt_oss),
    "mamba": (2, _mamba),
    "lfm2": (4, _lfm2),
}
"""Name in the header -> number of layers, and what fills them."""
NO_BOS = ("gpt-oss", "mamba")
"""Their tokenisers add no BOS of their own."""
OWN_OUTPUT = ("gemma3", "gpt-oss", "minicpm")
"""Where embeddings are scaled up, tied ones would predict each token to be the next one, too."""


def vocabulary() -> list[str]:
    """Special tokens, the 256 bytes, then every beginning of the words, in the order of merges."""
    return [*SPECIAL, *_BYTES.values(), *dict.fromkeys(a + b for a, b in _merges())]


def _merges() -> list[tuple[str, str]]:
    """Left to right through each word, as pairs of tokens in GPT-2's alphabet."""
    spelled = ["".join(_BYTES[byte] for byte in word.encode()) for word in WORDS]
    pairs = [(word[:end], word[end]) for word in spelled for end in range(1, len(word))]
    return list(dict.fromkeys(pairs))


def byte_characters() -> dict[int, str]:
    """GPT-2's: a printable character for each byte; those without one of their own follow 255."""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(256) if byte not in printable)
    moved = {byte: chr(256 + place) for place, byte in enumerate(others)}
    return {byte: moved.get(byte, chr(byte)) for byte in range(256)}


_BYTES = byte_characters()


def _tokenizer(writer: gguf.GGUFWriter, *, adds_bos: bool) -> None:
    tokens = vocabulary()
    kinds = [gguf.TokenType.NORMAL] * len(tokens)
    kinds[: len(SPECIAL)] = [gguf.TokenType.CONTROL] * len(SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in _merges()])
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_add_bos_token(adds_bos)
