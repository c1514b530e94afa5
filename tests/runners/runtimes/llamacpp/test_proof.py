"""Does the installed llama.cpp compute: tried in a child, and with builds that fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runners.runtimes.llamacpp import tiny_model
from runners.runtimes.llamacpp.proof import NOT_INSTALLED, UNLOADABLE, WRONG, deviation_fault
from runners.runtimes.llamacpp.prove import Attempt, Proof, judged, not_built, prove

pytestmark = pytest.mark.slow

FAILING = Path(__file__).parents[3] / "support" / "failing_llama"
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Children import the llama_cpp that fails."""
    pytest.importorskip("llama_cpp")
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(FAILING), above])))
    return monkeypatch


def test_a_sound_build_is_used_whole() -> None:
    pytest.importorskip("llama_cpp")
    proof = prove()
    assert (proof.verdict, proof.problem, proof.lasting) == ("whole", "", True)
    assert proof.left_out == ""
    assert "LLAMAFILE" in proof.build.split()


FIRST = "F32, 1 token, 1 thread"


@posix
@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("SIGSEGV", f"SIGSEGV in {FIRST}"),
        ("SIGILL", f"SIGILL in {FIRST}"),
        ("nan", f"NaN or infinite logits in {FIRST}"),
        # Twice as far from F32's as F32's are from 0, which are of the other sign.
        ("garbage", "logits 200% off those of F32"),
    ],
)
def test_a_build_that_fails_with_extra_buffers_is_used_without(
    failing: pytest.MonkeyPatch, how: str, problem: str
) -> None:
    failing.setenv("FAILING_LLAMA", f"{how} extra")
    proof = prove()
    assert (proof.verdict, proof.lasting) == ("plain", True)
    assert proof.problem.startswith(problem)
    assert proof.left_out


@posix
@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("SIGSEGV", f"SIGSEGV in {FIRST}"),
        ("SIGABRT", f"SIGABRT in {FIRST}"),
        ("nan", f"NaN or infinite logits in {FIRST}"),
        ("import", "SIGILL in starting the runtime"),
    ],
)
def test_a_build_that_always_fails_is_broken(
    failing: pytest.MonkeyPatch, how: str, problem: str
) -> None:
    failing.setenv("FAILING_LLAMA", how)
    proof = prove()
    assert proof == Proof(verdict="broken", problem=problem, build=proof.build)


def test_a_build_that_hangs_is_ended_and_not_remembered(failing: pytest.MonkeyPatch) -> None:
    failing.setenv("FAILING_LLAMA", "hang")
    proof = prove(most_s=2)
    assert (proof.verdict, proof.lasting) == ("broken", False)
    assert proof.problem.startswith("no end after 2 s in ")


@posix
def test_what_is_ended_from_outside_says_nothing_of_its_build(failing: pytest.MonkeyPatch) -> None:
    failing.setenv("FAILING_LLAMA", "SIGKILL")
    proof = prove()
    assert (proof.verdict, proof.lasting) == ("unknown", False)


@pytest.mark.parametrize(
    ("code", "told", "stderr", "attempt"),
    [
        (0, {"build": "AVX2"}, "", Attempt(outcome="works", build="AVX2")),
        # An exit code of 0 without the last line: somebody else ended the program.
        (0, {"at": "Q8_0"}, "", Attempt(outcome="unknown", problem="exit code 0 in Q8_0; ")),
        (
            WRONG,
            {"wrong": "NaN", "build": "AVX2"},
            "",
            Attempt(outcome="fails", problem="NaN", build="AVX2"),
        ),
        (UNLOADABLE, {"wrong": "no libgomp"}, "", Attempt(outcome="fails", problem="no libgomp")),
        (NOT_INSTALLED, {"wrong": "none"}, "", Attempt(outcome="unknown", problem="none")),
        (-11, {}, "", Attempt(outcome="fails", problem="SIGSEGV in its start")),
        (
            -6,
            {"at": "Q4_0"},
            "/a/b.cpp:3: GGML_ASSERT(x) failed\n[detached]",
            Attempt(outcome="fails", problem="SIGABRT in Q4_0: b.cpp:3: GGML_ASSERT(x) failed"),
        ),
        (-9, {"at": "Q4_0"}, "", Attempt(outcome="unknown", problem="SIGKILL in Q4_0; ")),
        (0xC0000005, {"at": "Q4_0"}, "", Attempt(outcome="fails", problem="0xc0000005 in Q4_0")),
        (
            1,
            {"at": "Q4_0"},
            "Traceback\nMemoryError",
            Attempt(outcome="unknown", problem="exit code 1 in Q4_0; MemoryError"),
        ),
    ],
)
def test_how_a_child_ended(code: int, told: dict[str, str], stderr: str, attempt: Attempt) -> None:
    assert judged(code, told, stderr) == attempt


