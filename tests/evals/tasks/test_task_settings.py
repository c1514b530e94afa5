"""docs/task-settings.md has every key of lm-eval's schema, and what it says of them is so."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from lm_eval.config.group import AggMetricConfig, GroupConfig
from lm_eval.config.task import FewshotConfig, TaskConfig

from evals.errors import SpecError
from evals.suites import Suite, SuiteTask
from evals.tasks.generation import HONOURED, WITHOUT_EFFECT
from evals.tasks.load import load_suite

PAGE = (Path(__file__).parents[3] / "docs" / "task-settings.md").read_text(encoding="utf-8")
WORDS = {"honoured", "refused", "no effect"}
REFUSED: dict[str, Any] = {"doc_to_image": "q", "doc_to_audio": "q", "unsafe_code": True}
"""Of a task, each with a value that would have an effect."""


def table(after: str) -> dict[str, str]:
    """Key -> word of the first table after a text."""
    rows = PAGE.split(after, 1)[1].split("|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    found = dict(re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", rows, re.MULTILINE))
    assert len(found) == len(rows.strip().splitlines())
    return found


@pytest.mark.parametrize(
    ("after", "schema"),
    [
        ("(`TaskConfig`)", TaskConfig),
        ("(`FewshotConfig`)", FewshotConfig),
        ("(`GroupConfig`)", GroupConfig),
        ("(`AggMetricConfig`)", AggMetricConfig),
    ],
)
def test_every_key_of_lm_evals_schema_is_listed(after: str, schema: type):
    listed = table(after)
    assert listed
    assert set(listed) == {field.name for field in fields(schema)}
    assert set(listed.values()) <= WORDS


def test_every_generation_argument_is_listed():
    listed = table("(`generation_kwargs`)")
    assert set(listed) == {*HONOURED, *WITHOUT_EFFECT}
    assert {key for key, word in listed.items() if word == "honoured"} == set(HONOURED)
    harmless = {key for key, word in listed.items() if word == "no effect"}
    assert harmless == {
        key for key, values in WITHOUT_EFFECT.items() if set(values) == {True, False}
    }


def test_the_list_says_what_is_refused():
    listed = table("(`TaskConfig`)")
    assert {key for key, word in listed.items() if word == "refused"} == set(REFUSED)


def task(folder: Path, **changes: Any) -> Path:
    (folder / "rows.jsonl").write_text(json.dumps({"q": "1?", "a": "x"}) + "\n")
    config = {
        "task": "t", "dataset_path": "json", "test_split": "test", "doc_to_text": "q",
        "doc_to_target": "a", "output_type": "generate_until",
        "dataset_kwargs": {
            "data_files": {"test": str(folder / "rows.jsonl")}, "cache_dir": str(folder / "c"),
        },
        "generation_kwargs": {"until": ["."]},
        "metric_list": [{"metric": "exact_match"}], **changes,
    }  # fmt: skip
    (folder / "t.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_what_is_refused_is_refused(tmp_path: Path, key: str):
    folder = task(tmp_path, **{key: REFUSED[key]})
    suite = Suite(name="s", tasks=(SuiteTask(task="t"),))
    for trust in (False, True):
        with pytest.raises(SpecError, match=r'task "t" (runs code|needs images)'):
            load_suite(suite, include=folder, trust_tasks=trust)


def test_a_generation_argument_is_refused_before_anything_runs(tmp_path: Path):
    folder = task(tmp_path, generation_kwargs={"until": ["."], "num_beams": 4})
    with pytest.raises(SpecError, match="num_beams is 4; Weighin does not do that"):
        load_suite(Suite(name="s", tasks=(SuiteTask(task="t"),)), include=folder)


def test_a_key_that_nobody_knows_is_refused(tmp_path: Path):
    folder = task(tmp_path, fewshots=2)
    with pytest.raises(SpecError, match="unexpected keyword argument 'fewshots'"):
        load_suite(Suite(name="s", tasks=(SuiteTask(task="t"),)), include=folder)
