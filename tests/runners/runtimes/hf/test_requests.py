"""One request at a time: latency, generation, text out of tokens, chat templates, refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.tasks.templates import TemplateChild
from runners.worker import protocol
from runners.worker.runtime import WorkerError

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("default")  # transformers' own


def loading(path: Path, **settings: Any) -> protocol.Load:
    usual = {
        "context": None, "threads": 1, "dtype": "float32", "device": "cpu",
        "trust_remote_code": False,
    }  # fmt: skip
    return protocol.Load(path=str(path), settings={**usual, **settings})


def prompt(text: str, max_tokens: int, **how: Any) -> protocol.GenerateItem:
    usual = {"until": [], "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}
    return protocol.GenerateItem(prompt=text, max_tokens=max_tokens, **{**usual, **how})


def generate(runtime: Any, *items: protocol.GenerateItem) -> list[protocol.ItemText]:
    return runtime.generate(protocol.Generate(items=list(items)), lambda _: None).items


def greedy(runtime: Any, text: str, new_tokens: int, **how: float) -> str:
    """What transformers' own `generate` says, as HFLM calls it."""
    import torch

    tokenizer, network = runtime.loaded.text.tokenizer, runtime.loaded.model.network
    tokens = torch.tensor([runtime.loaded.text.encode_prompt(text, True)])
    made = network.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=new_tokens, do_sample=False,
        **how,
    )  # fmt: skip
    return tokenizer.decode(made[0, tokens.shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("name", ["llama", "gemma3", "mamba2", "lfm2", "bloom"])
def test_generations_are_those_of_transformers(name: str, loaded: Callable[..., Any]) -> None:
    runtime = loaded(name)
    for text in ("the clerk put 12 apples", "🙂 Müller", "<s>one two"):
        (answer,) = generate(runtime, prompt(text, 12))
        # A random model's bytes make broken characters, which a text may end with.
        assert answer.text.rstrip("\ufffd") == greedy(runtime, text, 12).rstrip("\ufffd")
        assert len(answer.times.token_s) == 12 or answer.stop == "end of sequence"
        assert answer.times.token_s == sorted(answer.times.token_s)
        assert 0 < answer.times.prefill_s <= answer.times.token_s[0]


def test_a_repetition_penalty_is_that_of_transformers(loaded: Callable[..., Any]) -> None:
    runtime, text = loaded("llama"), "the clerk put 12 apples"
    plain = greedy(runtime, text, 24)
    for penalty in (1.3, 0.7):
        theirs = greedy(runtime, text, 24, repetition_penalty=penalty)
        assert theirs != plain
        (answer,) = generate(runtime, prompt(text, 24, repetition_penalty=penalty))
        assert answer.text.rstrip("\ufffd") == theirs.rstrip("\ufffd")


def test_a_context_of_its_own_length_cuts_at_that(loaded: Callable[..., Any]) -> None:
    runtime, item = loaded("llama"), prompt("the clerk put 12 apples " * 6, 4)
    (whole,) = generate(runtime, item)
    try:
        assert runtime.open_context(protocol.OpenContext(tokens=16, items=[])).tokens == 16
        (cut,) = generate(runtime, item)
        assert (cut.truncated, cut.prompt_tokens) == (True, 16 - 4)
        opened = runtime.open_context(protocol.OpenContext(tokens=16, items=[item]))
        assert opened.tokens == (whole.prompt_tokens or 0) + 4
        (same,) = generate(runtime, item)
        assert (same.text, same.truncated) == (whole.text, False)
    finally:
        own = protocol.OpenContext(tokens=1_000_000, items=[])
        assert runtime.open_context(own).tokens == runtime.loaded.length


def test_a_text_ends_at_a_stop_string_within_it(loaded: Callable[..., Any]) -> None:
    runtime = loaded("llama")
    (whole,) = generate(runtime, prompt("the clerk", 30))
    stop = whole.text[4:7]
    (cut,) = generate(runtime, prompt("the clerk", 30, until=[stop]))
    assert cut.text == whole.text.split(stop)[0]
    assert cut.stop == "until"


def test_draws_are_the_seeds(loaded: Callable[..., Any]) -> None:
    runtime = loaded("llama")
    warm = [prompt("the clerk", 12, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (answer.text for answer in generate(runtime, *warm))
    assert first == again != other


def test_a_prompt_is_cut_from_its_left(loaded: Callable[..., Any]) -> None:
    runtime = loaded("llama", context=24)
    (answer,) = generate(runtime, prompt("one two three four " * 20, 4))
    assert (answer.prompt_tokens, answer.truncated) == (20, True)
    with pytest.raises(WorkerError, match="24 new tokens leave no room"):
        generate(runtime, prompt("one", 24))


def test_a_workload_has_a_time_for_each_token(loaded: Callable[..., Any]) -> None:
    runtime = loaded("qwen3")
    asked = protocol.RunLatency(prompt_tokens=32, new_tokens=5, warmups=1, repeats=2)
    told: list[int] = []
    times = runtime.latency(asked, told.append)
    assert (times.evaluated_tokens, told) == (32, [1, 2, 3])
    assert [len(one.token_s) for one in (*times.warmups, *times.repeats)] == [5, 5, 5]
    assert times.first_token_ns > 0
    long = protocol.RunLatency(prompt_tokens=100, new_tokens=29, warmups=0, repeats=1)
    with pytest.raises(WorkerError, match="needs a context of 129 tokens, the candidate's is 128"):
        runtime.latency(long, told.append)


@pytest.mark.parametrize("name", ["llama", "lfm2"])
def test_packed_generations_are_the_same(name: str, loaded: Callable[..., Any]) -> None:
    runtime = loaded(name)
    runtime.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    items = [prompt(f"the clerk put {n}", 8, until=["q"]) for n in ("one", "two")]
    items.append(prompt("the clerk put 12 apples", 8, repetition_penalty=1.3))
    packed = runtime.generate(protocol.Generate(items=items, packed=True), lambda _: None).items
    alone = generate(runtime, *items)
    assert [a.text for a in packed] == [a.text for a in alone]
    assert [a.times for a in packed] == [None] * 3


def test_pieces_make_the_text(loaded: Callable[..., Any]) -> None:
    text = loaded("llama").loaded.text
    for sentence in ("  the clerk 🙂🧑\u200d🌾 wrote, 日本語\n", "é", "", " a  b"):
        tokens = text.encode(f"{sentence}<|user|>", True)
        assert b"".join(text.piece(token) for token in tokens).decode() == sentence
    assert text.text_of(tokens[-1]) == "<|user|>"


def test_pieces_of_a_vocabulary_of_words_and_bytes(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from runners.engine.folder_text import Text
    from runners.runtimes.hf.model import load_tokenizer

    words = ["<unk>", "</s>", "\u2581", "\u2581the", "\u2581a", "s", "<0xC3>", "<0xA9>"]
    made = Tokenizer(
        models.BPE(
            {word: n for n, word in enumerate(words)}, [], unk_token="<unk>", byte_fallback=True
        )
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path)
    text = Text(load_tokenizer(str(tmp_path), trust=False), ends=[], rows=len(words))
    pieces = [text.piece(n) for n in range(len(words))]
    assert pieces == [b"", b"", b" ", b" the", b" a", b"s", b"\xc3", b"\xa9"]
    assert (text.prefix_token, text.ends(1), text.ends(3)) == (1, True, False)


def test_special_tokens_are_added_as_hflm_does(loaded: Callable[..., Any]) -> None:
    text = loaded("llama").loaded.text
    plain = text.encode("the clerk", False)
    assert text.encode("the clerk", True) == [0, *plain]
    assert text.encode("<s>the clerk", True) == [0, *plain]  # no second one
    assert text.encode_prompt("<s>the clerk", True) == [0, *plain]
    assert text.encode_prompt("the clerk", True) == [0, *plain]
    assert text.encode("a \ud83d b", False) == text.encode("a ? b", False)


def test_messages_are_rendered_by_the_folders_template(loaded: Callable[..., Any]) -> None:
    found = loaded("llama").chat_template()
    messages = [{"role": "user", "content": "Hi"}]
    with TemplateChild() as child:
        text, _ = child.chat(
            found.text, messages, add_generation_prompt=True, bos=found.bos, eos=found.eos
        )
    assert text == "<s><|user|>HiB:"


def test_a_loaded_model_says_what_it_is(tiny: Callable[[str], Path]) -> None:
    from runners.runtimes.hf.runtime import Hf

    said = Hf().load(loading(tiny("gemma3"), dtype="bfloat16"))
    assert (said.architecture, said.compute, said.device) == ("gemma3_text", "bfloat16", "cpu")
    assert (said.context, said.trained_context, said.chat_template) == (128, 128, True)
    assert said.weights_bytes == 2 * said.parameters
    assert said.parameters > said.vocabulary * 32  # the tied table counts once, the layers come on


def changed(source: Path, target: Path, **config: Any) -> Path:
    shutil.copytree(source, target)
    content = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**content, **config}))
    return target


def test_the_folders_own_generation_settings_are_told(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from runners.runtimes.hf.runtime import Hf

    folder = changed(tiny("llama"), tmp_path / "settings")
    told = {"do_sample": True, "temperature": 0.6, "repetition_penalty": 1.1, "eos_token_id": 1}
    (folder / "generation_config.json").write_text(json.dumps(told))
    said = Hf().load(loading(folder))
    assert said.recommends == {"temperature": 0.6, "repetition_penalty": 1.1}
    assert Hf().load(loading(tiny("llama"))).recommends == {}


def test_a_folder_that_does_not_fit_is_refused(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    from runners.runtimes.hf.runtime import Hf

    more = changed(tiny("llama"), tmp_path / "more", num_hidden_layers=5)
    with pytest.raises(WorkerError, match="lack 18 tensors of the architecture llama"):
        Hf().load(loading(more))
    unknown = changed(tiny("llama"), tmp_path / "unknown", model_type="nobody")
    with pytest.raises(WorkerError, match=r"transformers cannot load the weights: .*nobody"):
        Hf().load(loading(unknown))
    code = changed(
        tiny("llama"),
        tmp_path / "code",
        model_type="own",
        auto_map={"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Model"},
    )
    (code / "own.py").write_text("raise SystemExit('this code was run')")
    with pytest.raises(WorkerError, match="brings Python code of its own, which is not run"):
        Hf().load(loading(code))
    with pytest.raises(WorkerError, match="the runtime hf needs weights"):
        Hf().load(protocol.Load(path=None, settings={}))


def test_a_device_that_is_not_here_is_refused() -> None:
    import torch

    from runners.runtimes.hf.model import choose_device, choose_dtype

    if torch.backends.mps.is_available():
        pytest.skip("this machine has Apple's device")
    with pytest.raises(WorkerError, match="device mps: torch finds none here"):
        choose_device("mps")
    assert choose_dtype("float16", torch.device("cpu")) == torch.float16
    native = torch.cpu.get_capabilities().get("avx512_bf16", False)
    if native:
        assert choose_dtype("auto", torch.device("cpu")) == torch.bfloat16


@pytest.mark.parametrize("asked", ["latency", "score", "generate"])
def test_a_model_that_computes_nan_is_refused(loaded, asked):
    import torch

    runtime = loaded("llama")  # which was sound; one that is not is refused there
    with torch.no_grad():
        runtime.loaded.model.network.model.norm.weight[0] = torch.nan
    runtime.open_engine(protocol.OpenEngine(memory_bytes=2**24))
    workload = protocol.RunLatency(prompt_tokens=4, new_tokens=2, warmups=0, repeats=1)
    pair = protocol.ScoreItem(contexts=["one"], continuations=[(0, " two"), (0, " three")])
    ask = {
        "latency": lambda: runtime.latency(workload, print),
        "score": lambda: runtime.score([pair], print),
        "generate": lambda: runtime.generate(protocol.Generate(items=[prompt("one", 2)]), print),
    }
    with pytest.raises(WorkerError, match="logits are not numbers"):
        ask[asked]()
