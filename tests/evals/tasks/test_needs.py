"""A missing need is one line before anything runs, and stops no other task."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import ArtifactError, NotReadyError
from evals.suites import Suite
from evals.tasks.load import load_suite
from evals.tasks.needs import Needs, prepare_needs, punkt_files


def test_a_missing_package_is_named_with_what_installs_it() -> None:
    needs = Needs(extra="instruct", modules=("json", "not_there_at_all", "neither_this"))
    with pytest.raises(NotReadyError) as caught:
        prepare_needs(needs, "ifeval", offline=True)
    said = "task ifeval: needs not_there_at_all, neither_this: pip install 'weighin[instruct]'"
    assert str(caught.value) == said


def test_what_is_there_is_enough() -> None:
    prepare_needs(Needs(extra="x", modules=("json",)), "t", offline=True)


def test_a_damaged_model_of_sentences_is_one_line(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    wheel.write_bytes(b"no zip")
    with pytest.raises(ArtifactError, match="the model of sentences cannot be read"):
        punkt_files(wheel)


@pytest.mark.data
def test_a_task_that_is_not_ready_stops_no_other() -> None:
    suite = Suite.model_validate({
        "name": "s", "tasks": [{"task": "humaneval"}, {"task": "piqa"}],
    })  # fmt: skip
    left_out: dict[str, str] = {}
    assert [task.name for task in load_suite(suite, limit=1, left_out=left_out)] == ["piqa"]
    assert list(left_out) == ["humaneval"]
    assert "--allow-code" in left_out["humaneval"]
    with pytest.raises(NotReadyError, match="--allow-code"):
        load_suite(suite, limit=1)
    alone = suite.model_copy(update={"tasks": suite.tasks[:1]})
    with pytest.raises(NotReadyError, match="--allow-code"):
        load_suite(alone, limit=1, left_out={})
