"""What is deployed: a Space's folder is complete, and its command serves the board."""

from __future__ import annotations

import json
import re
import runpy
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml

from runners.endpoint.listening import free_port
from runners.records.store import Store

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
SPACE = runpy.run_path(str(ROOT / "tools" / "space.py"))


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space's folder with the reference runs, as `make space` makes it."""
    out = tmp_path_factory.mktemp("deploy") / "space"
    command = [sys.executable, str(ROOT / "tools" / "space.py"), str(out)]
    subprocess.run([*command, str(ROOT / "results" / "reference")], check=True)
    return out


def command_of(dockerfile: Path) -> list[str]:
    found = re.search(r"^CMD (\[.*\])$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    words: list[str] = json.loads(found[1])
    return words


def front_matter(readme: Path) -> dict[str, object]:
    _, header, _ = readme.read_text(encoding="utf-8").split("---\n", 2)
    found: dict[str, object] = yaml.safe_load(header)
    return found


def test_the_port_is_the_same_in_all_places():
    header = front_matter(DEPLOY / "space" / "README.md")
    dockerfile = DEPLOY / "space" / "Dockerfile"
    words = command_of(dockerfile)
    assert header["sdk"] == "docker"
    assert words[words.index("--port") + 1] == str(header["app_port"])
    assert f"EXPOSE {header['app_port']}\n" in dockerfile.read_text(encoding="utf-8")
    assert len(str(header["short_description"])) <= 60  # the Hub's limit


def test_all_that_the_dockerfile_copies_is_there(space: Path):
    text = (space / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY")]
    patterns = [word for words in copied for word in words if not word.startswith("--")]
    assert patterns
    for pattern in patterns:
        assert list(space.glob(pattern)), pattern
    copied_records = list(space.glob("records/reference/*/record.json"))
    ours = list((ROOT / "results" / "reference").glob("*/record.json"))
    assert len(copied_records) == len(ours) > 0
    assert len(list(space.glob("records/reference/*/samples.parquet"))) == len(
        list((ROOT / "results" / "reference").glob("*/samples.parquet"))
    )


def test_nothing_of_this_machine_or_its_user_is_published(tmp_path: Path):
    (run, *_) = sorted((ROOT / "results" / "reference").glob("*/samples.parquet"))
    content = json.loads(run.with_name("record.json").read_text(encoding="utf-8"))
    content["command"] = "weighin run /home/somebody/secret/a.gguf"
    for name, source in (("plain", "packaged"), ("own", "folder")):
        record = {**content, "run_id": f"{content['run_id']}-{name}"}
        record["data"] = [{**content["data"][0], "source": source}]
        folder = tmp_path / "store" / record["run_id"]
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    SPACE["copy_runs"](Store(tmp_path / "store"), tmp_path / "out")
    (copied,) = (tmp_path / "out").iterdir()  # none with questions of one's own
    assert copied.name.endswith("-plain")
    text = (copied / "record.json").read_text(encoding="utf-8")
    assert "a.gguf" in text
    assert "somebody" not in text


def test_the_wheel_has_what_is_no_python(space: Path):
    (wheel,) = space.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "leaderboard/export/site/figures.js",
        "leaderboard/export/site/site.css",
        "leaderboard/app/icon.svg",
        "runners/catalog/budgets/vps-1gb.yaml",
        "evals/catalog/suites/core.yaml",
    ):
        assert name in names


@pytest.mark.slow
def test_its_command_serves_the_board_under_any_name(space: Path):
    port = str(free_port())
    program, *words = command_of(space / "Dockerfile")
    words[words.index("--port") + 1] = port
    words[words.index("--address") + 1] = "127.0.0.1"
    command = [str(Path(sys.executable).with_name(program)), *words]
    process = subprocess.Popen(command, cwd=space, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stderr
            assert "the board is at" in process.stderr.readline()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/", headers={"Host": "owner-name.hf.space"}
            )
            assert answer(request) == 200
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


def answer(request: urllib.request.Request) -> int:
    for _ in range(100):
        try:
            with urllib.request.urlopen(request) as response:
                return int(response.status)
        except urllib.error.URLError:
            time.sleep(0.1)
    return 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "usage"), (["out"], "usage"), (["OUT", "nowhere"], "no folder nowhere")],
)
def test_a_wrong_call_is_said(arguments: list[str], words: str, tmp_path: Path):
    given = [str(tmp_path / "out") if one == "OUT" else one for one in arguments]
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "space.py"), *given],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert words in done.stderr


def test_the_image_copies_no_environment_and_no_records():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".venv", "results"} <= set(ignored)
