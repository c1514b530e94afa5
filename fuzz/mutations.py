"""Change a real record, its samples or an import in one place at a time, and use the store.

    python -m fuzz.mutations [--every N] [--pages N]

Each place of the JSON takes each strange value in turn. A changed record lies beside a whole one:
it must be read or refused by name, and `list runs`, `export`, `show`, `compare` and the board's
pages must answer either way. Prints how many were tried, read, refused, and brought something
down; exit code 1 if any did.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evals.errors import RecordError, WeighinError
from runners.cli import group
from runners.records.store import RECORD, SAMPLES, Store

HERE = Path(__file__).parent.parent
REFERENCE = HERE / "results" / "reference"
STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**300, 1e308, -1e308, 1e-308, math.nan, math.inf,
    "", "x", "half \ud800", "long " * 2000, [], {}, [[1]], {"a": [None]},
)  # fmt: skip
BUDGET = {
    "name": "small", "description": "", "source": "", "memory_bytes": 2**30, "cpus": 2.0,
    "deadline_ttft_s": 1.0, "deadline_answer_s": 1.0, "min_decode_tokens_per_s": 1.0,
    "enforced": {"memory": "cgroup v2", "cpus": "cgroup v2"},
}  # fmt: skip
VERDICT = {
    "verdict": "fits", "reason": "it does", "phase": None, "oom_kills": 0, "refaulted_bytes": 0,
    "decode_tokens_per_s": 9.0, "unlimited_decode_tokens_per_s": None, "unlimited_run": None,
    "page_cache": "cold",
}  # fmt: skip
PAGES = ("overview", "candidate", "compare", "ladder", "history", "method")


def main() -> int:
    """Try all of them, and print what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="take each N-th change only")
    parser.add_argument("--pages", type=int, default=40, help="open the board on each N-th read")
    asked = parser.parse_args()
    broken = 0
    for name, tried in (
        ("record", records(asked.every, asked.pages)),
        ("samples", samples(asked.every)),
        ("import", imports(asked.every)),
    ):
        outcomes: Counter[str] = Counter()
        for place, outcome in tried:
            outcomes["tried"] += 1
            outcomes[outcome.partition(":")[0]] += 1
            if outcome.startswith("down"):
                broken += 1
                print(f"  {name} {place}: {outcome}", flush=True)
        print(name, ", ".join(f"{kind} {count:,}" for kind, count in outcomes.items()), flush=True)
    return 1 if broken else 0


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of nested JSON. Of many values of one shape (a list, a mapping of
    tasks), only those in the first and the last.
    """
    if path:
        yield path
    if isinstance(content, dict):
        keys = list(content)
        alike = len(keys) > 2 and all(isinstance(value, dict) for value in content.values())
        for key in (keys[0], keys[-1]) if alike else keys:
            yield from places(content[key], (*path, key))
    elif isinstance(content, list) and content:
        for index in sorted({0, len(content) - 1}):
            yield from places(content[index], (*path, index))


def changed(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with one value replaced."""
    new = copy.copy(content)
    new[path[0]] = value if len(path) == 1 else changed(content[path[0]], path[1:], value)
    return new


def records(every: int, pages: int) -> Iterator[tuple[str, str]]:
    """Each change of a record, and what became of it: read, refused, or down and why."""
    candidates = ("smollm2-135m-instruct-q4_0", "smollm2-135m-instruct-q8_0")
    odd, whole = (_newest_with_answers(Store(REFERENCE), name) for name in candidates)
    content = json.loads((REFERENCE / odd / RECORD).read_text(encoding="utf-8"))
    content.update(budget=BUDGET, verdict=VERDICT)
    content["run_id"] = odd
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        for run_id in (odd, whole):
            shutil.copytree(REFERENCE / run_id, store.root / run_id)
        beside = json.loads((store.root / whole / RECORD).read_text(encoding="utf-8"))
        beside.update(budget=BUDGET, verdict=VERDICT)
        (store.root / whole / RECORD).write_text(json.dumps(beside), encoding="utf-8")
        read = 0
        for number, (path, value) in enumerate((p, v) for p in places(content) for v in STRANGE):
            if number % every:
                continue
            text = json.dumps(changed(content, path, value))
            (store.root / odd / RECORD).write_text(text, encoding="utf-8")
            outcome = _outcome(store, odd)
            if outcome == "read":
                outcome = _use(store, odd, whole)
                read += 1
                if outcome == "read" and read % pages == 0:
                    outcome = _open_pages(store)
            elif outcome == "refused":
                outcome = _list(store) or "refused"
            yield f"{'.'.join(map(str, path))} = {ascii(value)[:40]}", outcome


