"""lm-eval's whole index, and no network: in a process of its own, once for all tests here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evals.tasks.packaged import packaged_names
from evals.tasks.quiet import go_offline

if TYPE_CHECKING:
    from typing import Any

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json, logging, sys
from evals.tasks import load as tasks, packaged as mirrors
heavy = sorted({"lm_eval", "datasets", "pyarrow", "pandas", "huggingface_hub"} & set(sys.modules))
names = mirrors.packaged_names()
still = sorted({"lm_eval", "datasets"} & set(sys.modules))
from evals.errors import WeighinError
from evals.suites import Suite, SuiteTask
def fails(name, **options):
    try:
        tasks.load_suite(Suite(name="s", tasks=(SuiteTask(task=name),)), offline=True, **options)
    except WeighinError as error:
        return f"{type(error).__name__}: {error}"
said = {n: fails(n) for n in ("arc_eazy", "humaneval")}
said["hub"] = fails("arc_easy", data="hub")
import huggingface_hub.constants
said["offline"] = huggingface_hub.constants.HF_HUB_OFFLINE
said["heavy"] = heavy + still
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    environment = {**os.environ, "HF_HOME": str(tmp_path_factory.mktemp("hf")), "PYTHONPATH": ""}
    for switch in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        environment.pop(switch, None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout), done.stderr


@pytest.mark.slow
def test_importing_is_cheap(alone: tuple[dict[str, Any], str]):
    assert alone[0]["heavy"] == []
    assert "arc_easy" in packaged_names()


@pytest.mark.slow
def test_offline_is_set_before_the_libraries_read_it(alone: tuple[dict[str, Any], str]):
    assert alone[0]["offline"] is True


@pytest.mark.slow
def test_an_unknown_name_gets_its_nearest(alone: tuple[dict[str, Any], str]):
    said = alone[0]["arc_eazy"]
    assert said.startswith('SpecError: there is no task "arc_eazy" (did you mean ')
    assert '"arc_easy"' in said


@pytest.mark.slow
def test_a_hub_that_is_not_there_is_one_line_with_advice(alone: tuple[dict[str, Any], str]):
    said = alone[0]["hub"]
    assert said.startswith("ArtifactError: ")
    assert 'task "arc_easy" needs the hub: its data (allenai/ai2_arc) are not in the cache' in said
    assert "HF_ENDPOINT" in said


@pytest.mark.slow
def test_code_execution_is_refused_before_anything_is_fetched(
    alone: tuple[dict[str, Any], str],
):
    assert alone[0]["humaneval"].startswith('NotReadyError: task "humaneval" runs code')


@pytest.mark.slow
def test_nothing_of_it_reaches_the_terminal(alone: tuple[dict[str, Any], str]):
    assert alone[1] == ""


def test_offline_holds_for_libraries_that_are_imported_already(monkeypatch: pytest.MonkeyPatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # and put back afterwards
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "0")
    config = sys.modules.get("datasets.config")
    if config:
        monkeypatch.setattr(config, "HF_HUB_OFFLINE", False)
    go_offline()
    assert constants.HF_HUB_OFFLINE is True
    assert (os.environ["HF_HUB_OFFLINE"], os.environ["HF_DATASETS_OFFLINE"]) == ("1", "1")
