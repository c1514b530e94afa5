"""`weighin run` on a terminal of 80 columns, progress and ending, as a user sees it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.terminal import on_a_terminal

WEIGHIN = Path(sys.executable).with_name("weighin")
WIDTH = 80
STYLE = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[3[0-9]m")


def seen(folder: Path, *args: str, **env: str) -> str:
    """What a command writes to a terminal of 80 columns, both streams."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    written = on_a_terminal(
        [WEIGHIN, *args], folder, columns=WIDTH, env={**kept, "TERM": "xterm-256color", **env}
    )
    return written.replace("\r\n", "\n")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    suite = {
        "name": "tiny",
        "tasks": [{"task": "tiny_choice"}],
        "latency_repeats": 1,
        "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(suite))
    for name, mib in {"a": 10, "b": 40, "c": 80}.items():
        fake = {"pick": 1, "memory_bytes": mib * 2**20}
        told = {"name": f"a-long-family-of-models-{name}", "runtime": "fake",
                "settings": {"threads": 1, "fake": fake}}  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told))
    return tmp_path


@pytest.mark.slow
def test_a_run_fits_the_terminal_and_ends_with_an_answer(here: Path, tiny: Path):
    asked = ("run", "a.yaml", "b.yaml", "c.yaml", "--suite", "tiny.yaml", "--include", str(tiny),
             "--store", "st")  # fmt: skip
    text = seen(here, *asked)
    drawn = [line for whole in text.split("\n") for line in whole.split("\r\x1b[2K")]
    lines = [STYLE.sub("", line) for line in drawn]
    assert [line for line in lines if len(line) > WIDTH and str(tiny) not in line] == []
    assert any(line.startswith("2/3 candidates · ") for line in lines)
    assert any(re.match(r"a-long-family-of-models-a: done in .*100.0%", line) for line in lines)
    said = STYLE.sub("", text)
    assert "a-long-family-of-models-… · tiny" in said  # and the rows are a, b and c
    assert "Ship a-long-family-of-models-" in said
    assert "◆ recommended ● other" in said
    assert "Fits by peak memory (measured without a limit):" in said
    assert "Next: weighin board --store st" in said
    assert COLOUR.search(text)
    # The same without colour, of runs that are there already.
    again = seen(here, *asked, NO_COLOR="1")
    assert "already measured" in again
    assert "Ship a-long-family-of-models-" in STYLE.sub("", again)
    assert not COLOUR.search(again)