@pytest.mark.parametrize(
    ("build", "left_out"),
    [("AVX2 AMX_INT8 REPACK", "AMX, REPACK"), ("NEON REPACK", "REPACK"), ("", "extra buffers")],
)
def test_what_is_left_out_is_what_the_build_would_have(build: str, left_out: str) -> None:
    assert Proof(verdict="plain", build=build).left_out == left_out
    assert Proof(verdict="whole", build=build).left_out == ""


def test_a_build_without_amx_is_told_from_a_processor_without() -> None:
    xeon = ("amx_int8", "amx_tile", "avx2")
    assert not_built("AVX2 REPACK", xeon) == "AMX"
    assert not_built("AVX2 AMX_INT8", xeon) == ""
    assert not_built("AVX2 REPACK", ("avx2",)) == ""


def test_logits_are_held_to_those_of_f32() -> None:
    # The first row has norm 5, and is off by (0, 1): 20 %. The second is right.
    reference = np.array([[3, 4], [1, 0]], dtype=np.float32)
    logits = np.array([[3, 5], [1, 0]], dtype=np.float32)
    assert deviation_fault(logits, reference, 0.21) is None
    assert deviation_fault(logits, reference, 0.19) == (
        "logits 20% off those of F32 (at most 19.0% is rounding)"
    )
    assert deviation_fault(np.full_like(logits, np.inf), reference, 9) == "NaN or infinite logits"
    assert deviation_fault(logits, reference * 0, 9) == "logits that are all 0"


def test_the_model_is_one_that_all_kernels_take(tmp_path: Path) -> None:
    from gguf import GGUFReader

    reader = GGUFReader(tiny_model.write(tmp_path / "tiny.gguf"))
    matrices = [tensor for tensor in reader.tensors if len(tensor.shape) == 2]
    assert len(matrices) == 2 + 7 * tiny_model.LAYERS
    for tensor in matrices:  # ggml's order: columns, rows
        assert tensor.shape[0] % 256 == 0, tensor.name
        assert tensor.shape[1] % 32 == 0, tensor.name
    values = {tensor.name: tensor.data for tensor in reader.tensors}
    assert values["output.weight"].shape == (tiny_model.TOKENS, tiny_model.WIDTH)
    # A column has 288 values of standard deviation 1/16, each norm of 256 of them is about 1.
    assert np.linalg.norm(values["blk.1.ffn_down.weight"][0]) == pytest.approx(1, abs=0.2)
    assert (values["output_norm.weight"] == 1).all()


def test_extra_buffers_are_left_out_when_told_so(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    from runners.runtimes.llamacpp.api import LOG, Model, build_info

    if "REPACK" not in build_info().split():
        pytest.skip("this build repacks nothing")
    source = tiny_model.write(tmp_path / "F32.gguf")
    path = str(tmp_path / "Q4_0.gguf")
    quantiser = [sys.executable, "-P", "-m", "runners.runtimes.llamacpp.quantize"]
    subprocess.run([*quantiser, str(source), path, "Q4_0"], check=True)
    found = []
    for extra in (True, False):
        LOG.lines.clear()
        Model(path, mmap=True, extra_buffers=extra).free()
        found.append(any("REPACK model buffer" in line for line in LOG.lines))
    assert found == [True, False]
