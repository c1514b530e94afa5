"""A GGUF as a candidate of runtime hf: converted once, and kept while nobody touches it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from evals.errors import RuntimeFailure
from evals.fetch.cache import sha256_of
from runners.candidates import converted
from runners.candidates.spec import Candidate
from runners.candidates.weights import resolve
from runners.runtimes.spec import TO_SAFETENSORS

pytestmark = pytest.mark.slow

pytest.importorskip("transformers")

WIDTH, HEADS, FF, TOKENS = 32, 4, 64, 258


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama of one layer with random weights and a byte-level vocabulary."""
    from gguf import GGUFWriter

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FF)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(TOKENS)
    writer.add_file_type(0)
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    words = ["<s>", "</s>", *bytes_to_unicode().values()]
    # "12" is one token where digits stay together, and cannot be where each stands alone.
    words[-1] = "12"
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words)
    writer.add_token_types([3, 3] + [1] * (len(words) - 2))
    writer.add_token_merges(["1 2"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    draw = np.random.default_rng(0)
    shapes = {
        "token_embd": (TOKENS, WIDTH), "output_norm": (WIDTH,), "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,), "blk.0.attn_q": (WIDTH, WIDTH), "blk.0.attn_k": (WIDTH, WIDTH),
        "blk.0.attn_v": (WIDTH, WIDTH), "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (FF, WIDTH), "blk.0.ffn_up": (FF, WIDTH), "blk.0.ffn_down": (WIDTH, FF),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.normal(0, 0.2, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def candidate(gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Candidate:
    monkeypatch.setenv("WEIGHIN_CACHE", str(cache))
    return Candidate(name="tiny-hf", runtime="hf", weights=str(gguf), sha256=sha256_of(gguf))


def test_a_gguf_is_converted_once(candidate: Candidate, gguf: Path) -> None:
    found = resolve(candidate)
    assert found.path is not None
    assert (found.path / "model.safetensors").is_file()
    assert (
        found.made_from
        == f"tiny.gguf (F32), converted by {converted.library_version(TO_SAFETENSORS)}"
    )
    assert (found.sha256, found.verified) == (candidate.sha256, True)
    assert found.quantisation is not None
    assert found.quantisation.name == "F32"
    made = (found.path / "model.safetensors").stat().st_mtime_ns
    again = resolve(candidate, offline=True)
    assert again == found
    assert (found.path / "model.safetensors").stat().st_mtime_ns == made
    assert converted._is_whole(found.path)


def test_the_weights_are_those_of_the_file(candidate: Candidate, gguf: Path) -> None:
    from gguf import GGUFReader
    from safetensors.numpy import load_file

    folder = resolve(candidate).path
    assert folder is not None

    stored = {t.name: np.array(t.data) for t in GGUFReader(gguf).tensors}
    made = load_file(folder / "model.safetensors")
    assert np.array_equal(made["model.embed_tokens.weight"], stored["token_embd.weight"])
    down = made["model.layers.0.mlp.down_proj.weight"]
    assert np.array_equal(down, stored["blk.0.ffn_down.weight"])


def test_digits_stand_apart_where_the_header_says_so(candidate: Candidate) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(resolve(candidate).path)
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("a12")) == ["a", "1", "2"]


def test_a_file_that_cannot_be_converted_is_one_line(gguf: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(gguf.read_bytes().replace(b"llama", b"lxmma"))
    with pytest.raises(RuntimeFailure, match=r"x: transformers cannot convert the GGUF: .*lxmma"):
        converted._run_converter("x", broken, tmp_path / "out", "F16", TO_SAFETENSORS)


def test_one_that_was_touched_would_be_made_again(candidate: Candidate) -> None:
    folder = resolve(candidate).path  # the last of this file: it takes a second to make
    assert folder is not None
    os.utime(folder / "config.json", ns=(0, 0))
    assert not converted._is_whole(folder)
