"""Fail, and kill at, every file-system call of every command that writes; see that nothing is lost.

A small store, a baseline and reports are made once. Then each command is run on a copy of them
again and again, each time in a fork in which its n-th call (open, mkdir, rename, link, remove,
rmdir, truncate, chmod, listing, fsync) fails with EIO, or is where the process dies, for every n;
and with disks that let no file grow beyond some bytes. What was there before must be whole
afterwards, or the new must be; a failure ends with the command's own code or 3; and the same
command, undisturbed, does its work then. Exit code 0 when all of this holds.

    python tools/fail_every_call.py [--only "baseline set"] [--every N]
"""

from __future__ import annotations

import argparse
import errno
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_scene import HERE, RUN, in_fork, make, weighin

from evals.errors import RecordError
from leaderboard.gate.past import PastGate, read_gates
from runners import cli
from runners.records.baselines import baseline_names, read_baseline
from runners.records.record import Record
from runners.records.store import SAMPLES, Store

EVENTS = {
    "open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.truncate", "os.chmod",
    "os.listdir", "os.scandir",
}  # fmt: skip
"""Python's audit events, raised before a call is made; fsync raises none, so it is wrapped."""
LIMITS = (0, 100, 3_000, 20_000)
"""Bytes beyond which no file grows: a disk that is full sooner or later."""
KILLED = 137


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that writes."""

    args: tuple[str, ...]
    code: int = 0
    """The command's exit code when undisturbed."""
    file: str = ""
    """Path of the file that it replaces."""
    whole: tuple[bytes, bytes] | None = None
    """First and last bytes of a complete file, where the command skips (and reports) what it cannot
    read."""
    done: Callable[[], bool] = lambda: True
    """Returns True once the command did its work."""


COMMANDS = {
    "baseline set": Command(
        args=("baseline", "set", "b", "bad", "--reason", "second", "--force", *HERE),
        done=lambda: read_baseline(Path("results/baselines"), "b").reason == "second",
    ),
    "export": Command(
        args=("export", *HERE, "--output", "out.csv"), file="out.csv", whole=(b"run,", b"\n"),
    ),
    "export parquet": Command(
        args=("export", *HERE, "--samples", "--format", "parquet", "--output", "out.parquet"),
        file="out.parquet", whole=(b"PAR1", b"PAR1"),
    ),
    "check": Command(
        args=("check", "bad", "--against", "good", "--policy", "policy.yaml", *HERE,
              "--junit", "junit.xml", "--markdown", "report.md"),
        code=1, file="junit.xml",
        done=lambda: any(isinstance(g, PastGate) for g in read_gates(Path("st"))),
    ),
    "import": Command(
        args=("import", "lm-eval", "theirs", *HERE),
        done=lambda: len([r for r in records() if r.imported]) == 1,
    ),
    "gc": Command(
        args=("gc", "--yes", *HERE),
        done=lambda: not [r for r in records() if r.status == "failed"],
    ),
    "fetch": Command(args=("fetch", "model.yaml"), done=lambda: any(Path("cache").rglob("*.json"))),
    "run": Command(
        args=("run", "new.yaml", *RUN),
        done=lambda: len([r for r in records() if r.is_answer and r.candidate.name == "new"]) == 1,
    ),
}  # fmt: skip


def records() -> list[Record]:
    """Records of the store that can be read."""
    return [r for r in Store(Path("st")).records() if isinstance(r, Record)]


class Injector:
    """Counts the calls of this process below a folder, and fails or kills at one of them."""

    def __init__(self, root: Path, at: int, *, kill: bool) -> None:
        self._root, self._at, self._kill = str(root), at, kill
        self.seen = 0

    def install(self) -> None:
        """From now on, for the rest of the process."""
        sync = os.fsync

        def fsync(handle: int) -> None:
            self._call(str(Path(f"/proc/self/fd/{handle}").readlink()))
            sync(handle)

        os.fsync = fsync
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in EVENTS and args and isinstance(args[0], str | bytes | os.PathLike):
            self._call(str(Path(os.fsdecode(args[0])).absolute()))

    def _call(self, path: str) -> None:
        if not path.startswith(self._root):
            return
        self.seen += 1
        if self.seen - 1 == self._at:
            if self._kill:
                os._exit(KILLED)
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)


