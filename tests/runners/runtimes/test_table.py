"""The one table of runtimes, and a stranger's runtime beside it, from its package to a record."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from evals.errors import SpecError
from runners.candidates.spec import Candidate
from runners.records.record import Record
from runners.records.store import Store
from runners.runtimes import build, table
from runners.runtimes.spec import RuntimeSpec
from runners.runtimes.table import RUNTIMES, find_runtime, runtime_names, usual_runtime
from tests.support import stranger

if TYPE_CHECKING:
    from tests.runners.conftest import Bench

MIB = 2**20
MAIN = "from runners.cli import main; main()"


def test_a_table_says_what_each_of_ours_takes():
    assert runtime_names()[:4] == ["llamacpp", "hf", "openvino", "mlx"]
    taken = {name: (one.weights, one.formats, one.converts) for name, one in RUNTIMES.items()}
    assert taken == {
        "llamacpp": ("required", ("gguf",), False),
        "hf": ("required", ("folder",), True),
        "openvino": ("required", ("ir",), True),
        "mlx": ("required", ("folder",), True),
        "own-server": ("optional", ("gguf", "folder"), False),
        "gradio": ("optional", ("app",), False),
        "llama-server": ("required", ("gguf",), False),
        "fake": ("none", (), False),
        "endpoint": ("none", (), False),
    }
    assert [*map(usual_runtime, ("gguf", "folder", "app"))] == ["llamacpp", "hf", "gradio"]


@pytest.mark.slow
def test_the_table_brings_no_library():
    # Every command reads it.
    shown = "import sys, runners.runtimes.table; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", shown], capture_output=True, text=True, check=True
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert "runners" in tops
    heavy = {"numpy", "torch", "transformers", "llama_cpp", "openvino", "mlx", "pandas", "lm_eval"}
    assert tops.isdisjoint(heavy)


def test_an_unknown_runtime_has_its_nearest_named():
    with pytest.raises(SpecError, match=r'no runtime "lama" \(did you mean "llamacpp"'):
        find_runtime("lama")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "My Runtime"}, "is no name for a runtime"),
        ({"code": "a.b"}, 'code "a.b" is not package.module:Class'),
        ({"code": "-c:x"}, "is not package.module:Class"),
        ({"weights": "none"}, r"weights none, but formats \['gguf'\]"),
        ({"formats": ()}, r"weights required, but formats \[\]"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(change: dict[str, Any], says: str):
    with pytest.raises(ValueError, match=says):
        dataclasses.replace(RUNTIMES["llamacpp"], **change)


def weighin(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, in a folder of its own, with a stranger's package installed."""
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-P", "-c", MAIN, *arguments],
        capture_output=True, text=True, timeout=120, check=False, cwd=site.parent,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def written(folder: Path, **settings: Any) -> str:
    """A candidate's file for the stranger's runtime."""
    path = folder / "served.yaml"
    about = {"name": "served", "runtime": "served", "settings": {"threads": 1, **settings}}
    path.write_text(yaml.safe_dump(about))
    return str(path)


@pytest.mark.slow
def test_a_runtime_from_outside_runs_from_its_package_to_a_record(tmp_path: Path, tiny: Path):
    site, store = stranger.install(tmp_path / "site"), tmp_path / "store"
    tasks = ["--tasks", "tiny_choice", "--include", str(tiny), "--trust-tasks"]
    candidate = written(tmp_path, hold_bytes=32 * MIB)
    done = weighin(site, "run", candidate, *tasks, "--store", str(store))
    assert done.returncode == 0, done.stderr
    (record,) = Store(store).records()
    assert isinstance(record, Record)
    assert record.candidate.chosen == {"hold_bytes": 32 * MIB, "threads": 1}
    assert record.software.runtime == "served"
    assert record.software.runtime_version == "7"
    assert record.software.runtime_digest
    # The worker holds 96 MiB beside its server, whose 32 MiB and interpreter alone are counted.
    phases = record.memory.phases
    assert 32 * MIB < phases["load"].peak_bytes < stranger.OWN_BYTES
    assert 32 * MIB < phases["scoring"].peak_bytes < stranger.OWN_BYTES
    assert "processes" not in record.memory.source
    assert list(record.accuracy) == ["tiny_choice"]


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stranger's package, in this process and in its workers."""
    site = str(stranger.install(tmp_path / "site"))
    monkeypatch.syspath_prepend(site)
    above = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [site, above])))
    for known in (table._strangers, table._loaded):
        known.cache_clear()
    yield
    for known in (table._strangers, table._loaded, build._packages):
        known.cache_clear()
    for module in [name for name in sys.modules if name.partition(".")[0] == "stranger"]:
        del sys.modules[module]


