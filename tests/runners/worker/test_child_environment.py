"""What a child gets of the user's environment, and what it leaves when it crashes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runners.jobs.worker_process import WorkerProcess
from runners.worker.child_environment import DROPPED, child_environment

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Linux has /proc")


def test_what_debugs_stays_out_and_libraries_stay_in(monkeypatch: pytest.MonkeyPatch):
    for name in DROPPED:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/cuda")
    monkeypatch.setenv("GGML_NO_BACKTRACE", "")
    found = child_environment(OMP_NUM_THREADS="2")
    assert not set(DROPPED) & set(found)
    assert found["LD_LIBRARY_PATH"] == "/opt/cuda"
    assert found["GGML_NO_BACKTRACE"] == "1"
    assert found["OMP_NUM_THREADS"] == "2"


@needs_proc
def test_a_worker_runs_in_it_and_leaves_no_core(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONINSPECT", "1")  # would wait for a person at its end
    monkeypatch.setenv("PYTHONMALLOC", "debug")  # would take more memory than there is
    with WorkerProcess("fake", threads=3, timeout_s=60.0) as worker:
        process = Path("/proc") / str(worker.pid)
        names = dict(
            pair.partition("=")[::2]
            for pair in (process / "environ").read_text().split("\0")
            if pair
        )
        limits = (process / "limits").read_text().splitlines()
    assert not set(DROPPED) & set(names)
    assert names["GGML_NO_BACKTRACE"] == "1"
    assert names["OMP_NUM_THREADS"] == names["OPENBLAS_NUM_THREADS"] == "3"
    core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


@needs_proc
def test_the_quantiser_leaves_no_core_either(tmp_path: Path):
    script = (
        "import resource, sys\n"
        "from runners.runtimes.llamacpp import quantize\n"
        "sys.argv = ['quantize', 'none.gguf', 'made.gguf', 'Q8_0']\n"
        "print(quantize.main(), resource.getrlimit(resource.RLIMIT_CORE))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "1 (0, 0)"
