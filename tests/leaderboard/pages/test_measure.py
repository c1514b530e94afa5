"""The command for a model of one's own: whatever is typed stays one word of the shell."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.pages.blocks import Beside, Code, Note
from leaderboard.pages.controls import Pick, PickNumber
from leaderboard.pages.measure.command import MODEL, Asked, command
from leaderboard.pages.measure.page import page
from leaderboard.pages.presets import Preset
from leaderboard.pages.stored import StoredLibrary
from leaderboard.rows.view import View
from leaderboard.text import plain
from tests.support.stores import empty

__all__ = ["empty"]

HOSTILE = ["a b.gguf", "x; rm -rf ~", "$(id)", "`id`", "it's", 'say "hi"', "a\nb", "*", "#x", "!!"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Asked(), f"weighin run {MODEL}"),
        (Asked(model="m.gguf"), "weighin run m.gguf"),
        (
            Asked(model="org/name#f.gguf", suite="damage", budget="vps-1gb", repeats=5,
                  against="f16"),
            "weighin run 'org/name#f.gguf' --suite damage --budget vps-1gb --repeats 5 "
            "--against f16",
        ),
        (Asked(model="  m.gguf "), "weighin run m.gguf"),
        (Asked(model="~/my models/m.gguf"), "weighin run ~/'my models/m.gguf'"),
        (Asked(model="-rf"), "weighin run ./-rf"),
    ],
)  # fmt: skip
def test_the_command_is_what_was_asked(asked: Asked, text: str) -> None:
    assert command(asked) == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_each_text_is_one_word(model: str, against: str) -> None:
    words = shlex.split(command(Asked(model=model, against=against)))
    typed, other = (plain(text).strip() for text in (model, against))
    assert words[2].removeprefix("./") == (typed.removeprefix("./") or MODEL)
    assert words[3:4] == (["--against"] if other else [])
    assert words[4:] == ([f"./{other}" if other.startswith("-") else other] if other else [])
    assert len(words) == (5 if other else 3)


def test_a_real_shell_sees_the_same_words() -> None:
    for hostile in HOSTILE:
        told = command(Asked(model=hostile, against=hostile))
        script = f"weighin() {{ printf '%s\\0' \"$@\"; }}; {told}"
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        word = plain(hostile)
        assert said.stdout.split("\0")[:-1] == ["run", word, "--against", word]


def test_the_page_offers_suites_computers_and_repeats(empty: Path) -> None:
    class Told(StoredLibrary):
        def suites(self) -> tuple[str, ...]:
            return ("core", "damage")

    library = Told([empty], [Preset(name="vps-1gb", memory_bytes=2**30)])
    view = View(
        model="x y", on_suite="core", on_budget="vps-1gb", repeats=3.0, against="f16", on_gpu="all"
    )
    blocks = list(page(library, view))
    code = next(one for one in blocks if isinstance(one, Code))
    assert code.text == (
        "weighin run 'x y' --suite core --budget vps-1gb --gpu-layers all --repeats 3 --against f16"
    )
    boxes = next(one for one in blocks if isinstance(one, Beside))
    suite, budget, gpu, repeats = (column[0] for column in boxes.columns)
    assert isinstance(suite, Pick)
    assert list(suite.options) == ["", "core", "damage"]
    assert isinstance(budget, Pick)
    assert list(budget.options) == ["", "vps-1gb"]
    assert isinstance(gpu, Pick)
    assert list(gpu.options) == ["", "all"]
    assert isinstance(repeats, PickNumber)
    assert repeats.changes(5.0) == {"repeats": 5.0}


def test_what_an_address_made_up_is_left_out(empty: Path) -> None:
    view = View(on_suite="; reboot", on_budget="$(id)", repeats=0.0)
    blocks = list(page(StoredLibrary([empty]), view))
    assert next(one for one in blocks if isinstance(one, Code)).text == f"weighin run {MODEL}"
    assert any(isinstance(one, Note) for one in blocks)
