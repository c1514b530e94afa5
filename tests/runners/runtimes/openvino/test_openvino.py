"""OpenVINO against plain scoring by transformers, on what its own reader made of a GGUF."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("openvino_genai")

from evals.errors import ArtifactError
from evals.fetch.cache import sha256_of
from runners.candidates.catalogue import find_candidate
from runners.candidates.ir_folder import read_ir_folder
from runners.candidates.spec import Candidate
from runners.candidates.weights import resolve
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.hf.convert import convert as to_safetensors
from runners.runtimes.hf.runtime import Hf
from runners.runtimes.openvino.convert import convert
from runners.runtimes.openvino.runtime import OpenVino
from runners.runtimes.openvino.text import Text
from runners.runtimes.packages import installed
from runners.worker import protocol
from runners.worker.runtime import WorkerError
from tests.support import tiny_families
from tests.support.requantised import requantised
from tests.support.tiny_questions import (
    HF,
    ITEMS,
    LENGTH,
    agrees_with_plain_scoring,
    asked,
    nats,
    opened,
    quiet,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # transformers' own
TOLERANCE = 2e-4  # nats a continuation, in float32; 2e-5 was seen
USUAL = {
    "context": LENGTH, "threads": 1, "dtype": "auto", "kv_cache_precision": "auto",
    "dynamic_quantization": True,
}  # fmt: skip
EXACT = {**USUAL, "dtype": "float32", "kv_cache_precision": "f32", "dynamic_quantization": False}
HARNESS = {"lm_eval", "datasets", "pydantic", "pandas", "scipy", "torch", "transformers"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A tiny model of random numbers, with matrices of a type."""
    folder = tmp_path_factory.mktemp("gguf")
    _, made = tiny_families.write("llama", folder)

    def file(kind: str, pre: str = "smollm") -> Path:
        target = folder / f"{kind}-{pre}.gguf"
        return target if target.exists() else requantised(made, target, kind, pre=pre)

    return file


@pytest.fixture(scope="module")
def folder(files: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target: Path = tmp_path_factory.mktemp("converted") / "q8_0"
    convert(files("Q8_0"), target)
    return target


@pytest.fixture(scope="module")
def exact(folder: Path) -> OpenVino:
    """The model of `folder`, computed as exactly as it can be."""
    runtime: OpenVino = opened(OpenVino(), folder, EXACT)
    return runtime


# F16 is kept with its rotary frequencies and norms as the file has them, which openvino-genai
# rounds: 4e-3 apart after twelve tokens.
@pytest.mark.parametrize("kind", ["F16", "Q4_0"])
def test_it_scores_and_writes_as_transformers_does(
    kind: str, files: Callable[..., Path], tmp_path: Path
) -> None:
    file = files(kind)
    convert(file, tmp_path / "ir")
    to_safetensors(file, tmp_path / "hf", "float32")
    openvino = opened(OpenVino(), tmp_path / "ir", EXACT)
    agrees_with_plain_scoring(openvino, opened(Hf(), tmp_path / "hf", HF), TOLERANCE)
    said = openvino.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    assert said.path == "prefix tree, a cache a sequence"


def test_text_is_cut_as_transformers_cuts_it(
    exact: Any, files: Callable[..., Path], tmp_path: Path
) -> None:
    to_safetensors(files("Q8_0"), tmp_path, "float32")
    ours, theirs = exact.loaded.text, opened(Hf(), tmp_path, HF).loaded.text
    whole = "the apple weighs  12,345 grams.\n\n Der Müller: „Grüß Gott!“ 🙂 <|user|> 1.5e-3\t\tx  "
    for text in (whole, "", " ", "<s>the sky", "the</s>", "don't we're I'LL", "\ud83d"):
        for special in (True, False):
            assert ours.encode(text, special) == theirs.encode(text, special)
    tokens = ours.encode(whole, True)
    assert [ours.piece(token) for token in tokens] == [theirs.piece(token) for token in tokens]
    assert [ours.text_of(n) for n in (0, 1, 2)] == ["<s>", "</s>", "<|user|>"]
    assert (ours.prefix_token, ours.ends(1), ours.ends(5)) == (0, True, False)
    assert ours.decode(tokens) == theirs.decode(tokens)


def test_a_text_is_never_cut_without_a_word(exact: Any, folder: Path, tmp_path: Path) -> None:
    assert len(exact.loaded.text.encode("x " * 5000, False)) == 10_000  # 8,192 by itself
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    numbers = cut / "openvino_tokenizer.bin"
    most = (2**31 - 1).to_bytes(4, "little")
    assert numbers.read_bytes().count(most) >= 1
    numbers.write_bytes(numbers.read_bytes().replace(most, (2000).to_bytes(4, "little")))
    text = Text(str(cut), ends=[])
    assert len(text.encode("x " * 990, False)) == 1980
    with pytest.raises(
        WorkerError, match="gives 2,000 tokens at most and drops the rest: a text of"
    ):
        text.encode("x " * 5000, False)


def test_as_it_comes_it_rounds_and_says_so(exact: OpenVino, folder: Path) -> None:
    usual = OpenVino()
    said = usual.load(protocol.Load(path=str(folder), settings=USUAL))
    assert usual.loaded is not None
    assert usual.loaded.model.kv_precision == "u8"
    assert not usual.loaded.model.exact
    assert (said.packs, said.caches, said.threads, said.device) == (True, True, 1, "cpu")
    assert (said.architecture, said.trained_context, said.context) == ("llama", 256, LENGTH)
    usual.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    found, expected = (nats(one.score(ITEMS, quiet).items) for one in (usual, exact))
    assert found == pytest.approx(expected, rel=0.1)
    assert found != pytest.approx(expected, abs=1e-4)


def test_stop_strings_and_times_are_those_of_the_engine(exact: OpenVino) -> None:
    (whole,) = exact.generate(protocol.Generate(items=[asked("the sky")]), quiet).items
    stop = whole.text[1:2]
    item = asked("the sky", until=[stop])
    (cut,) = exact.generate(protocol.Generate(items=[item]), quiet).items
    assert (cut.text, cut.stop) == (whole.text[: whole.text.index(stop)], "until")
    asked_for = protocol.RunLatency(prompt_tokens=20, new_tokens=4, warmups=1, repeats=2)
    times = exact.latency(asked_for, quiet)
    assert [len(one.token_s) for one in times.repeats] == [4, 4]


def test_what_is_read_wrongly_is_found_when_it_is_converted(
    files: Callable[..., Path], tmp_path: Path
) -> None:
    # Release 2026.4 takes the scale's second byte for the first one of the smallest number.
    with pytest.raises(ValueError, match=r"reads Q4_1 wrongly: blk\.0\.attn_v\.weight is another"):
        convert(files("Q4_1"), tmp_path / "ir")


def test_a_candidates_gguf_is_converted_and_measured(
    files: Callable[..., Path],
    exact: OpenVino,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path))
    file = files("Q8_0")
    about: dict[str, Any] = {"name": "tiny", "runtime": "openvino", "weights": str(file)}
    found = resolve(Candidate.model_validate(about))
    maker = f"openvino-genai {installed('openvino-genai')}"
    assert found.made_from == f"{file.name} (Q8_0), converted by {maker}"
    assert (found.sha256, found.path is not None) == (sha256_of(file), True)
    assert found.bytes == (folder / "openvino_model.bin").stat().st_size
    with WorkerProcess("openvino", threads=1, timeout_s=120) as worker:
        worker.ask(protocol.Load(path=str(found.path), settings=EXACT), protocol.Loaded)
        worker.ask(protocol.OpenEngine(memory_bytes=4 * 2**20), protocol.EngineOpened)
        scored = worker.ask(protocol.Score(items=ITEMS[:1]), protocol.Scored)
        modules = set(worker.close().modules)
    assert nats(scored.items) == nats(exact.score(ITEMS[:1], quiet).items)
    assert not modules & HARNESS