def samples(every: int) -> Iterator[tuple[str, str]]:
    """Each change of a column of the samples: dropped, emptied, of another type, repeated."""
    run_id = _newest_with_answers(Store(REFERENCE), "smollm2-135m-instruct-q4_0")
    whole = _newest_with_answers(Store(REFERENCE), "smollm2-135m-instruct-q8_0")
    table = Store(REFERENCE).samples(run_id)
    kinds = [pa.string(), pa.int64(), pa.float64(), pa.list_(pa.float32())]
    ways: dict[str, Callable[[pa.Table, str], pa.Table]] = {
        "dropped": lambda t, c: t.drop_columns([c]),
        "nulls": lambda t, c: _with(t, c, pa.nulls(len(t), t.schema.field(c).type)),
        "cut": lambda t, c: t.slice(0, 10),
        "empty": lambda t, c: t.slice(0, 0),
        "twice": lambda t, c: pa.concat_tables([t, t]),
        **{f"as {kind}": lambda t, c, k=kind: _with(t, c, _odd(k, len(t))) for kind in kinds},
    }
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        for one in (run_id, whole):
            shutil.copytree(REFERENCE / one, store.root / one)
        pairs = [(c, w) for c in table.column_names for w in ways]
        for column, way in pairs[::every]:
            pq.write_table(ways[way](table, column), store.root / run_id / SAMPLES)
            yield f"{column} {way}", _use(store, run_id, whole)


def imports(every: int) -> Iterator[tuple[str, str]]:
    """Each change of a results file of lm-eval; nothing of a refused one may be stored."""
    with tempfile.TemporaryDirectory() as folder:
        source = _lm_eval_results(Path(folder))
        here, content = source.parent, json.loads(source.read_text(encoding="utf-8"))
        for number, (path, value) in enumerate((p, v) for p in places(content) for v in STRANGE):
            if number % every:
                continue
            text = json.dumps(changed(content, path, value))
            (here / source.name).write_text(text, encoding="utf-8")
            store = Store(Path(folder) / f"store-{number}")
            there = ["--store", str(store.root)]
            fault = _said(["import", "lm-eval", str(here / source.name), *there])
            left = store.run_ids()
            outcome = fault or _list(store) or ("read" if left else "refused")
            yield f"{'.'.join(map(str, path))} = {ascii(value)[:40]}", outcome
            shutil.rmtree(store.root, ignore_errors=True)


def _lm_eval_results(folder: Path) -> Path:
    """Results that lm-eval writes for a small task which its dummy model answers."""
    tasks = folder / "tasks"
    tasks.mkdir()
    docs = [{"q": f"{n} + 1", "choices": [str(n), str(n + 1)], "gold": 1} for n in range(6)]
    (tasks / "docs.jsonl").write_text("\n".join(map(json.dumps, docs)), encoding="utf-8")
    task = {
        "task": "sums", "dataset_path": "json", "test_split": "test",
        "dataset_kwargs": {"data_files": {"test": str(tasks / "docs.jsonl")}},
        "output_type": "multiple_choice", "doc_to_text": "{{q}} =", "doc_to_choice": "choices",
        "doc_to_target": "gold", "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }  # fmt: skip
    (tasks / "sums.yaml").write_text(json.dumps(task), encoding="utf-8")
    command = [sys.executable, "-m", "lm_eval", "--model", "dummy", "--tasks", "sums"]
    command += ["--include_path", str(tasks), "--output_path", str(folder / "out"), "--log_samples"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return next((folder / "out").rglob("results_*.json"))


def _newest_with_answers(store: Store, name: str) -> str:
    return max(
        run_id
        for run_id in store.run_ids()
        if f"-{name}-" in run_id and (store.root / run_id / SAMPLES).is_file()
    )


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


def _odd(kind: pa.DataType, length: int) -> pa.Array:
    value: Any = "x" if pa.types.is_string(kind) else 7
    return pa.array([[math.nan] if pa.types.is_list(kind) else value] * length, kind)


def _outcome(store: Store, run_id: str) -> str:
    try:
        store.read(run_id)
    except RecordError:
        return "refused"
    except Exception as error:  # noqa: BLE001  # what is looked for
        return f"down: reading: {type(error).__name__}: {error}"[:200]
    return "read"


def _list(store: Store) -> str:
    for kind in ([], ["--json"]):
        fault = _said(["list", "runs", "--store", str(store.root), *kind])
        if fault:
            return fault
    return ""


def _use(store: Store, run_id: str, whole: str) -> str:
    there = ["--store", str(store.root)]
    for command in (
        ["list", "runs", *there],
        *(["export", "--format", kind, *there] for kind in ("csv", "json")),
        ["export", "--samples", "--format", "csv", *there],
        ["show", run_id, *there],
        ["compare", run_id, whole, *there],
    ):
        fault = _said(command)
        if fault:
            return fault
    return "read"


def _said(command: list[str]) -> str:
    """Run a command in this process; empty, or what it raised that nobody expects."""
    quiet = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(io.StringIO()):
            group.main(command, prog_name="weighin", standalone_mode=False)
            quiet.flush()
    except (WeighinError, SystemExit):
        return ""
    except Exception as error:  # noqa: BLE001  # what is looked for
        return f"down: {' '.join(command[:2])}: {type(error).__name__}: {error}"[:200]
    return ""


def _open_pages(store: Store) -> str:
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from leaderboard.app.launch import SCRIPT, environment

    st.cache_data.clear()
    st.cache_resource.clear()
    os.environ.update(environment([store.root]))
    app = AppTest.from_file(SCRIPT, default_timeout=120).run()
    for key, page in list(app._registered_pages.items()):
        app._page_hash = key
        app.run()
        if app.exception:
            fault = app.exception[0]
            return f"down: page {page.get('url_pathname')}: {fault.message}"[:200]
    return "read"


if __name__ == "__main__":
    sys.exit(main())
