"""Writing and replacing so that a failing disk, a kill or a power cut loses nothing.

A file is written under a temporary name and renamed over the old one, which is one step. A folder
cannot be: the old one is put aside, the new one in, the old one away. A process that dies in
between leaves the old one aside, and `restore` gives it its name back.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORARY = ".tmp-"
"""Prefix of files and folders that are half written or about to be deleted."""
ASIDE = ".old"


def make_folder(path: Path) -> None:
    """Make a folder and those above it, however many they are.

    Raises:
        OSError: one cannot be made.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk.

    Raises:
        OSError: the disk refuses.
    """
    folder = path.is_dir()
    if os.name == "nt" and folder:
        return  # Windows opens no folder
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems sync files and no folders.
        if not folder or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sync_tree(root: Path) -> None:
    """Have every file and folder below a folder on the disk.

    Raises:
        OSError: the disk refuses.
    """
    for folder, _, files in os.walk(root, topdown=False):
        for name in files:
            sync(Path(folder, name))
        sync(Path(folder))


def put_file(made: Path, target: Path) -> Path:
    """Give a whole file its name, in place of an older one.

    Raises:
        OSError: it cannot have it; the older one is still there.
    """
    sync(made)
    made.replace(target)
    sync(target.parent)
    return target


def put_new(made: Path, target: Path) -> Path:
    """Give a whole file a name that no other has yet.

    Raises:
        FileExistsError: another has it.
        OSError: it cannot have it.
    """
    sync(made)
    try:
        target.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:  # of a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        made.rename(target)
    made.unlink(missing_ok=True)
    sync(target.parent)
    return target


@contextmanager
def replaced_file(target: Path) -> Iterator[Path]:
    """A path beside a file to write to; when the block ends well it is the file.

    A pipe or a device is written to directly, and a link stays one.

    Raises:
        OSError: it cannot be written; an older file is still there.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    made = target.with_name(f"{TEMPORARY}{secrets.token_hex(4)}")
    try:
        yield made
        if target.exists():
            shutil.copymode(target, made)
        put_file(made, target)
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)


def put_folder(made: Path, target: Path) -> None:
    """Give a whole folder its name, in place of an older one: aside, in, away.

    Raises:
        OSError: it cannot have it; the older one is there, or is restored by `restore`.
    """
    restore(target)
    sync_tree(made)
    aside = _aside(target)
    if not target.exists():
        made.rename(target)
        sync(target.parent)
        return
    remove_folder(aside)
    target.rename(aside)
    try:
        made.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    sync(target.parent)
    with suppress(OSError):
        remove_folder(aside)


def restore(target: Path) -> None:
    """Give a folder its name back that a process put aside which then died.

    Raises:
        OSError: it cannot have it.
    """
    aside = _aside(target)
    if aside.is_dir() and not target.exists():
        aside.rename(target)


def remove_folder(folder: Path) -> None:
    """Remove a folder: renamed first, so that nobody takes half of it for the whole.

    Raises:
        OSError: it cannot be removed.
    """
    if folder.is_dir():
        going = folder.with_name(f"{TEMPORARY}{secrets.token_hex(4)}")
        folder.rename(going)
        shutil.rmtree(going)


def set_aside(parent: Path) -> Iterator[Path]:
    """Every folder that was put aside in a parent folder, as it was called."""
    for path in sorted(parent.glob(f".*{ASIDE}")):
        yield path.with_name(path.name[1 : -len(ASIDE)])


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}{ASIDE}")
