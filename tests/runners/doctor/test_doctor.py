"""What doctor says of machines that are not as they might be."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from runners.cli.doctor import command
from runners.doctor import network, quietness, software, storage
from runners.doctor.check import Check, lacking, summary
from runners.measure.noise import Noise
from runners.runtimes.fake.spec import SPEC as FAKE
from runners.runtimes.hf.spec import SPEC as HF
from runners.runtimes.llamacpp.prove import Proof
from runners.runtimes.llamacpp.spec import SPEC as LLAMACPP

QUIET = Noise(
    others_cpus=0.02,
    steal_share=0.0,
    psi_some_share=0.01,
    throttled_periods=0,
    swapped_in_pages=0,
    frequency_change=None,
)
UNKNOWN = Noise(**{field.name: None for field in dataclasses.fields(Noise)})


def show(size: float) -> str:
    return f"{size:.0f} B"


def test_missing_is_what_a_run_needs():
    checks = [
        Check(name="a", status="ok", found=""),
        Check(name="b", status="limited", found=""),
        Check(name="c", status="missing", found=""),
    ]
    assert lacking(checks) == ["c"]


def test_an_old_python_is_missing():
    assert software.python_check((3, 10, 14)).status == "missing"
    assert software.python_check((3, 11, 0)).status == "ok"


@pytest.mark.parametrize("system", ["Windows", "Darwin", ""])
def test_other_systems_are_said_to_measure_less(system: str):
    check = software.platform_check(system, "arm64")
    assert check.status == "limited"
    assert "peak memory" in check.advice


def test_a_runtime_that_starts_says_its_version():
    check = software.runtime_check(FAKE)
    assert check.status == "ok"
    assert check.found.startswith("weighin 0.")


def test_a_runtime_that_is_not_installed_says_how():
    lacking = replace(FAKE, packages=("no-such-package",), missing="it is missing: get it")
    check = software.runtime_check(lacking)
    assert (check.status, check.found) == ("limited", "no-such-package not installed")
    assert check.advice == "only candidates of runtime fake need it: get it"
    assert software.runtime_check(replace(lacking, name="llamacpp")).status == "missing"
    bare = software.runtime_check(replace(lacking, name="llamacpp", missing=""))
    assert bare.advice == "pip install no-such-package"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_runtime_of_another_cpu_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "llama_cpp.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = software.runtime_check(replace(LLAMACPP, packages=("weighin",)))
    assert check.status == "missing"
    assert "illegal instruction" in check.advice
    assert check.advice.endswith("build it here: " + LLAMACPP.rebuild)


STARTED = Check(name="runtime llamacpp", status="ok", found="llama-cpp-python 1, starts")
EPYC = ("avx2",)
XEON = ("amx_int8", "amx_tile", "avx2")
SEGV = "SIGSEGV in Q8_0, 32 tokens, 1 thread"


@pytest.mark.parametrize(
    ("proof", "here", "status", "found", "advice"),
    [
        (Proof(verdict="whole", build="AVX2"), EPYC, "ok", "computes F32, F16, Q8_0, Q4_0,", ""),
        (
            Proof(verdict="whole", build="AVX2"),
            XEON,
            "limited",
            "computes, but has no AMX kernels",
            "build it: CXXFLAGS='-fno-tree-dse -fno-dse' CMAKE_ARGS=",
        ),
        (Proof(verdict="whole", build="AMX_INT8"), XEON, "ok", "computes F32", ""),
        (
            Proof(verdict="plain", problem=SEGV, build="AVX2 AMX_INT8 REPACK"),
            XEON,
            "limited",
            f"AMX, REPACK kernels fail ({SEGV}): left out",
            "CXXFLAGS=",
        ),
        (
            Proof(verdict="plain", problem=SEGV, build="NEON REPACK"),
            EPYC,
            "limited",
            f"REPACK kernels fail ({SEGV})",
            "CMAKE_ARGS=",
        ),
        (
            Proof(verdict="broken", problem=SEGV),
            EPYC,
            "missing",
            f"does not compute: {SEGV}",
            "CMAKE_ARGS=",
        ),
        (
            Proof(verdict="unknown", problem="disk full"),
            EPYC,
            "limited",
            "could not be tried: disk full",
            "weighin doctor again",
        ),
    ],
)
def test_a_runtime_that_starts_must_compute(
    proof: Proof, here: tuple[str, ...], status: str, found: str, advice: str
):
    check = software.computing(STARTED, proof, here)
    assert check.status == status
    assert check.found.startswith("llama-cpp-python 1, starts; ")
    assert found in check.found
    assert check.advice.startswith(advice)
    assert bool(check.advice) == (status != "ok")


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["ok", "ok"], "ready"),
        (["ok", "limited"], "ready; 1 limit, none matters now"),
        (["limited", "ok", "limited"], "ready; 2 limits, none matters now"),
        (["limited", "missing", "missing"], "not ready: c1, c2"),
    ],
)
def test_all_checks_in_one_line(statuses: list[str], said: str):
    checks = [Check(name=f"c{n}", status=s, found="") for n, s in enumerate(statuses)]
    assert summary(checks) == said


def test_the_summary_names_what_matters_now():
    busy = Check(name="load", status="limited", found="", now="other processes use 2.0 cores")
    checks = [busy, Check(name="energy", status="limited", found="")]
    assert summary(checks) == ("ready; 2 limits, 1 matters now: other processes use 2.0 cores")


def test_a_run_is_warned_of_a_busy_machine_that_was_watched_long_enough():
    noise = dataclasses.replace(QUIET, others_cpus=1.4)
    busy = quietness.Load(load_1m=2.0, noise=noise, busiest=(), seconds=3.0)
    assert "other processes use 1.4 cores" in quietness.disturbance(busy)
    assert quietness.disturbance(dataclasses.replace(busy, seconds=0.1)) == ""
    assert quietness.disturbance(dataclasses.replace(busy, noise=QUIET)) == ""


@pytest.mark.parametrize(
    ("transformers", "status", "advice"),
    [(None, "limited", "python tools/install.py hf"), ("5.23.0", "ok", "")],
)
def test_torch_is_wanted_by_one_runtime_only(transformers: str | None, status: str, advice: str):
    check = software.packages_check(HF, {"torch": "2.13.0", "transformers": transformers})
    assert check.status == status
    assert check.advice.endswith(advice)
    assert bool(check.advice) == bool(advice)


@pytest.mark.parametrize(
    ("found", "built", "status"),
    [("/usr/bin/c++", False, "ok"), (None, True, "limited"), (None, False, "missing")],
)
def test_a_compiler_is_needed_until_llama_cpp_is_built(found: str | None, built: bool, status: str):
    check = software.compiler_check(found, built=built)
    assert check.status == status
    assert ("make demo takes it prebuilt" in check.advice) is (status == "missing")


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path):
    check = storage.store_check(tmp_path / "a" / "b", show)
    assert check.status == "ok"
    assert "does not exist yet" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_says_its_size(tmp_path: Path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "inner")
    assert ", 5 B used, " in storage.cache_check(tmp_path, show).found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inner", "link"]


def test_a_store_that_cannot_be_written_is_missing(tmp_path: Path):
    (tmp_path / "file").write_text("")
    check = storage.store_check(tmp_path / "file" / "store", show)
    assert check.status == "missing"
    assert "--store" in check.advice


def test_little_room_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "LEAST_FREE_BYTES", 1 << 60)
    check = storage.cache_check(tmp_path, show)
    assert check.status == "limited"
    assert "weighin gc" in check.advice


@pytest.mark.parametrize(
    ("quota", "status"), [(None, "ok"), (2.0, "ok"), (1.5, "limited"), (4.0, "ok")]
)
def test_a_quota_of_half_a_core_throttles(quota: float | None, status: str):
    # Two threads under a quota of 1.5 CPUs are stopped in a quarter of each period.
    check = quietness.cpu_check(logical=8, usable=2, quota=quota)
    assert check.status == status
    assert check.found.startswith("2 of 8 cores, so 2 threads")


def test_load_is_judged_as_a_run_would_be():
    quiet = quietness.Load(load_1m=0.1, noise=QUIET, busiest=())
    assert quietness.load_check(quiet).status == "ok"
    noise = dataclasses.replace(QUIET, others_cpus=1.5)
    busy = quietness.Load(load_1m=2.0, noise=noise, busiest=(("cc1 (12)", 1.4),))
    check = quietness.load_check(busy)
    assert check.status == "limited"
    assert "cc1 (12) 1.40" in check.found
    assert "contended" in check.advice


def test_a_machine_that_tells_nothing_has_an_unknown_load():
    check = quietness.load_check(quietness.Load(load_1m=None, noise=UNKNOWN, busiest=()))
    assert (check.status, check.found) == ("ok", "unknown")


def test_busy_processes_are_named():
    # In 2 s: 3 CPU seconds are 1.5 cores, 0.02 are 0.01, which is too little to be named.
    before = {("cc1", 12): 7.0, ("sshd", 3): 1.0, ("python", 8): 0.0}
    after = {("cc1", 12): 10.0, ("sshd", 3): 1.02, ("python", 8): 3.5, ("new", 9): 2.0}
    assert quietness.busiest(before, after, 2.0) == [("python (8)", 1.75), ("cc1 (12)", 1.5)]


def test_a_sample_reads_the_machine():
    load = quietness.sample_load(0.05)
    assert load.noise.others_cpus is None or load.noise.others_cpus >= 0


@pytest.mark.parametrize(
    ("total", "used", "status"), [(0, 0, "ok"), (1000, 9, "ok"), (1000, 11, "limited")]
)
def test_swap_in_use(total: int, used: int, status: str):
    # One per cent of 1,000 bytes of RAM is 10.
    check = quietness.swap_check(total=total, used=used, ram=1000, show=show)
    assert check.status == status


def test_governors(tmp_path: Path):
    assert quietness.governor_check(tmp_path).found == "not told"
    for number, governor in enumerate(["performance", "powersave"]):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    check = quietness.governor_check(tmp_path)
    assert (check.status, check.found) == ("limited", "performance, powersave")
    (tmp_path / "cpu1" / "cpufreq" / "scaling_governor").write_text("performance\n")
    assert quietness.governor_check(tmp_path).status == "ok"


def test_an_index_that_does_not_answer_is_not_named(monkeypatch: pytest.MonkeyPatch):
    for variable in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/secret-index/simple")
    check = network.index_check()
    assert check.status == "limited"
    assert "secret-index" not in f"{check.found}{check.advice}"
    assert "127.0.0.1" not in f"{check.found}{check.advice}"


@pytest.mark.slow
def test_every_check_that_is_not_ok_says_what_to_do(tmp_path: Path):
    done = CliRunner().invoke(
        command, ["--json", "--store", str(tmp_path / "store")], standalone_mode=False
    )
    checks = json.loads(done.stdout)
    assert [c["name"] for c in checks if c["status"] != "ok" and not c["advice"]] == []
    assert {"Python", "cache", "store", "CPU", "peak memory"} <= {c["name"] for c in checks}
    assert {"package index", "hub"}.isdisjoint(c["name"] for c in checks)
    missing = any(c["status"] == "missing" for c in checks)
    assert done.return_value == (3 if missing else 0)
    assert not (tmp_path / "store").exists()


def test_what_is_missing_ends_with_exit_code_3(monkeypatch: pytest.MonkeyPatch):
    checks = [Check(name="cache", status="missing", found="full", advice="make room")]
    monkeypatch.setattr("runners.doctor.checkup.checkup", lambda *_, **__: checks)
    done = CliRunner().invoke(command, [], standalone_mode=False)
    assert done.return_value == 3
    assert done.stdout == "not ready: cache\nmissing cache  full\n               -> make room\n"
    assert done.stderr == "weighin: missing here: cache\n"
