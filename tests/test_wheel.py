"""A built wheel, installed away from the checkout: everything that a user needs is inside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runners.endpoint.listening import free_port

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and this one's dependencies but not its checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*command, "wheel", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("weighin-*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # As a path, so that the editable install's own .pth in it is not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    install = ["--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*command, *install], check=True)
    return folder


@pytest.fixture
def weighin(home: Path, tmp_path: Path) -> Run:
    """The installed command, in an empty folder."""
    (tmp_path / "fake.yaml").write_text("name: f\nruntime: fake\n", encoding="utf-8")
    rows = [f"What is {n}?,42,contains" for n in range(8)]
    text = "\n".join(["question,answer,rule", *rows]) + "\n"
    (tmp_path / "q.csv").write_text(text, encoding="utf-8")

    def call(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(home / "venv" / "bin" / "weighin"), *args],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "WEIGHIN_CACHE": str(tmp_path / "cache"), **env},
        )  # fmt: skip

    return call


def test_it_measures_shows_and_checks_from_any_folder(
    weighin: Run, home: Path, tmp_path: Path
) -> None:
    said = weighin("--version").stdout
    assert "(wheel of " in said
    assert "wheel of an unknown" not in said
    assert "core" in weighin("list", "suites").stdout
    assert "smollm2-135m-instruct-q4_1" in weighin("list", "candidates").stdout
    ran = weighin("run", "fake.yaml", "--questions", "q.csv", "--json")
    assert ran.returncode == 0, ran.stderr
    # Away from a checkout, runs go beside the user's files.
    store = tmp_path / "weighin-results"
    (run,) = json.loads(ran.stdout)
    assert (store / run["run_id"] / "record.json").is_file()
    assert weighin("show", "f").returncode == 0
    page = weighin("export", "--format", "html", "--output", "board.html")
    assert page.returncode == 0, page.stderr
    assert '"use strict"' in (tmp_path / "board.html").read_text(encoding="utf-8")
    again = weighin("run", "fake.yaml", "--questions", "q.csv", "--fresh", "--json")
    (second,) = json.loads(again.stdout)
    checked = weighin("check", second["run_id"], "--against", run["run_id"], "--json")
    assert checked.stdout, checked.stderr
    assert json.loads(checked.stdout)["verdict"] in ("pass", "cannot tell")
    # Nothing of it came from the checkout.
    code = "import runners, leaderboard, evals; print(runners.__file__)"
    python = home / "venv" / "bin" / "python"
    where = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True,
                           cwd=tmp_path)  # fmt: skip
    assert where.stdout.startswith(str(home))


@contextmanager
def board(home: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        [str(home / "venv" / "bin" / "weighin"), "board", "--no-browser", "--port", str(port)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as server:  # fmt: skip
        try:
            assert server.stderr is not None
            assert b"the board is at" in server.stderr.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def test_its_board_opens(weighin: Run, home: Path, tmp_path: Path) -> None:
    assert weighin("run", "fake.yaml", "--questions", "q.csv").returncode == 0
    with board(home, tmp_path) as address:
        for _ in range(100):
            try:
                with urllib.request.urlopen(address) as answer:
                    assert answer.status == 200
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the board did not answer")


def test_another_distributions_package_of_that_name_is_noticed(
    weighin: Run, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "evals" / "catalog" / "suites", other / "evals")
    (other / "evals" / "__init__.py").write_text("", encoding="utf-8")
    done = weighin("list", "suites", PYTHONPATH=str(other))
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith(f"weighin: package evals is another distribution's ({other}")
    assert done.stderr.count("\n") == 1
