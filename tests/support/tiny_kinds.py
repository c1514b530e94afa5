"""One tiny model for each kind of tokenizer, as a folder of safetensors and as a GGUF file.

The same vocabulary and the same float32 weights go into both, so that lm-eval's `hf` can be asked
what is right. The weights are seeded and random, or such that the model says the words of SAYS
whatever it has read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

from tests.support.tiny_gguf import byte_characters

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEADS, KV_HEADS, HEAD, FEED_FORWARD, LAYERS, CONTEXT = 64, 4, 2, 16, 96, 2, 256
WORDS = (
    " yes", " no", " the", " sky", " is", " blue", " walk", " walking", " weigh", " it", "ing",
    " apple", " apples", " question", " answer", "forty",
)  # fmt: skip
SAYS = (" yes", " it", " is", " blue")
CONTROL, UNKNOWN, USER, BYTE, NORMAL = (
    gguf.TokenType.CONTROL, gguf.TokenType.UNKNOWN, gguf.TokenType.USER_DEFINED,
    gguf.TokenType.BYTE, gguf.TokenType.NORMAL,
)  # fmt: skip
SPACE = "\u2581"
"""How SentencePiece writes a space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A vocabulary, as both formats have it."""

    tokens: list[str]
    types: list[int]
    tokenizer: Any
    """Of the library `tokenizers`, without a post-processor."""
    special: dict[str, str]
    """Of tokenizer_config.json: `bos_token` and the like."""
    header: dict[str, Any]
    """Keys of the GGUF below `tokenizer.ggml.`."""
    says: list[int]
    """The ids of SAYS."""
    before: list[str] = field(default_factory=list)
    """Special tokens that the tokenizer puts before a text."""
    after: list[str] = field(default_factory=list)
    """Those that it puts behind one."""


def byte_level(
    *, bos: str | None, adds_bos: bool = False, adds_eos: bool = False, user: Sequence[str] = (),
    more: Sequence[str] = (),
) -> Kind:  # fmt: skip
    """Byte-level pairs, as of GPT-2; `bos` None: the header and the tokenizer know of none.

    Args:
        user: added tokens that are not special.
        more: special tokens beside the usual three.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    special = ["<s>", "</s>", "<|user|>", *more]
    letter = byte_characters()
    spelled = ["".join(letter[byte] for byte in word.encode()) for word in WORDS]
    pairs = [(word[:end], word[end]) for word in spelled for end in range(1, len(word))]
    merges = list(dict.fromkeys(pairs))
    made = list(dict.fromkeys(a + b for a, b in merges))
    tokens = [*special, *letter.values(), *made, *user]
    number = {token: n for n, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE({t: n for t, n in number.items() if t not in user}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in user])
    return Kind(
        tokens=tokens,
        types=[CONTROL] * len(special)
        + [NORMAL] * (len(tokens) - len(special) - len(user))
        + [USER] * len(user),
        tokenizer=tokenizer,
        special={"eos_token": "</s>"} | ({"bos_token": bos} if bos else {}),
        header={
            "model": "gpt2", "pre": "gpt-2", "merges": [" ".join(pair) for pair in merges],
            "eos_token_id": 1, "add_bos_token": adds_bos, "add_eos_token": adds_eos,
            **({"bos_token_id": number[bos]} if bos else {}),
        },
        says=[number["".join(letter[byte] for byte in word.encode())] for word in SAYS],
        before=[bos] if bos and adds_bos else [],
        after=["</s>"] if adds_eos else [],
    )  # fmt: skip


