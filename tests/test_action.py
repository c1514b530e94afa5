"""The composite action and the example files are what the command line understands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from leaderboard.gate.policy import Policy, read_policy
from runners.cli.check import command
from runners.cli.export import command as export

ROOT = Path(__file__).resolve().parents[1]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_no_input_is_part_of_a_script():
    """A pull request chooses the inputs: as text of a script they would be code."""
    steps = read("action.yml")["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert len(scripts) == 3
    assert not any("${{" in script for script in scripts)


def test_every_input_is_used_and_every_option_exists():
    action = read("action.yml")
    text = str(action["runs"])
    assert all(f"inputs.{name} " in text for name in action["inputs"])
    options = {name for parameter in command.params for name in parameter.opts}
    (check,) = (step for step in action["runs"]["steps"] if step.get("id") == "check")
    used = set(re.findall(r"--[a-z]+", check["run"]))
    assert {"--rerun", "--github", "--junit"} <= used <= options


@pytest.mark.slow
def test_the_page_is_written_as_the_command_line_understands(tmp_path: Path):
    (step,) = (
        s for s in read("action.yml")["runs"]["steps"] if s.get("name") == "The runs as a page"
    )
    words = re.findall(r"weighin\" (export .*)", step["run"])[0]
    words = words.replace('"$newest"', str(ROOT / "results" / "quick"))
    arguments = words.replace("weighin-board.html", str(tmp_path / "board.html")).split()[1:]
    done = CliRunner().invoke(export, arguments, standalone_mode=False)
    assert done.exception is None
    assert (tmp_path / "board.html").stat().st_size > 1_000_000


def test_the_example_workflow_gives_what_the_action_asks():
    step = next(
        step
        for step in read("docs/examples/weighin-check.yml")["jobs"]["gate"]["steps"]
        if "weighin@" in step.get("uses", "")
    )
    inputs = read("action.yml")["inputs"]
    required = {name for name, one in inputs.items() if one.get("required")}
    assert required <= step["with"].keys() <= inputs.keys()


def test_the_example_policy_is_read():
    found = read_policy(ROOT / "docs" / "examples" / "policy.yaml")
    assert found.metrics.accuracy.margin == 0.02
    assert found.metrics.cold_start_s.severity == "ignore"
    assert found.metrics.ttft_s == Policy().metrics.ttft_s


def test_the_defaults_that_the_docs_name():
    text = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    rules = Policy().metrics
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert rows.keys() == rules.model_dump().keys()
    assert rows["accuracy"].startswith(f"{100 * rules.accuracy.margin:g} point")
    assert rows["task"].startswith(f"{100 * rules.task.margin:g} points")
    for name in ("peak_bytes", "ttft_s", "decode_tokens_per_s", "cold_start_s", "weights_bytes"):
        assert rows[name].startswith(f"{100 * getattr(rules, name).margin:g} %")
    assert f"{rules.peak_bytes.minimum / 2**20:g} MiB" in rows["peak_bytes"]
    for name in ("ttft_s", "cold_start_s"):
        assert f"{1000 * getattr(rules, name).minimum:g} ms" in rows[name]
