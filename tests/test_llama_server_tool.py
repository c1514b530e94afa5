"""`make llama-server`: llama.cpp is laid out from the locked source, and compiled once."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module; it looks for its neighbour on the path."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location(
        "llama_server_tool", ROOT / "tools/llama_server.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archive(folder: Path, version: str) -> None:
    """A source distribution of three files, of which two are llama.cpp's."""
    top = f"llama_cpp_python-{version}"
    texts = {
        f"{top}/pyproject.toml": "[project]\n",
        f"{top}/.git/modules/vendor/llama.cpp/HEAD": "0c1e57098bba43ac29e6e3b677cdceebdd22334f\n",
        f"{top}/vendor/llama.cpp/CMakeLists.txt": "project(llama)\n",
        f"{top}/vendor/llama.cpp/tools/server/server.cpp": "int main() {}\n",
        f"{top}/vendor/llama.cpp/.git": "gitdir: elsewhere\n",
    }
    with tarfile.open(folder / f"{top}.tar.gz", "w:gz") as tar:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))


def test_the_source_is_laid_out_and_its_commit_is_known(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def pip(*arguments: Any, **_: Any) -> bool:
        assert "--require-hashes" in arguments
        archive(Path(arguments[arguments.index("--dest") + 1]), tool.pinned())
        return True

    monkeypatch.setattr(tool, "pip", pip)
    source = tmp_path / "source"
    assert tool.unpack(source) == "0c1e57098bba43ac29e6e3b677cdceebdd22334f"
    found = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
    assert found == ["CMakeLists.txt", "tools/server/server.cpp"]
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_a_source_that_cannot_be_fetched_is_named(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def pip(*_: Any, log: Path, **__: Any) -> bool:
        log.write_text("ERROR: No matching distribution found\n")
        return False

    monkeypatch.setattr(tool, "pip", pip)
    with pytest.raises(SystemExit, match="cannot be fetched:\nERROR: No matching distribution"):
        tool.unpack(tmp_path / "source")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_there_is_not_compiled_again(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.setenv("WEIGHIN_CACHE", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["llama_server.py"])
    program = tool.built_folder(tool.pinned()) / "llama-server"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'version: 9 (x)' >&2\n")
    program.chmod(0o755)
    assert tool.main() == 0
    assert f"{program}: version: 9 (x)" in capsys.readouterr().err
