"""A build is tried once a processor, and a job is run as its build allows."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RuntimeFailure
from runners.candidates.spec import Candidate
from runners.compute.processor import parse_cpuinfo
from runners.runtimes.llamacpp import tiny_model
from runners.runtimes.llamacpp.prove import Proof
from runners.runtimes.llamacpp.proven import build_key, proof_of, refuse_broken, remembered, tried
from tests.runners.conftest import Bench

FAILING = Path(__file__).parents[3] / "support" / "failing_llama"
WHOLE = Proof(verdict="whole", build="AVX2 REPACK")
PLAIN = Proof(verdict="plain", problem="SIGSEGV in Q8_0", build="AVX2 AMX_INT8 REPACK")
BROKEN = Proof(verdict="broken", problem="SIGILL in starting the runtime")
EPYC = parse_cpuinfo("vendor_id : AuthenticAMD\ncpu family : 26\nflags : avx avx2\n")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of libraries that llama_cpp would look into."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libllama.so").write_bytes(b"one build")
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(folder))
    return folder


class Tries:
    """Answers with what it is given, and counts."""

    def __init__(self, proof: Proof) -> None:
        self.proof, self.count = proof, 0

    def __call__(self) -> Proof:
        self.count += 1
        return self.proof


@pytest.mark.parametrize("proof", [WHOLE, PLAIN, BROKEN])
def test_a_build_is_tried_once(build: Path, proof: Proof) -> None:
    tries = Tries(proof)
    assert [proof_of("llamacpp", tries) for _ in range(3)] == [proof] * 3
    assert tries.count == 1


@pytest.mark.parametrize(
    "proof", [Proof(verdict="unknown", lasting=False), replace(BROKEN, lasting=False)]
)
def test_what_may_end_otherwise_next_time_is_tried_again(build: Path, proof: Proof) -> None:
    tries = Tries(proof)
    assert [proof_of("llamacpp", tries) for _ in range(2)] == [proof] * 2
    assert tries.count == 2


def test_another_build_is_tried_anew(build: Path) -> None:
    tries = Tries(WHOLE)
    proof_of("llamacpp", tries)
    (build / "libggml-cpu.so.0").write_bytes(b"other kernels")
    proof_of("llamacpp", tries)
    assert tries.count == 2


def test_a_build_is_named_by_its_content_and_its_processor(build: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(build, tmp_path / "copy"))
    assert build_key(EPYC, copied) == build_key(EPYC, build)
    milan = replace(EPYC, features=("avx",))
    assert build_key(milan, build) != build_key(EPYC, build)


def test_without_libraries_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    tries = Tries(WHOLE)
    assert build_key() is None
    assert [proof_of("llamacpp", tries) for _ in range(2)] == [WHOLE] * 2
    assert tries.count == 2


def test_a_cache_that_cannot_be_written_costs_a_try_each_time(build: Path, cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    tries = Tries(WHOLE)
    assert [proof_of("llamacpp", tries) for _ in range(2)] == [WHOLE] * 2
    assert tries.count == 2


def test_a_damaged_note_is_no_proof(build: Path, cache: Path) -> None:
    key = build_key(EPYC)
    assert key is not None
    tried(key, Tries(PLAIN))
    assert remembered(key) == PLAIN
    (note,) = (cache / "proven").iterdir()
    for text in ("", "[]", '{"verdict": "fine"}'):
        note.write_text(text)
        assert remembered(key) is None


@pytest.mark.parametrize("runtime", ["fake", "hf"])
def test_only_what_is_compiled_here_is_tried(runtime: str) -> None:
    tries = Tries(BROKEN)
    assert proof_of(runtime, tries).verdict == "unknown"
    assert tries.count == 0


def test_a_broken_build_is_refused_with_what_to_do() -> None:
    refuse_broken(PLAIN)
    refuse_broken(WHOLE)
    with pytest.raises(RuntimeFailure) as caught:
        refuse_broken(BROKEN)
    text = str(caught.value)
    assert "(SIGILL in starting the runtime)" in text
    assert "--no-cache-dir --no-binary llama-cpp-python" in text
    assert "\n" not in text


def test_what_is_left_out_makes_another_job(bench: Bench) -> None:
    ((job, _),) = bench.jobs(bench.fake())
    plain = replace(job, proof=PLAIN)
    assert plain.key != job.key
    assert replace(job, proof=WHOLE).key == job.key


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidate:
    """A tiny model, in a process whose children import the llama_cpp that fails."""
    pytest.importorskip("llama_cpp")
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(FAILING), above])))
    told: dict[str, Any] = {
        "name": "tiny",
        "runtime": "llamacpp",
        "weights": str(tiny_model.write(tmp_path / "tiny.gguf")),
        "settings": {"context": 256, "threads": 1},
    }
    return Candidate.model_validate(told)


@pytest.mark.slow
@posix
def test_a_job_runs_without_the_kernels_that_fail(
    bench: Bench, gguf: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING_LLAMA", "SIGSEGV extra")
    (outcome,) = bench.outcomes(gguf, tasks=("tiny_choice",))
    record = outcome.record
    assert record.error is None
    assert record.accuracy["tiny_choice"].n == 12
    (flag,) = [flag for flag in record.flags if flag.name == "kernels left out"]
    assert flag.level == "warning"
    assert "SIGSEGV in F32, 1 token, 1 thread" in flag.detail
    assert "pip install" in flag.detail
    assert record.software.left_out
    # It is remembered: a try would now tell nothing, and so make another job of it.
    monkeypatch.setenv("FAILING_LLAMA", "SIGKILL")
    (again,) = bench.outcomes(gguf, tasks=("tiny_choice",))
    assert again.ran is False


@pytest.mark.slow
@posix
def test_a_job_on_a_broken_build_leaves_a_record_and_the_batch_goes_on(
    bench: Bench, gguf: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING_LLAMA", "nan")
    first, second = bench.outcomes(gguf, bench.fake(), tasks=("tiny_choice",))
    assert first.record.error is not None
    assert first.record.error.phase == "baseline"
    assert first.record.error.message.startswith(
        "the installed llama.cpp does not compute on this processor (NaN or infinite logits in F32"
    )
    assert second.record.error is None
    assert "left_out" not in second.record.software
