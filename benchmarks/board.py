"""Time the board's opening and changes on a generated store in a browser, and its export.

    python -m benchmarks.board [--quick] [--json] [--store DIR] [--only PART]

Makes a store of 2,000 records and 2 million sample rows (--quick: 100 and 20,000) out of the
reference runs: 100 candidates on 4 machines, 5 runs each, all scored. Then, with `weighin board`
and a headless Chromium of the system:

first   the server's first page, without an index: every record is read and the index written
cold    the same with the index, in a fresh server and an empty browser: only the file is there
empty   a new session of that server, which has its caches filled, in another empty browser
warm    a new session of it in a browser that has been there before
filter  a lower limit of memory typed in, until the table differs, in the browser; of that
server  what a run of the page takes in the server, by AppTest
peak    the server's high-water mark over all of this
export  `weighin export --format html`, its time and its size

--only takes one of browser (the first five and peak), server and export.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import tabs

ROOT = Path(__file__).resolve().parents[1]
SAMPLES_PER_RUN = 1000
MACHINES, REPEATS = 4, 5
VISITS_UNTIL_COMPILED = 2
"""Chromium keeps a script's compiled code once it has been loaded a few times."""
SESSIONS = 9
SHOWN = (".answer .claim", ".js-plotly-plot .point", ".ranked tbody tr")
"""A page is there when it has the answer, the plot's first point and the table."""
LIMIT = "max memory, MiB"
"""Label of the box that the limit is typed into."""
LIMITS = 8
PRESS = """() => {
  const table = () => document.querySelector(".ranked tbody")?.innerHTML;
  const before = table();
  window.changed = new Promise(done => {
    let pressed;
    document.addEventListener(
      "keydown", () => { pressed = performance.now() }, {once: true, capture: true});
    new MutationObserver((_, seen) => {
      if (table() === before) return;
      seen.disconnect();
      done(performance.now() - pressed);
    }).observe(document, {childList: true, subtree: true});
  });
}"""
"""The page itself takes the time from the key to another table: asking it over and over is work."""


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 records, 20,000 rows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--store", type=Path, help="generate here and keep it; reuse what is there")
    parser.add_argument("--only", choices=list(PARTS), help="measure this part alone")
    args = parser.parse_args()
    records, rows = (100, 200) if args.quick else (2000, SAMPLES_PER_RUN)
    folder = args.store or Path(tempfile.mkdtemp(prefix="weighin-board-"))
    try:
        if not any(folder.glob("2*")):
            generate(folder, records, rows)
        found: dict[str, float | int] = {"records": records, "sample_rows": records * rows}
        for part in [args.only] if args.only else PARTS:
            found |= PARTS[part](folder)
    finally:
        if args.store is None:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:18} {value:,.3f}" if isinstance(value, float) else f"{name:18} {value:,}")


