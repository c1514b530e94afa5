from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from runners.cli.export import command
from tests.leaderboard.conftest import Maker, made
from tests.support.stores import able, empty, good

__all__ = ["Maker", "able", "empty", "good", "made"]


def export(store: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--store", str(store)], standalone_mode=False)


def test_a_page_is_written_to_a_file(good: Path, tmp_path: Path):
    output = tmp_path / "board.html"
    assert export(good, "--format", "html", "--output", str(output)).exception is None
    text = output.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert 'data-preset="vps-1gb"' in text


def test_a_table_inside_a_budget(good: Path):
    # `big` peaks at 400 MiB, `small` at 100.
    done = export(good, "--format", "markdown", "--budget", "memory-256mib")
    lines = done.stdout.splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:4]] == [
        ["| 1", "small"],
        ["| excluded", "big"],
    ]


def test_a_view_is_what_stands_in_the_address(good: Path):
    done = export(good, "--format", "badge", "--view", "?memory_mib=256")
    assert json.loads(done.stdout)["message"] == "small 56.0%"


def test_a_badge_is_a_picture_where_its_file_says_so(good: Path, tmp_path: Path):
    output = tmp_path / "badge.svg"
    export(good, "--format", "badge", "--output", str(output))
    assert output.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "html"], "needs --output"),
        (["--format", "markdown", "--samples"], "takes no --samples"),
        (["--format", "latex", "small"], r"takes no RUN .small."),
        (["--format", "csv", "--view", "x=disk"], "--view is for"),
        (["--format", "badge", "--view", "colour=red"], "colour"),
        (["--format", "badge", "--budget", "vps-1gb", "--budget", "pi-5-4gb"], "takes one"),
    ],
)
def test_what_does_not_go_together_is_refused(good: Path, arguments: list[str], words: str):
    done = export(good, *arguments)
    assert isinstance(done.exception, click.UsageError)
    with pytest.raises(click.UsageError, match=words):
        raise done.exception


def test_an_empty_store_is_named(empty: Path):
    assert "no record can be read" in str(export(empty, "--format", "markdown").exception)


def test_a_full_disk_leaves_the_old_page(good: Path, tmp_path: Path):
    output = tmp_path / "none" / "board.html"
    done = export(good, "--format", "html", "--output", str(output))
    assert isinstance(done.exception, click.ClickException)
    assert "cannot be written" in str(done.exception.message)
    shutil.rmtree(tmp_path / "none", ignore_errors=True)


def test_weights_by_ability(able: Path):
    done = export(able, "--format", "markdown", "--weights", "code=1")
    head, _, first = done.stdout.splitlines()[:3]
    assert [one.strip() for one in head.split("|")[3:6]] == [
        "weighted accuracy, %", "tools, %", "code, %",
    ]  # fmt: skip
    assert first.startswith("| 1 | coder | 90.0 ")
    badge = export(able, "--format", "badge", "--view", "?ability=tools:1,code:3")
    assert json.loads(badge.stdout)["message"] == "coder 70.0%"
    refused = export(able, "--format", "badge", "--weights", "maths=1").exception
    assert "does not measure maths" in str(refused)
    assert "--weights is for" in str(export(able, "--weights", "code=1").exception)