def sentencepiece(*, prefix: bool, adds_eos: bool = False) -> Kind:
    """SentencePiece's pairs, as of Llama 2 (a prefix space) and Gemma (none)."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    special = ["<unk>", "<s>", "</s>"]
    spelled = [word.replace(" ", SPACE) for word in WORDS]
    made = list(dict.fromkeys(word[:end] for word in spelled for end in range(2, len(word) + 1)))
    tokens = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *made]
    tokens += [SPACE, *map(chr, range(33, 127))]
    number = {token: n for n, token in enumerate(tokens)}
    # As transformers lists them: every way to cut a piece into two, the best piece first.
    cuts = [(piece[:at], piece[at:]) for piece in made for at in range(1, len(piece))]
    merges = [(a, b) for a, b in cuts if a in number and b in number]
    model = models.BPE(number, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    spaces = [normalizers.Replace(" ", SPACE)]
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE), *spaces] if prefix else spaces
    )
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    tokenizer.add_special_tokens(special)
    rest = len(tokens) - 259
    return Kind(
        tokens=tokens,
        types=[UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * rest],
        tokenizer=tokenizer,
        special={"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
        header={
            "model": "llama", "pre": "default", "add_space_prefix": prefix,
            "scores": [0.0] * 259 + [-1.0 - n if n < len(made) else -1e3 - n for n in range(rest)],
            "unknown_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "add_bos_token": True,
            "add_eos_token": adds_eos,
        },
        says=[number[word.replace(" ", SPACE)] for word in SAYS],
        before=["<s>"],
        after=["</s>"] if adds_eos else [],
    )  # fmt: skip


def unigram() -> Kind:
    """SentencePiece's unigram model, as of T5: no BOS, and EOS behind every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    special = ["<pad>", "</s>", "<unk>"]
    words = [word.replace(" ", SPACE) for word in WORDS]
    tokens = [*special, *words, SPACE, *map(chr, range(33, 127))]
    # No two sums are equal; a word is likelier than its letters.
    scores = [0.0] * 3 + [-2 - 0.01 * n if n < len(words) else -8 - 0.013 * n
                          for n in range(len(tokens) - 3)]  # fmt: skip
    tokenizer = Tokenizer(models.Unigram(list(zip(tokens, scores, strict=True)), unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(special)
    return Kind(
        tokens=tokens,
        types=[CONTROL, CONTROL, UNKNOWN, *[NORMAL] * (len(tokens) - 3)],
        tokenizer=tokenizer,
        special={"unk_token": "<unk>", "pad_token": "<pad>", "eos_token": "</s>"},
        header={
            "model": "t5", "pre": "default", "add_space_prefix": True, "scores": scores,
            "remove_extra_whitespaces": False, "eos_token_id": 1, "unknown_token_id": 2,
        },
        says=[tokens.index(word.replace(" ", SPACE)) for word in SAYS],
        after=["</s>"],
    )  # fmt: skip


def rwkv() -> Kind:
    """The longest token that fits, from left to right, over bytes; one special token is both."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letter = byte_characters()
    raw = [*(bytes([byte]) for byte in range(256)), *(word.encode() for word in WORDS)]
    spelled = ["<s>", *("".join(letter[byte] for byte in piece) for piece in raw)]
    number = {token: n for n, token in enumerate(spelled)}
    # WordPiece without a mark for what goes on is just that.
    tokenizer = Tokenizer(
        models.WordPiece(
            number, unk_token="<s>", continuing_subword_prefix="", max_input_chars_per_word=10**6
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>"])
    return Kind(
        tokens=["<s>", *(repr(piece)[2:-1] for piece in raw)],
        types=[CONTROL, *[NORMAL] * len(raw)],
        tokenizer=tokenizer,
        special={"bos_token": "<s>", "eos_token": "<s>"},
        header={"model": "rwkv", "pre": "default", "bos_token_id": 0, "eos_token_id": 0},
        says=[1 + raw.index(word.encode()) for word in SAYS],
    )


KINDS: dict[str, Callable[[], Kind]] = {
    "byte-level BPE, BOS added": lambda: byte_level(bos="<s>", adds_bos=True),
    "byte-level BPE, BOS not added": lambda: byte_level(bos="<s>"),
    "byte-level BPE, BOS is EOS": lambda: byte_level(bos="</s>"),
    "byte-level BPE, no BOS": lambda: byte_level(bos=None),
    "byte-level BPE, EOS appended": lambda: byte_level(bos=None, adds_eos=True),
    "byte-level BPE, added tokens": lambda: byte_level(
        bos="<s>", adds_bos=True, user=["<tool>", "<think>"]
    ),
    "SentencePiece BPE, prefix space": lambda: sentencepiece(prefix=True),
    "SentencePiece BPE, no prefix space": lambda: sentencepiece(prefix=False),
    "SentencePiece BPE, EOS appended": lambda: sentencepiece(prefix=True, adds_eos=True),
    "SentencePiece unigram, EOS appended": unigram,
    "RWKV": rwkv,
}


def write(kind: Kind, folder: Path, *, says: bool = False) -> tuple[Path, Path, Path]:
    """Write a model three times.

    Args:
        says: the model says SAYS and ends, in place of random weights.

    Returns:
        The folder for the runtime `hf`; that for lm-eval, whose tokenizer appends nothing; and the
        GGUF file.
    """
    weights = _saying(kind) if says else _random(len(kind.tokens))
    for name, after in (("hf", kind.after), ("reference", [])):
        _write_folder(folder / name, kind, weights, after)
    _write_gguf(folder / "tiny.gguf", kind, weights)
    return folder / "hf", folder / "reference", folder / "tiny.gguf"


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """transformers' names of a llama, with the shapes of its matrices."""
    found: dict[str, tuple[int, ...]] = {
        "model.embed_tokens": (vocabulary, WIDTH), "lm_head": (vocabulary, WIDTH),
        "model.norm": (WIDTH,),
    }  # fmt: skip
    for layer in range(LAYERS):
        block = f"model.layers.{layer}"
        found |= {
            f"{block}.input_layernorm": (WIDTH,),
            f"{block}.post_attention_layernorm": (WIDTH,),
            f"{block}.self_attn.q_proj": (HEADS * HEAD, WIDTH),
            f"{block}.self_attn.k_proj": (KV_HEADS * HEAD, WIDTH),
            f"{block}.self_attn.v_proj": (KV_HEADS * HEAD, WIDTH),
            f"{block}.self_attn.o_proj": (WIDTH, HEADS * HEAD),
            f"{block}.mlp.gate_proj": (FEED_FORWARD, WIDTH),
            f"{block}.mlp.up_proj": (FEED_FORWARD, WIDTH),
            f"{block}.mlp.down_proj": (WIDTH, FEED_FORWARD),
        }
    return found


def _random(vocabulary: int) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    weights = {}
    for name, shape in _shapes(vocabulary).items():
        scale = 1.5 / np.sqrt(shape[-1])
        values = generator.normal(scale=scale, size=shape) if len(shape) > 1 else np.ones(shape)
        weights[name] = values.astype(np.float32)
    return weights


def _saying(kind: Kind) -> dict[str, NDArray[np.float32]]:
    """Each word of SAYS predicts the next one and the last one EOS; all else predicts the first.

    The layers add nothing. A token is (1, a direction of its own): the first word's row of the
    output is (0.7, 0), that of the word after a token (0, the token's direction).
    """
    weights = {
        name: np.ones_like(values) if values.ndim == 1 else np.zeros_like(values)
        for name, values in _random(len(kind.tokens)).items()
    }
    directions = np.random.default_rng(1).normal(size=(len(kind.tokens), WIDTH - 1))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    weights["model.embed_tokens"][:, 0] = 1
    weights["model.embed_tokens"][:, 1:] = directions
    end = kind.tokens.index(kind.special["eos_token"])
    weights["lm_head"][kind.says[0], 0] = 0.7
    for token, after in zip(kind.says, [*kind.says[1:], end], strict=True):
        weights["lm_head"][after, 1:] = directions[token]
    return weights


def _write_folder(
    folder: Path, kind: Kind, weights: dict[str, NDArray[np.float32]], after: Sequence[str]
) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    save_file({f"{name}.weight": values for name, values in weights.items()},
              folder / "model.safetensors", {"format": "pt"})  # fmt: skip
    ids = {f"{key}_id": kind.tokens.index(token) for key, token in kind.special.items()}
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32",
        "vocab_size": len(kind.tokens), "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD,
        "intermediate_size": FEED_FORWARD, "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "bos_token_id": None, **ids,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    write_tokenizer(folder, kind, after)


def write_tokenizer(folder: Path, kind: Kind, after: Sequence[str]) -> None:
    """A folder's tokenizer, which puts the tokens `after` behind each text."""
    from tokenizers import Tokenizer, processors

    tokenizer = Tokenizer.from_str(kind.tokenizer.to_str())
    around = [*kind.before, *after]
    if around:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=" ".join([*kind.before, "$A", *after]),
            special_tokens=[(token, kind.tokens.index(token)) for token in around],
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": CONTEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, **kind.special}))


GGUF_NAMES = {
    "model.embed_tokens": "token_embd", "lm_head": "output", "model.norm": "output_norm",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip


def _write_gguf(path: Path, kind: Kind, weights: dict[str, NDArray[np.float32]]) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    add_vocabulary(writer, kind)
    for name, values in weights.items():
        block, _, part = name.removeprefix("model.layers.").partition(".")
        target = GGUF_NAMES.get(name) or f"blk.{block}.{GGUF_NAMES[part]}"
        if part in ("self_attn.q_proj", "self_attn.k_proj"):
            # llama.cpp turns neighbouring numbers of a head, transformers those half a head apart.
            halves = values.reshape(-1, 2, HEAD // 2, WIDTH)
            values = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)
        writer.add_tensor(f"{target}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer: gguf.GGUFWriter, kind: Kind) -> None:
    """The tokenizer's part of a GGUF header."""
    writer.add_token_list(kind.tokens)
    writer.add_token_types(kind.types)
    add_keys(writer, "tokenizer.ggml.", kind.header)


def add_keys(writer: gguf.GGUFWriter, before: str, values: Mapping[str, Any]) -> None:
    """Keys of a GGUF header, by the type of their values."""
    put = {
        bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
        str: writer.add_string,
    }  # fmt: skip
    for key, value in values.items():
        put.get(type(value), writer.add_array)(f"{before}{key}", value)