def test_what_it_does_not_read_is_refused_before_it_is_read(
    files: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="qwen2 do, and this tokenizer is gpt2, gpt-2"):
        convert(files("Q8_0", "gpt-2"), tmp_path / "ir")


def test_a_folder_of_openvinos_is_a_candidate(exact: Any, folder: Path, tmp_path: Path) -> None:
    about = read_ir_folder(folder)
    # Embedding and head of 313 tokens; two layers of four matrices of attention and three more.
    layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64
    assert about.parameters == 2 * 313 * 64 + 2 * layer
    assert (about.quantisation.name, about.architecture) == ("u8", "llama")
    found = find_candidate(str(folder))
    assert (found.runtime, found.weights) == ("openvino", str(folder))
    assert resolve(found).sha256 == about.sha256
    assert exact.loaded.model.parameters == about.parameters
    part = tmp_path / "part"
    shutil.copytree(folder, part)
    (part / "openvino_tokenizer.xml").unlink()
    with pytest.raises(
        ArtifactError, match=r"has no openvino_tokenizer\.xml, so it is no model of"
    ):
        read_ir_folder(part)


def test_a_damaged_graph_is_one_line(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    graph = broken / "openvino_model.xml"
    graph.write_text(graph.read_text()[:5000])
    with pytest.raises(ArtifactError, match="is no graph of OpenVINO's"):
        read_ir_folder(broken)
    with pytest.raises(WorkerError, match="OpenVINO cannot load the model: "):
        OpenVino().load(protocol.Load(path=str(broken), settings=USUAL))


def test_the_header_says_how_turns_and_templates_are_told(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "chat"
    shutil.copytree(folder, changed)
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told["chat_template"] = "{{ bos_token }}{{ messages[0].content }}"
    (changed / "tokenizer_config.json").write_text(json.dumps(told))
    template = Text(str(changed), ends=[]).chat_template()
    assert (template.text, template.bos, template.eos) == (told["chat_template"], "<s>", "</s>")
