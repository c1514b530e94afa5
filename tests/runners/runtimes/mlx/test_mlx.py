"""MLX against plain scoring by transformers, on the same folders; what it is told of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("mlx_lm")

from runners.candidates.model_folder import read_folder
from runners.jobs.worker_process import WorkerProcess
from runners.runtimes.hf.convert import convert as to_safetensors
from runners.runtimes.hf.runtime import Hf
from runners.runtimes.mlx.convert import convert, mlx_name, packed
from runners.runtimes.mlx.runtime import Mlx
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
TOLERANCE = 2e-4  # nats a continuation, in float32; 4e-5 was seen
SETTINGS = {"context": LENGTH, "threads": 1, "dtype": "float32", "device": "cpu"}
HARNESS = {"lm_eval", "datasets", "pydantic", "pandas", "scipy", "torch"}


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, _ = tiny_families.write("llama", tmp_path_factory.mktemp("llama"))
    return folder


@pytest.fixture(scope="module")
def mlx(llama: Path) -> Mlx:
    runtime: Mlx = opened(Mlx(), llama, SETTINGS)
    return runtime


# SmolLM3's rotary base is none of mlx-lm's defaults, and transformers 5 writes it where mlx-lm
# does not look; gpt-oss keeps experts in four bits, in layers that see a window.
@pytest.mark.parametrize("family", ["llama", "smollm3", "gpt-oss, MXFP4"])
def test_it_scores_and_writes_as_transformers_does(family: str, tmp_path: Path) -> None:
    folder, _ = tiny_families.write(family, tmp_path)
    mlx, hf = opened(Mlx(), folder, SETTINGS), opened(Hf(), folder, HF)
    agrees_with_plain_scoring(mlx, hf, TOLERANCE)
    said = mlx.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    assert said.path == "prefix tree, a cache a sequence"


def test_what_continuations_share_is_evaluated_once(mlx: Mlx) -> None:
    reply = mlx.score(ITEMS[:1], quiet)
    # Four continuations of two tokens each behind one context, of which the last is not read.
    assert reply.distinct_tokens < reply.raw_tokens / 3


def test_loading_says_what_it_is(llama: Path) -> None:
    said = Mlx().load(protocol.Load(path=str(llama), settings={**SETTINGS, "context": None}))
    assert (said.compute, said.device, said.architecture) == ("float32", "cpu", "llama")
    assert (said.packs, said.caches) == (True, True)
    about = read_folder(llama)
    assert (said.parameters, said.weights_bytes) == (about.parameters, 4 * about.parameters)
    assert (said.context, said.trained_context) == (256, 256)


def test_stop_strings_and_times_are_those_of_the_engine(mlx: Mlx) -> None:
    (whole,) = mlx.generate(protocol.Generate(items=[asked("the sky")]), quiet).items
    stop = whole.text[1:2]
    item = asked("the sky", until=[stop])
    (cut,) = mlx.generate(protocol.Generate(items=[item]), quiet).items
    assert (cut.text, cut.stop) == (whole.text[: whole.text.index(stop)], "until")
    asked_for = protocol.RunLatency(prompt_tokens=20, new_tokens=4, warmups=1, repeats=2)
    times = mlx.latency(asked_for, quiet)
    assert [len(one.token_s) for one in times.repeats] == [4, 4]
    assert all(one.prefill_s <= one.token_s[0] for one in times.repeats)


def test_weights_that_mlx_packed_are_read(mlx: Mlx, llama: Path, tmp_path: Path) -> None:
    from mlx_lm.utils import load_model, quantize_model, save_model

    network, config = load_model(llama)
    network, config = quantize_model(network, config, group_size=32, bits=8)
    folder = tmp_path / "packed"
    shutil.copytree(llama, folder)
    (folder / "model.safetensors").unlink()
    save_model(folder, network)
    (folder / "config.json").write_text(json.dumps(config))
    about, plain = read_folder(folder), read_folder(llama)
    assert (about.quantisation.name, about.parameters) == ("8-bit", plain.parameters)
    small = Mlx()
    said = small.load(protocol.Load(path=str(folder), settings=SETTINGS))
    assert said.parameters == plain.parameters
    assert said.weights_bytes < plain.bytes / 3  # eight bits and two numbers of a group of 32
    small.open_engine(protocol.OpenEngine(memory_bytes=2**22))
    found, expected = (nats(one.score(ITEMS, quiet).items) for one in (small, mlx))
    assert found == pytest.approx(expected, rel=0.1)
    assert found != pytest.approx(expected, abs=1e-4)


def test_a_gguf_keeps_its_blocks_and_scores_as_transformers_does(tmp_path: Path) -> None:
    _, made = tiny_families.write("llama", tmp_path)
    file = requantised(made, tmp_path / "a.gguf", "Q4_1", pre="smollm", embedding="Q8_0")
    convert(file, tmp_path / "mlx", "Q4_1")
    to_safetensors(file, tmp_path / "reference", "float32")
    mlx, hf = opened(Mlx(), tmp_path / "mlx", SETTINGS), opened(Hf(), tmp_path / "reference", HF)
    agrees_with_plain_scoring(mlx, hf, TOLERANCE)
    assert mlx.loaded.model.parameters == hf.loaded.model.parameters
    assert packed(requantised(made, tmp_path / "b.gguf", "F16", pre="smollm")) is None


@pytest.mark.parametrize(
    ("name", "mlxs"),
    [
        ("blk.11.attn_output.scales", "model.layers.11.self_attn.o_proj.scales"),
        ("output_norm.weight", "model.norm.weight"),
        ("rope_freqs.weight", None),  # it would be lost: the file is widened instead
        ("blk.0.ffn_gate_exps.weight", None),
    ],
)
def test_tensors_have_mlx_lms_names(name: str, mlxs: str | None) -> None:
    assert mlx_name(name) == mlxs


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "lxmma"}, "mlx-lm cannot load the weights: Model type lxmma not supported"),
        (
            {"rope_parameters": {"full_attention": {"rope_theta": 5.0}}},
            "mlx-lm does not read rope_parameters of llama: positions",
        ),
    ],
)
def test_what_it_would_compute_wrongly_is_refused(
    llama: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(llama, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(WorkerError, match=says):
        Mlx().load(protocol.Load(path=str(folder), settings=SETTINGS))


def test_a_device_that_is_not_here_is_refused(llama: Path) -> None:
    import mlx.core

    if mlx.core.metal.is_available():
        pytest.skip("this machine has the GPU that the test does without")
    with pytest.raises(WorkerError, match="device gpu: MLX finds none here"):
        Mlx().load(protocol.Load(path=str(llama), settings={**SETTINGS, "device": "gpu"}))


def test_a_worker_imports_neither_the_harness_nor_torch(mlx: Mlx, llama: Path) -> None:
    with WorkerProcess("mlx", threads=1, timeout_s=120) as worker:
        worker.ask(protocol.Load(path=str(llama), settings=SETTINGS), protocol.Loaded)
        worker.ask(protocol.OpenEngine(memory_bytes=4 * 2**20), protocol.EngineOpened)
        scored = worker.ask(protocol.Score(items=ITEMS[:1]), protocol.Scored)
        modules = set(worker.close().modules)
    assert scored.items == mlx.score(ITEMS[:1], quiet).items
    assert modules & HARNESS <= {"torch"}  # None stands there: kept out