def disturbed(command: Command, root: Path, at: int, how: str) -> tuple[int, int]:
    """Run a command in a fork with one call that fails; its exit code and the calls it made."""

    def job() -> int:
        injector = Injector(root, at if how != "full" else -1, kill=how == "kill")
        if how == "full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMITS[at], LIMITS[at]))
        injector.install()
        try:
            weighin(*command.args)
        except SystemExit as end:
            return -1 if end.code is None else int(end.code) + 1000 * injector.seen
        return -1

    code, said = in_fork(job)
    return (int(said) % 1000, int(said) // 1000) if code == 0 else (code, 0)


def lost(command: Command, before: dict[str, bytes], after: bytes) -> str:
    """Describe what was there before and cannot be read any more; empty where nothing is lost."""
    store = Store(Path("st"))
    for run_id in before["runs"].decode().split():
        try:
            one = store.read(run_id)
            if (store.root / run_id / SAMPLES).is_file():
                store.answers(one)
        except RecordError as error:
            return str(error)
    names = baseline_names(Path("results/baselines"))
    if names != ["b"]:
        return f"the baselines are {names}"
    for one in read_baseline(Path("results/baselines"), "b").runs:
        Store(Path("results/baselines/b")).answers(one)
    content = Path(command.file).read_bytes() if command.file else after
    begins, ends = command.whole or (after, after)
    whole = content.startswith(begins) and content.endswith(ends)
    if command.file and content != before["file"] and not whole:
        return f"{command.file} is neither the old nor the new one"
    bad = [gate for gate in read_gates(Path("st")) if isinstance(gate, RecordError)]
    return str(bad[0]) if bad else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Result of failing every call of one command."""

    calls: int
    injected: int
    wrong: tuple[str, ...]


def try_command(name: str, command: Command, folder: Path, every: int) -> Faults:
    """Every fault of one command, each on a fresh copy."""
    code, calls = fresh(folder, lambda work: disturbed(command, work, -1, "fail"))
    if code != command.code or not calls:
        raise SystemExit(f"{name}: undisturbed it ended with {code} after {calls} calls")
    after = Path(command.file).read_bytes() if command.file else b""
    faults = [("fail", n) for n in range(0, calls, every)]
    faults += [("kill", n) for n in range(0, calls, every)]
    faults += [("full", n) for n in range(len(LIMITS))]
    wrong = []
    for how, at in faults:
        found = fresh(folder, lambda work, how=how, at=at: judged(command, work, at, how, after))
        if found:
            wrong.append(f"{name}: {how} at {at}: {found}")
    return Faults(calls=calls, injected=len(faults), wrong=tuple(wrong))


def fresh(folder: Path, job: Callable[[Path], Any]) -> Any:
    """Do a job in a new copy of what `make` made."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "template", work)
    os.chdir(work)
    os.environ["WEIGHIN_CACHE"] = str(work / "cache")
    return job(work)


def judged(command: Command, work: Path, at: int, how: str, after: bytes) -> str:
    """Describe what is wrong after one fault; empty where nothing is."""
    before = {"file": Path(command.file).read_bytes() if command.file else b""}
    before["runs"] = " ".join(r for r in Store(Path("st")).run_ids() if r > "2021").encode()
    code, _ = disturbed(command, work, at, how)
    if code not in ((KILLED,) if how == "kill" else (command.code, cli.EXIT_FAILED)):
        return f"ended with {code}"
    broken, said = in_fork(lambda: lost(command, before, after))
    if broken or said:
        return f"lost: {said or 'it cannot be read'}"
    again, _ = in_fork(lambda: weighin(*command.args))
    broken, said = in_fork(command.done)
    if again != command.code or broken or said != "True":
        return f"undisturbed it then ended with {again}, and its work is done: {said}"
    broken, said = in_fork(lambda: lost(command, before, after))
    return f"lost afterwards: {said}" if broken or said else ""


def main() -> int:
    """Try every command and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=COMMANDS)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="Every Nth call.")
    asked = parser.parse_args()
    os.environ["TQDM_DISABLE"] = "1"
    wrong: list[str] = []
    injected = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        make(folder)
        for command in [asked.only] if asked.only else COMMANDS:
            found = try_command(command, COMMANDS[command], folder, asked.every)
            injected += found.injected
            wrong += found.wrong
            print(f"{command}: {found.calls} calls, {found.injected} faults, "
                  f"{len(found.wrong)} wrong", flush=True)  # fmt: skip
        os.chdir("/")
    print(*wrong, f"{injected} faults injected, {len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
