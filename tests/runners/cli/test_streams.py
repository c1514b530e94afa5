"""What becomes of stdout and stderr changes no exit code; only a full disk takes a 0 away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

WEIGHIN = Path(sysconfig.get_path("scripts")) / "weighin"
SCRIPT = Path(__file__).with_name("streams_table.py")
MEAN = {"aggregation": "mean", "higher_is_better": True}
TASK = {
    "output_type": "multiple_choice", "doc_to_text": "q", "doc_to_choice": "options",
    "doc_to_target": "gold", "metric_list": [{"metric": "acc", **MEAN}],
}  # fmt: skip
SUITE = {
    "name": "tiny",
    "tasks": [{"task": "one"}],
    "latency_repeats": 1,
    "workloads": [{"prompt_tokens": 8, "new_tokens": 4}],
}
OFF = {
    name: {"severity": "ignore"}
    for name in ("peak_bytes", "ttft_s", "decode_tokens_per_s", "cold_start_s", "weights_bytes")
}
FAKES: dict[str, dict[str, Any]] = {
    "good": {"pick": 1},
    "twin": {"pick": 1},
    "bad": {"pick": 0},
    "dies": {"fail_at": "load", "fail_how": "kill"},
}
HERE = ("--store", "st")
CHECK = ("--against", "good", *HERE, "--policy")
RUN = ("--suite", "suite.yaml", "--include", "tasks", *HERE)
COMMANDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "help": (0, ("--help",)),
    "version": (0, ("--version",)),
    "run": (0, ("run", "good.yaml", *RUN)),
    "run that fails": (3, ("run", "dies.yaml", *RUN)),
    "list": (0, ("list", "suites")),
    "list runs": (0, ("list", "runs", *HERE, "--json")),
    "show": (0, ("show", "good", *HERE)),
    "show nothing": (3, ("show", "nobody", *HERE)),
    "board": (3, ("board", "--store", "nowhere")),
    "fit": (3, ("fit", "gone.yaml")),
    "compare": (0, ("compare", "good", "bad", *HERE)),
    "pass": (0, ("check", "twin", *CHECK, "wide.yaml")),
    "regressed": (1, ("check", "bad", *CHECK, "wide.yaml")),
    "regressed, in GitHub": (1, ("check", "bad", *CHECK, "wide.yaml", "--github")),
    "cannot tell": (2, ("check", "twin", *CHECK, "tight.yaml")),
    "nothing judged": (3, ("check", "nobody", *CHECK, "wide.yaml")),
    "baseline set": (0, ("baseline", "set", "b", "good", "--reason", "r", "--force", *HERE)),
    "baseline list": (0, ("baseline", "list")),
    "baseline show": (0, ("baseline", "show", "b")),
    "baseline diff": (0, ("baseline", "diff", "b", "bad", *HERE)),
    "import": (3, ("import", "lm-eval", "st")),
    "fetch": (0, ("fetch", "good.yaml")),
    "export": (0, ("export", *HERE)),
    "gc": (0, ("gc", "--dry-run", *HERE)),
    "completion": (0, ("completion", "bash")),
    "wrong usage": (3, ("chekc",)),
}
IMPORTS = [
    "lm_eval.api.task", "datasets", "pyarrow.parquet", "rich.table", "scipy.special",
    "leaderboard.gate.report", "leaderboard.rows.row", "runners.batches.batch", "runners.cli.run",
]  # fmt: skip


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture(scope="module")
def table(
    tmp_path_factory: pytest.TempPathFactory, task_writer: Callable[..., None]
) -> dict[str, dict[str, int]]:
    """Exit codes by command and stream, of a store with four fakes on one task of 60 items."""
    folder = tmp_path_factory.mktemp("streams")
    (folder / "tasks").mkdir()
    task_writer(folder / "tasks", "one", TASK, items=60)
    for name, told in FAKES.items():
        settings = {"threads": 1, "fake": told}
        write(folder / f"{name}.yaml", {"name": name, "runtime": "fake", "settings": settings})
    write(folder / "suite.yaml", SUITE)
    # 60 items without a loss rule out 10 points and not 1: z^2 / (n + z^2) is 4.3 at z 1.645.
    write(folder / "wide.yaml", {"metrics": {"accuracy": {"margin": 0.1}, **OFF}})
    write(folder / "tight.yaml", {"metrics": {"accuracy": {"margin": 0.01}, **OFF}})
    files = [f"{name}.yaml" for name in FAKES]
    told = {"first": ["run", *files, *RUN], "imports": IMPORTS}
    told |= {name: list(args) for name, (_, args) in COMMANDS.items()}
    (folder / "commands.json").write_text(json.dumps(told), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "WEIGHIN_CACHE": str(folder / "cache"), "TQDM_DISABLE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the table is filled by forks")
@pytest.mark.parametrize("name", COMMANDS)
def test_streams_change_no_exit_code(table: dict[str, dict[str, int]], name: str) -> None:
    own, _ = COMMANDS[name]
    wanted = dict.fromkeys(table[name], own)
    wanted["stdout full"] = own or 3
    assert table[name] == wanted


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell's redirections")
def test_a_stream_that_was_closed_before_the_start(redirection: str) -> None:
    done = subprocess.run(f"'{WEIGHIN}' list budgets {redirection}", shell=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_stdout_is_one_line(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [WEIGHIN, "list", "budgets"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == "weighin: stdout: cannot be written (No space left on device)\n"
