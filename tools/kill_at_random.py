"""Kill a batch at random moments, again and again, and see that nothing is lost.

An undisturbed run first; then the same command is started, killed after a random time by a random
signal (to the parent or to its worker), and started again, until the batch completes; and that
again and again until enough kills have been dealt. Every completed run's samples must equal the
undisturbed one's bit for bit, and nothing may be left behind: no process, temporary folder or
journal. Exit code 0 when all of this holds.

    python tools/kill_at_random.py [--kills 100] [--seed 0] [weighin run's own arguments…]

Give it a candidate file with `settings: {threads: 1}` on a machine that does other work meanwhile.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from runners.records.store import JOURNALS, Store

if TYPE_CHECKING:
    import pyarrow

SIGNALS = {
    "SIGKILL to the parent": (signal.SIGKILL, False),
    "SIGKILL to the worker": (signal.SIGKILL, True),
    "SIGINT": (signal.SIGINT, False),
    "SIGINT twice": (signal.SIGINT, False),
    "SIGTERM": (signal.SIGTERM, False),
}
DEFAULT = ["--suite", "quick", "--limit", "20"]
COMMAND = [sys.executable, "-P", "-c", "from runners.cli import main; main()", "run"]


def main() -> int:
    """Deal the kills and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked, arguments = parser.parse_known_args()
    arguments = arguments or DEFAULT
    # Started in the background it has SIGINT ignored, which the runs would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw = random.Random(asked.seed)
    dealt: Counter[str] = Counter()
    runs = 0
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        quiet = _start(Path(folder) / "undisturbed", arguments)
        if quiet.wait() != 0:
            print("the undisturbed run failed")
            return 1
        whole_s = time.monotonic() - started
        expected = _samples(Path(folder) / "undisturbed")
        print(f"undisturbed: {whole_s:.0f} s, {len(expected)} samples", flush=True)
        while dealt.total() < asked.kills:
            store = Path(folder) / f"disturbed-{runs}"
            while not _attempt(store, arguments, draw, dealt, whole_s, asked.kills):
                pass
            wrong = _wrong(store, expected)
            if wrong:
                print(f"after {dealt.total()} kills: {wrong}")
                return 1
            runs += 1
            print(f"{dealt.total()} kills, {runs} runs completed, all bit-identical", flush=True)
    print(", ".join(f"{count} x {name}" for name, count in sorted(dealt.items())))
    return 0


def _start(store: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments, "--store", str(store)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _attempt(
    store: Path, arguments: list[str], draw: random.Random, dealt: Counter[str], whole_s: float,
    most: int,
) -> bool:  # fmt: skip
    """One start of the command; True when it completed before it was killed."""
    process = _start(store, arguments)
    if dealt.total() < most:
        name = draw.choice(list(SIGNALS))
        try:
            process.wait(timeout=draw.uniform(0, whole_s))
        except subprocess.TimeoutExpired:
            dealt[name] += _deal(process, name)
    return process.wait() == 0


def _deal(process: subprocess.Popen[bytes], name: str) -> bool:
    number, to_worker = SIGNALS[name]
    try:
        if not to_worker:
            process.send_signal(number)
            if name.endswith("twice"):
                time.sleep(0.2)
                process.send_signal(number)
            return True
        children = psutil.Process(process.pid).children()
        for child in children:
            child.send_signal(number)
        return bool(children)
    except psutil.NoSuchProcess:
        return False


def _orphans() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        command = process.info["cmdline"] or []
        if "runners.worker" in command and process.info["ppid"] == 1:
            found.append(process)
    return found


def _samples(store: Path) -> pyarrow.Table:
    one = Store(store)
    (record,) = [r for r in one.records() if getattr(r, "status", "") == "completed"]
    table = one.samples(record.run_id)
    # Everything that was answered and scored; a generation's times are its own each time.
    return table.drop_columns([c for c in ("prefill_s", "token_s") if c in table.column_names])


def _wrong(store: Path, expected: pyarrow.Table) -> str:
    if not _samples(store).equals(expected):
        return "the samples differ from the undisturbed run's"
    left = [p.name for p in store.iterdir() if p.name.startswith(".tmp")]
    left += [p.name for p in (store / JOURNALS).iterdir()]
    if left:
        return f"left behind: {left}"
    orphans = _orphans()
    return f"a worker without a parent: {orphans}" if orphans else ""


if __name__ == "__main__":
    sys.exit(main())