def generate(folder: Path, records: int, rows: int) -> None:
    """Write a store: the reference's scored runs with other names, machines and scores."""
    source = sorted((ROOT / "results" / "reference").glob("*/samples.parquet"))
    bases = [json.loads(path.with_name("record.json").read_text("utf-8")) for path in source]
    tables = [pq.read_table(path).slice(0, rows) for path in source]
    rng = random.Random(20260101)
    candidates = max(1, records // (MACHINES * REPEATS))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(records):
        candidate, rest = number % candidates, number // candidates
        machine, repeat = rest % MACHINES, rest // MACHINES
        which = candidate % len(bases)
        record = varied(bases[which], rng, number, candidate, machine, repeat)
        home = folder / record["run_id"]
        home.mkdir()
        (home / "record.json").write_text(json.dumps(record), "utf-8")
        pq.write_table(with_scores(tables[which], rng), home / "samples.parquet")


def varied(
    base: dict[str, Any], rng: random.Random, number: int, candidate: int, machine: int, repeat: int
) -> dict[str, Any]:
    """A record like the base, of another candidate, machine and repeat."""
    record: dict[str, Any] = json.loads(json.dumps(base))
    kind = base["candidate"]["quantisation"]["name"].lower()
    name = f"model-{candidate // 6:02}-{kind}"
    size = 0.3 + 0.1 * (candidate // 6)
    stamp = f"{20260101 + number // 86400}T{number % 86400 // 3600:02}{number % 3600 // 60:02}"
    record["run_id"] = f"{stamp}{number % 60:02}-{name}-{number:08x}"
    record["job"] |= {"key": f"{number:016x}", "batch": f"batch-{machine}", "repeat": repeat}
    record["candidate"] |= {
        "name": name,
        "family": f"model-{candidate // 6:02}",
        "digest": f"{candidate:016x}",
        "chosen": {},
        "weights_bytes": int(base["candidate"]["weights_bytes"] * size),
        "parameters": int(base["candidate"]["parameters"] * size),
    }
    record["machine"] |= {"fingerprint": f"{machine:012x}", "cpu_model": f"CPU {machine}"}
    speed = (1 + machine) / size * rng.lognormvariate(0, 0.05)
    for workload in record["latency"].values():
        for key in ("ttft_s", "tpot_s", "itl_s"):
            scale(workload[key], 1 / speed)
        for key in ("prefill_tokens_per_s", "decode_tokens_per_s"):
            scale(workload[key], speed)
    for phase in record["memory"]["phases"].values():
        phase["peak_bytes"] = int(phase["peak_bytes"] * (0.5 + size))
    for task in record["accuracy"].values():
        n = task["n"]
        share = min(0.98, 0.3 + 0.02 * (candidate // 6))
        right = sum(rng.random() < share for _ in range(n))
        task |= {"value": right / n, "stderr": (right / n * (1 - right / n) / (n - 1)) ** 0.5}
    return record


def scale(summary: dict[str, Any], factor: float) -> None:
    """Scale the percentiles of one summary."""
    for key, value in summary.items():
        if key != "n" and value is not None:
            summary[key] = value * factor


def with_scores(table: pa.Table, rng: random.Random) -> pa.Table:
    """The same items with other answers."""
    scores = pa.array([float(rng.random() < 0.5) for _ in range(table.num_rows)], pa.float32())
    return table.set_column(table.column_names.index("metric.acc"), "metric.acc", scores)


def in_browser(folder: Path) -> dict[str, float | int]:
    """Open the board on a store and time what a person waits for; seconds and MiB."""
    (folder / ".index.parquet").unlink(missing_ok=True)
    with server(folder) as (address, _), tabs.browser(SHOWN) as one:
        first = one.opened(address)
    with server(folder) as (address, process):
        with tabs.browser(SHOWN) as one:
            cold = one.opened(address)
        with tabs.browser(SHOWN) as one:
            empty = one.opened(address)
            for _ in range(VISITS_UNTIL_COMPILED):
                one.opened(address)
            warm = [one.opened(address) for _ in range(SESSIONS)]
        filters = changed(address, limits(folder))
        peak = high_water_mib(process.pid)
    return {
        "first_s": first,
        "cold_s": cold,
        "empty_s": empty,
        "warm_s": statistics.median(warm),
        "warm_worst_s": max(warm),
        "filter_s": statistics.median(filters),
        "filter_worst_s": max(filters),
        "peak_mib": peak,
        "index_mib": (folder / ".index.parquet").stat().st_size / 2**20,
    }


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A board on a free port; yields its address and Streamlit's process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("weighin")), "board", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--store", str(folder)], stderr=subprocess.PIPE, text=True
    )
    try:
        if process.stderr is None or "the board is at" not in process.stderr.readline():
            raise SystemExit("the board did not start")
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def limits(folder: Path) -> list[float]:
    """Falling limits of memory, MiB: each leaves out more of the candidates on the first page."""
    from leaderboard.pages.stored import StoredLibrary
    from leaderboard.rows.view import View
    from leaderboard.units import mib

    selection = StoredLibrary([folder]).selected(View())
    if selection is None:
        raise SystemExit(f"{folder}: there is no record")
    peaks = [row.value("memory") for row in selection.rows]
    known = sorted({round(mib(peak)) for peak in peaks if peak is not None}, reverse=True)
    return [float(known[len(known) * i // (LIMITS + 1)] - 1) for i in range(LIMITS)]


def changed(address: str, typed: Sequence[float]) -> list[float]:
    """Seconds from the Enter behind each limit to another table."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=tabs.program(), args=list(tabs.FLAGS))
        with contextlib.closing(chromium):
            page = chromium.new_page()
            page.goto(address)
            page.wait_for_selector(SHOWN[-1], timeout=120_000)
            page.wait_for_timeout(1500)
            return [_typed(page, limit) for limit in typed]


def _typed(page: Any, limit: float) -> float:
    box = page.get_by_label(LIMIT, exact=True).first
    box.fill(f"{limit:g}")
    page.evaluate(PRESS)
    box.press("Enter")
    milliseconds: float = page.evaluate("window.changed")
    page.wait_for_timeout(300)
    return milliseconds / 1000


def in_server(folder: Path) -> dict[str, float | int]:
    """Time a new session and a change of a filter without a browser."""
    import os

    from streamlit.testing.v1 import AppTest

    from leaderboard.app.launch import SCRIPT, environment

    os.environ.update(environment([folder]))
    AppTest.from_file(SCRIPT, default_timeout=120).run()  # fills the caches
    start = time.perf_counter()
    app = AppTest.from_file(SCRIPT, default_timeout=120).run()
    new = time.perf_counter() - start
    found = []
    for limit in limits(folder):
        box = next(one for one in app.number_input if one.label.endswith(LIMIT))
        box.set_value(limit)
        start = time.perf_counter()
        app.run()
        found.append(time.perf_counter() - start)
    return {"server_warm_s": new, "server_filter_s": statistics.median(found)}


def exported(folder: Path) -> dict[str, float | int]:
    """Write the board as one file."""
    program = str(Path(sys.executable).with_name("weighin"))
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "board.html")
        start = time.perf_counter()
        subprocess.run(
            [program, "export", "--format", "html", "--store", folder, "--output", file], check=True
        )
        return {"export_s": time.perf_counter() - start, "export_mib": file.stat().st_size / 2**20}


def high_water_mib(pid: int) -> float:
    """VmHWM of the largest process below this one: the server."""
    import psutil

    marks = []
    for process in psutil.Process(pid).children(recursive=True):
        status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        marks.append(int(line.split()[1]) / 1024)
    return max(marks)


PARTS: dict[str, Callable[[Path], dict[str, float | int]]] = {
    "browser": in_browser, "server": in_server, "export": exported,
}  # fmt: skip


if __name__ == "__main__":
    main()
