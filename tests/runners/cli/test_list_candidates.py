"""`weighin list candidates`: what is told of each, and how the list is narrowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from runners.cli import group


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def said(*arguments: str) -> str:
    done = CliRunner().invoke(group, ["list", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def test_a_family_with_its_class_size_and_licence() -> None:
    text = said("candidates", "--family", "minicpm5-1b")
    heading, _, *rows = text.splitlines()
    assert heading.split()[:6] == ["name", "family", "class", "size", "offline", "licence"]
    assert [row.split()[:7] for row in rows] == [
        ["minicpm5-1b-q4_k_m", "minicpm5-1b", "tiny-titan", "627", "MiB", "no", "Apache-2.0"],
        ["minicpm5-1b-q8_0", "minicpm5-1b", "tiny-titan", "1.02", "GiB", "no", "Apache-2.0"],
    ]
    assert "(--accept-license gemma)" in said("candidates", "--family", "gemma-3-1b")


def test_json_has_what_the_publisher_says() -> None:
    (entry,) = json.loads(said("candidates", "--family", "gpt-oss", "--json"))
    assert entry["classes"] == ["32b", "off-grid"]
    assert entry["published"]["architecture"] == "gpt-oss"
    assert "Not fetched by us" in entry["notes"]
    tiny = json.loads(said("candidates", "--class", "tiny-titan", "--json"))
    assert {one["class"] for one in tiny} == {"tiny-titan"}


def test_nothing_is_offline_where_nothing_was_fetched() -> None:
    assert said("candidates", "--offline") == "no candidates\n"


def test_what_cannot_be_asked_for() -> None:
    assert 'no class "tiny" (did you mean "tiny-titan"?)' in said("candidates", "--class", "tiny")
    assert "choose candidates, not suites" in said("suites", "--offline")
