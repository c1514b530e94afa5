"""Compiling until it computes: which way, how often, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runners.llama_build import memory, recall, remember, until_it_computes
from runners.llama_recipes import Recipe
from runners.proof import Proof

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

    def prove(self) -> Proof:
        return self.now


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