def served(bench: Bench, **settings: Any) -> Record:
    about = {"name": "served", "runtime": "served", "settings": {"threads": 1, **settings}}
    (outcome,) = bench.outcomes(Candidate.model_validate(about), tasks=("tiny_choice",))
    return outcome.record


@pytest.mark.usefixtures("_installed")
def test_without_a_root_the_worker_and_all_it_started_are_measured(bench: Bench):
    record = served(bench, hold_bytes=32 * MIB, root="none")
    assert record.error is None
    assert record.memory.phases["load"].peak_bytes > stranger.OWN_BYTES + 32 * MIB
    assert "of 2 processes" in record.memory.source


@pytest.mark.usefixtures("_installed")
def test_a_root_that_it_did_not_start_is_not_measured(bench: Bench):
    record = served(bench, root="parent")
    assert (record.status, record.error.phase) == ("failed", "load")
    assert "which is none that it started" in record.error.message


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("can", "task", "says"),
    [
        ('"generation"', "tiny_choice", "has no scoring, which suite tiny asks for"),
        ('"latency", "scoring"', "tiny_answer", "runtime served has no generation, which suite"),
    ],
)
def test_what_a_runtime_never_can_is_refused_before_it_starts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, can: str, task: str, says: str
):
    about = Candidate.model_validate({"name": "served", "runtime": "served"})
    less = dataclasses.replace(about.runtime_spec, can=frozenset(json.loads(f"[{can}]")))
    monkeypatch.setitem(table.RUNTIMES, "served", less)
    (outcome,) = bench.outcomes(about, tasks=(task,))
    assert outcome.record.status == "failed"
    assert says in outcome.record.error.message
    assert outcome.record.memory is None


def test_its_settings_are_its_own(tmp_path: Path):
    site = stranger.install(tmp_path / "site")
    done = weighin(site, "run", written(tmp_path, mmap=False), "--store", str(tmp_path / "store"))
    assert done.returncode != 0
    assert 'runtime served has no setting "mmap"' in done.stderr
    assert "hold_bytes, root, threads" in done.stderr


@pytest.mark.slow
def test_doctor_looks_at_it(tmp_path: Path):
    site = stranger.install(tmp_path / "site")
    done = weighin(site, "doctor", "--json")
    checks = {one["name"]: one for one in json.loads(done.stdout)}
    assert checks["runtime served"]["status"] == "ok"
    assert checks["runtime served"]["found"].startswith("stranger-runtime 1.5, starts in ")
    assert "runtime fake" not in checks


@pytest.mark.parametrize(
    ("spec", "name", "says"),
    [
        ("raise OSError('no such library')", "served", "cannot be loaded: OSError: no such lib"),
        ("SPEC = 3", "served", "stranger.spec:SPEC is int, no RuntimeSpec"),
        (stranger.SPEC, "other", 'says that its name is "served"'),
        (stranger.SPEC.replace('"none"', '"some"'), "served", "cannot be loaded: ValueError: wei"),
    ],
)
def test_a_package_that_is_broken_is_one_line(tmp_path: Path, spec: str, name: str, says: str):
    site = stranger.install(tmp_path / "site", spec=spec, name=name)
    path = tmp_path / "candidate.yaml"
    path.write_text(yaml.safe_dump({"name": "a", "runtime": name}))
    done = weighin(site, "run", str(path), "--store", str(tmp_path / "store"))
    assert done.returncode == 3
    assert says in done.stderr
    assert f"runtime {name} (of stranger-runtime)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stranger_cannot_take_a_name_of_ours(tmp_path: Path):
    site = stranger.install(tmp_path / "site", name="fake")
    code = "from runners.runtimes.table import find_runtime as f; print(f('fake').code)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.stdout.strip() == RUNTIMES["fake"].code


def test_a_spec_has_what_strangers_write():
    # A field without a default breaks every package that exists.
    needed = {
        one.name
        for one in dataclasses.fields(RuntimeSpec)
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
    }
    assert needed == {"name", "code", "weights", "packages"}
