"""Compiling until it computes: which way, how often, and what is kept of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from runners.runtimes.llamacpp.build import in_the_end, memory, recall, remember, until_it_computes
from runners.runtimes.llamacpp.prove import Proof, prove
from runners.runtimes.llamacpp.recipes import Recipe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
FAILING = Path(__file__).parents[3] / "support" / "failing_llama"
NATIVE, KEEP, WITHOUT, PORTABLE = (
    Recipe(name=name, says=f"the {name} way", cmake=())
    for name in ("native", "keep-stores", "no-amx", "portable")
)
WAYS = (NATIVE, KEEP, WITHOUT, PORTABLE)
WHOLE, UNKNOWN = (Proof(verdict=verdict) for verdict in ("whole", "unknown"))
PLAIN = Proof(verdict="plain", problem="SIGSEGV in Q8_0")
BROKEN = Proof(verdict="broken", problem="SIGILL in starting the runtime")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path / "cache"))
    return memory("one processor", "one compiler")


class Stand:
    """A machine on which each way of compiling computes as it is told."""

    def __init__(self, wheels: Path, installed: Proof, **ways: Proof | None) -> None:
        self.wheels, self.now, self.ways = wheels, installed, ways
        self.compiled: list[str] = []

    def compile(self, recipe: Recipe) -> Path | None:
        self.compiled.append(recipe.name)
        proof = self.ways[recipe.name.replace("-", "_")]
        if proof is None:
            return None
        self.now = proof
        self.wheels.mkdir(exist_ok=True)
        wheel = self.wheels / f"{recipe.name}.whl"
        wheel.write_text(recipe.name)
        return wheel

    def install(self, wheel: Path) -> bool:
        proof = self.ways[wheel.stem.replace("-", "_")]
        self.now = proof or self.now
        return proof is not None

    def prove(self) -> Proof:
        return self.now


def test_a_wheel_that_is_kept_is_not_compiled_again(tmp_path: Path, folder: Path) -> None:
    first = Stand(tmp_path / "w", BROKEN, native=WHOLE)
    until_it_computes(WAYS, None, first, folder, lambda _: None)
    # The bad one came back, or the folder moved to another machine and back.
    again = Stand(tmp_path / "w", BROKEN, native=WHOLE)
    assert until_it_computes(WAYS, None, again, folder, lambda _: None) == WHOLE
    assert (first.compiled, again.compiled) == (["native"], [])
    # It does not compute any more: the ways are tried as if there were none.
    last = Stand(tmp_path / "w", BROKEN, native=PLAIN, keep_stores=WHOLE)
    assert until_it_computes(WAYS, None, last, folder, lambda _: None) == WHOLE
    assert last.compiled == ["native", "keep-stores"]


def test_a_build_that_computes_is_not_compiled_again(tmp_path: Path, folder: Path) -> None:
    stand = Stand(tmp_path / "w", WHOLE)
    said: list[str] = []
    assert until_it_computes(WAYS, NATIVE, stand, folder, said.append) == WHOLE
    assert (stand.compiled, said) == ([], [])
    # pip's own cache has it.
    assert (recall(folder).recipe, recall(folder).wheel) == ("native", None)


def test_the_ways_are_tried_in_order_until_one_computes(tmp_path: Path, folder: Path) -> None:
    stand = Stand(tmp_path / "w", PLAIN, keep_stores=PLAIN, no_amx=WHOLE)
    said: list[str] = []
    assert until_it_computes(WAYS, NATIVE, stand, folder, said.append) == WHOLE
    assert stand.compiled == ["keep-stores", "no-amx"]
    assert said == [
        "the installed llama.cpp fails (SIGSEGV in Q8_0): compiling it the keep-stores way",
        "the installed llama.cpp fails (SIGSEGV in Q8_0): compiling it the no-amx way",
        "llama.cpp computes, compiled the no-amx way",
    ]
    kept = recall(folder)
    assert (kept.recipe, kept.verdict) == ("no-amx", "whole")
    assert kept.wheel is not None
    assert kept.wheel.read_text() == "no-amx"


def test_a_bad_wheel_of_a_cache_is_first_compiled_as_planned(tmp_path: Path, folder: Path) -> None:
    # SIGILL: it was compiled for another processor.
    stand = Stand(tmp_path / "w", BROKEN, native=WHOLE)
    assert until_it_computes(WAYS, None, stand, folder, lambda _: None) == WHOLE
    assert stand.compiled == ["native"]
    assert recall(folder).wheel is not None  # pip would bring the bad one again


def test_a_way_that_cannot_be_compiled_is_passed_over(tmp_path: Path, folder: Path) -> None:
    stand = Stand(tmp_path / "w", BROKEN, keep_stores=None, no_amx=WHOLE)
    assert until_it_computes(WAYS[1:], None, stand, folder, lambda _: None) == WHOLE
    assert stand.compiled == ["keep-stores", "no-amx"]


@pytest.mark.parametrize("end", [PLAIN, BROKEN])
def test_when_no_way_is_better_all_are_tried_once(tmp_path: Path, folder: Path, end: Proof) -> None:
    ways = {"keep_stores": end, "no_amx": end, "portable": end}
    stand = Stand(tmp_path / "w", end, **ways)
    assert until_it_computes(WAYS, NATIVE, stand, folder, lambda _: None) == end
    assert stand.compiled == ["keep-stores", "no-amx", "portable"]
    again = Stand(tmp_path / "w", end, **ways)
    assert until_it_computes(WAYS, None, again, folder, lambda _: None) == end
    assert again.compiled == []


def test_an_interrupted_set_up_has_not_tried_them_all(tmp_path: Path, folder: Path) -> None:
    class Interrupted(Stand):
        def compile(self, recipe: Recipe) -> Path | None:
            if recipe == WITHOUT:
                raise KeyboardInterrupt
            return super().compile(recipe)

    stand = Interrupted(tmp_path / "w", PLAIN, keep_stores=PLAIN)
    with pytest.raises(KeyboardInterrupt):
        until_it_computes(WAYS, NATIVE, stand, folder, lambda _: None)
    again = Stand(tmp_path / "w", PLAIN, keep_stores=PLAIN, no_amx=WHOLE)
    assert until_it_computes(WAYS, NATIVE, again, folder, lambda _: None) == WHOLE


def test_what_cannot_be_told_is_left_as_it_is(tmp_path: Path, folder: Path) -> None:
    stand = Stand(tmp_path / "w", UNKNOWN)
    assert until_it_computes(WAYS, NATIVE, stand, folder, lambda _: None) == UNKNOWN
    assert stand.compiled == []
    assert recall(folder).recipe == ""


def test_another_compiler_is_another_memory(tmp_path: Path, folder: Path) -> None:
    remember(folder, NATIVE, None, "whole")
    assert recall(folder).recipe == "native"
    assert recall(memory("one processor", "another compiler")).recipe == ""


def test_a_wheel_that_was_removed_is_not_there(tmp_path: Path, folder: Path) -> None:
    wheel = tmp_path / "llama.whl"
    wheel.write_text("")
    remember(folder, WITHOUT, wheel, "whole")
    (folder / "llama.whl").unlink()
    assert (recall(folder).recipe, recall(folder).wheel) == ("no-amx", None)
    (folder / "build.json").write_text("{")
    assert recall(folder).recipe == ""


def test_what_set_up_leaves_behind_is_said(folder: Path) -> None:
    assert in_the_end(WHOLE, folder) == ""
    plain = in_the_end(Proof(verdict="plain", problem="SIGSEGV", build="AMX_INT8"), folder)
    assert plain.startswith("AMX kernels of llama.cpp fail here (SIGSEGV): runs do without them")
    assert "could not be tried" in in_the_end(UNKNOWN, folder)
    assert "with a C++ compiler" in in_the_end(BROKEN, folder)
    remember(folder, PORTABLE, None, "broken")
    broken = in_the_end(BROKEN, folder)
    assert "does not compute here, however it is compiled (SIGILL" in broken
    assert str(folder) in broken


def test_a_plan_needs_the_standard_library_alone(tmp_path: Path) -> None:
    # -S: nothing that was installed is found, as in a new environment.
    done = subprocess.run(
        [sys.executable, "-S", str(ROOT / "tools" / "llama.py"), "plan"],
        env={**os.environ, "WEIGHIN_CACHE": str(tmp_path), "CMAKE_ARGS": "-DONE=1 '-DTWO=2 3'"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shlex.split(done.stdout)[:2] == ["-DONE=1", "-DTWO=2 3"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", ["SIGSEGV extra", "SIGILL", "nan"])
def test_a_library_that_dies_is_replaced_by_one_that_computes(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    pytest.importorskip("llama_cpp")
    above = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(filter(None, [str(FAILING), above]))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("FAILING_LLAMA", how)

    class Replaced(Stand):
        """Really tried; compiling puts the sound library back."""

        def compile(self, recipe: Recipe) -> Path | None:
            monkeypatch.setenv("PYTHONPATH", above or "")
            return super().compile(recipe)

        def prove(self) -> Proof:
            return prove()

    stand = Replaced(tmp_path / "w", WHOLE, keep_stores=WHOLE)
    said: list[str] = []
    assert until_it_computes(WAYS, NATIVE, stand, folder, said.append).verdict == "whole"
    assert stand.compiled == ["keep-stores"]
    assert "in F32, 1 token, 1 thread): compiling it the keep-stores way" in said[0]
