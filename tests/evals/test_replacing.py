"""Nothing is lost while it is replaced; tools/fail_every_call.py tries every call there is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evals.replacing import (
    make_folder,
    put_folder,
    put_new,
    remove_folder,
    replaced_file,
    restore,
    set_aside,
)


def folder(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text(text)
    return path


def names(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir())


def test_a_folder_is_replaced_and_nothing_is_left(tmp_path: Path) -> None:
    target = folder(tmp_path / "b", "old")
    put_folder(folder(tmp_path / "made", "new"), target)
    assert (target / "file").read_text() == "new"
    assert names(tmp_path) == ["b"]
    put_folder(folder(tmp_path / "made", "first"), tmp_path / "c")
    assert (tmp_path / "c" / "file").read_text() == "first"


def test_a_folder_that_cannot_come_in_leaves_the_old_one(tmp_path: Path) -> None:
    target = folder(tmp_path / "b", "old")
    with pytest.raises(FileNotFoundError):
        put_folder(tmp_path / "missing", target)
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == ["b"]


def test_what_a_killed_process_put_aside_gets_its_name_back(tmp_path: Path) -> None:
    target = folder(tmp_path / "b", "old")
    target.rename(tmp_path / ".b.old")  # killed between the two renames
    assert list(set_aside(tmp_path)) == [target]
    restore(target)
    assert (target / "file").read_text() == "old"
    folder(tmp_path / ".b.old", "older")  # killed before it was taken away
    restore(target)
    put_folder(folder(tmp_path / "made", "new"), target)
    assert (target / "file").read_text() == "new"
    assert names(tmp_path) == ["b"]
    remove_folder(target)
    assert names(tmp_path) == []


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")
    target.chmod(0o640)
    writing = replaced_file(target)
    writing.__enter__().write_text("half")
    assert not writing.__exit__(OSError, OSError("the disk is full"), None)
    assert target.read_text() == "old"
    with replaced_file(target) as made:
        made.write_text("new")
    assert target.read_text() == "new"
    assert names(tmp_path) == ["out.csv"]
    if sys.platform != "win32":
        assert target.stat().st_mode & 0o777 == 0o640
        (tmp_path / "link").symlink_to(target)
        with replaced_file(tmp_path / "link") as made:
            made.write_text("through the link")
        assert (tmp_path / "link").is_symlink()
        assert target.read_text() == "through the link"


def test_a_device_is_written_to(tmp_path: Path) -> None:
    with replaced_file(Path(os.devnull)) as made:
        assert made == Path(os.devnull)
    assert not Path(os.devnull).is_file()


def test_a_new_file_takes_no_others_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "made").write_text("new")
    with pytest.raises(FileExistsError):
        put_new(tmp_path / "made", tmp_path / "a")
    assert put_new(tmp_path / "made", tmp_path / "b").read_text() == "new"
    assert names(tmp_path) == ["a", "b"]


def test_a_folder_deeper_than_pythons_stack(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 1200)
    make_folder(deep)
    assert deep.is_dir()
    for path in (deep, *list(deep.parents)[:1199]):  # rmtree calls itself for each level
        path.rmdir()
