"""Does a stand-in that knows every answer score 1, by the command that users run?

Each suite whose tasks are answered in words is asked of `weighin mock-server --answers`, which
answers each of its questions rightly, as a chat model behind a URL:

    python benchmarks/gold.py [--suites builder,tools] [--limit N] [--json]

The exit code is 1 where a headline misses 1. One of IFEval's 40 prompts is to be repeated, and so
says twice what may be said once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from evals.spec_file import read_spec
from evals.suites import Suite
from tests.support.gold import gold_rows

SUITES = Path(__file__).parents[1] / "evals" / "catalog" / "suites"
NAMES = ("instruct", "tools", "code", "math", "rag", "builder")
WEIGHIN = (sys.executable, "-m", "weighin")
IMPOSSIBLE = {("instruct", "ifeval"): 1}
"""Items that nobody can answer rightly."""


def main() -> int:
    """Run every suite, print each metric, and say whether all that should be 1 is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", default=",".join(NAMES))
    parser.add_argument("--limit", type=int, help="items a task, instead of the suite's own")
    parser.add_argument("--quick", action="store_true", help="2 items a task")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit = 2 if asked.quick else asked.limit
    found = [one for name in asked.suites.split(",") for one in _of_suite(name, limit)]
    if asked.json:
        json.dump(found, sys.stdout)
    else:
        for one in found:
            shown = ", ".join(f"{name} {value:.4g}" for name, value in one["metrics"].items())
            print(f"{one['suite']:9} {one['task']:17} n={one['n']:3}  {shown}")
    return int(any(one["value"] < one["most"] for one in found))


def _of_suite(name: str, limit: int | None) -> list[dict[str, Any]]:
    suite = read_spec(SUITES / f"{name}.yaml", Suite)
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "gold.jsonl"
        lines = [json.dumps(row) + "\n" for row in gold_rows(suite, limit)]
        answers.write_text("".join(lines), encoding="utf-8")
        serves = [*WEIGHIN, "mock-server", "--speaks", "openai", "--answers", str(answers)]
        server = subprocess.Popen(serves, stdout=subprocess.PIPE, text=True)
        try:
            record = _run(_address(server), name, limit, folder)
        finally:
            server.terminate()
            server.wait()
    return [_row(name, task, one) for task, one in record["accuracy"].items()]


def _address(server: subprocess.Popen[str]) -> str:
    if server.stdout is None:
        raise SystemExit("the mock server has no output")
    return server.stdout.readline().strip()


def _run(url: str, suite: str, limit: int | None, folder: str) -> dict[str, Any]:
    told = [f"{url}/v1", "--model", "mock", "--suite", suite, "--allow-code", "--store", folder]
    more = [] if limit is None else ["--limit", str(limit)]
    done = subprocess.run([*WEIGHIN, "run", *told, *more, "--json"], stdout=subprocess.PIPE)
    content = json.loads(done.stdout)
    (record,) = content if isinstance(content, list) else [content]
    return record


def _row(suite: str, task: str, one: dict[str, Any]) -> dict[str, Any]:
    most = 1 - IMPOSSIBLE.get((suite, task), 0) / one["n"] if one["n"] == 40 else 1.0
    return {
        "suite": suite, "task": task, "n": one["n"], "value": one["value"], "most": most,
        "metrics": one["metrics"],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
