"""What a model does otherwise than in a plain forward pass is found when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.worker import protocol
from runners.worker.runtime import WorkerError

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # transformers' own

LOADING = {
    "context": None, "threads": 1, "dtype": "float32", "device": "cpu", "trust_remote_code": False,
}  # fmt: skip
GOOD = ("llama", "qwen3", "gemma3", "gemma2", "gpt_oss", "gpt2", "mamba2", "lfm2", "bloom")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", GOOD)
def test_a_sound_model_is_found_sound(name: str, dtype: str, tiny: Callable[[str], Path]) -> None:
    from runners.runtimes.hf.runtime import Hf

    asked = protocol.Load(path=str(tiny(name)), settings={**LOADING, "dtype": dtype})
    said = Hf().load(asked)
    assert (said.packs, said.caches) == (True, True)
    assert said.checked_s > 0


def test_a_model_that_goes_on_wrongly_over_several_tokens_packs_nothing(
    tiny: Callable[[str], Path],
) -> None:
    from runners.runtimes.hf.runtime import Hf

    # In 16 bits so small a model's fault is as small as rounding.
    said = Hf().load(protocol.Load(path=str(tiny("mamba")), settings=LOADING))
    assert (said.packs, said.caches) == (False, True)  # one by one it goes on rightly


def saved(tmp_path: Path, kind: type, tiny: Callable[[str], Path]) -> Path:
    """A folder of the tiny Llama's weights that `kind` says how to evaluate.

    Registered instead of shipped as code in the folder, which transformers would copy to the home.
    """
    import json
    import shutil

    import transformers

    name = kind.__name__.lower()

    class Own(transformers.LlamaConfig):
        model_type = name

    transformers.AutoConfig.register(name, Own, exist_ok=True)
    kind.config_class = Own  # type: ignore[attr-defined]
    transformers.AutoModelForCausalLM.register(Own, kind, exist_ok=True)
    folder = tmp_path / name
    shutil.copytree(tiny("llama"), folder)
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "model_type": name}))
    return folder


def test_a_cache_that_is_not_read_is_done_without(
    tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    import torch
    import transformers

    from runners.runtimes.hf.runtime import Hf

    class Forgetful(transformers.LlamaForCausalLM):
        """What an argument that was renamed does: it ends among the others, unread."""

        def forward(self, input_ids: Any = None, use_cache: Any = None, **_: Any) -> Any:
            return super().forward(input_ids=input_ids, use_cache=use_cache)

    folder, runtime = str(saved(tmp_path, Forgetful, tiny)), Hf()
    for dtype in ("bfloat16", "float32"):
        asked = protocol.Load(path=folder, settings={**LOADING, "dtype": dtype})
        said = runtime.load(asked)
        assert (said.packs, said.caches) == (False, False)
    item = protocol.GenerateItem(
        prompt="the clerk put", until=[], max_tokens=6, temperature=0.0, top_k=0, top_p=1.0, seed=0
    )
    (answer,) = runtime.generate(protocol.Generate(items=[item]), lambda _: None).items
    tokens = runtime.loaded.text.encode_prompt("the clerk put", True)
    network, start = runtime.loaded.model.network, len(tokens)
    for _ in range(6):  # greedy, and all of it again for each token
        with torch.inference_mode():
            tokens.append(int(network(torch.tensor([tokens])).logits[0, -1].argmax()))
    pieces = b"".join(runtime.loaded.text.piece(token) for token in tokens[start:])
    # A random model's bytes make broken characters, which a text may end with.
    expected = pieces.decode("utf-8", "replace")
    assert answer.text.rstrip("\ufffd") == expected.rstrip("\ufffd")
    opened = runtime.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    assert opened.path == "every sequence anew"


def test_a_model_that_sees_what_comes_is_refused(tmp_path: Path) -> None:
    import torch
    import transformers

    from runners.runtimes.hf.runtime import Hf
    from tests.runners.runtimes.hf.conftest import tokenizer

    words = tokenizer()
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.BertConfig(
        **shape, intermediate_size=48, vocab_size=len(words), max_position_embeddings=64
    )
    network = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.15)
    network.save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    for dtype in ("float32", "bfloat16"):
        asked = protocol.Load(path=str(tmp_path), settings={**LOADING, "dtype": dtype})
        with pytest.raises(WorkerError, match="bert sees the tokens that come after one: it is an"):
            Hf().load(asked)


def test_weights_that_compute_nan_are_refused(tmp_path: Path, tiny: Callable[[str], Path]) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    from runners.runtimes.hf.runtime import Hf

    folder = tmp_path / "nan"
    shutil.copytree(tiny("llama"), folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = np.full_like(tensors["model.norm.weight"], np.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WorkerError, match="logits are not numbers"):
        Hf().load(protocol.Load(path=str(folder), settings=LOADING))


def test_a_model_that_does_not_fit_is_no_bug(
    loaded: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    model = loaded("llama").loaded.model

    def full(**_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(model, "network", full)
    with pytest.raises(WorkerError, match=r"^out of memory on cpu: CUDA out of memory\. Tried"):
        model.forward([1], None, None, [0], keep=False)
