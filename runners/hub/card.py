"""README of a repository of runs: front matter for the hub's viewer, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import yaml

from runners.hub.repository import FLAT, RUNS

if TYPE_CHECKING:
    from runners.records.record import Record

MOST_NAMED = 50


def card(name: str, records: Sequence[Record]) -> str:
    """Text of the README.

    Args:
        name: of the repository.
        records: all that it will hold, as they leave.
    """
    front = {
        "tags": ["weighin", "benchmark", "leaderboard"],
        "configs": [{"config_name": "runs", "data_files": FLAT}],
        "viewer": True,
    }
    names = sorted({_plain(record.candidate.name) for record in records})
    machines = sorted({_plain(record.machine.cpu_model or "unknown") for record in records})
    suites = sorted({f"{r.suite.name} v{r.suite.version}" for r in records})
    listed = [f"- `{one}`" for one in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        listed.append(f"- and {len(names) - MOST_NAMED} more")
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).strip(),
        "---",
        "",
        f"# {_plain(name)}",
        "",
        f"{len(records)} runs of Weighin: accuracy, latency and peak memory of small models, "
        "measured together.",
        "",
        "```sh",
        f"weighin board hf:{name}     # in a browser",
        f"weighin pull {name}         # into a store of your own",
        "```",
        "",
        f"Suites: {', '.join(map(_plain, suites))}. Processors: {', '.join(machines)}.",
        "",
        f"`{FLAT}` has a row a run. `{RUNS}/<run id>/record.json` is all about one, and "
        "`samples.parquet` beside it each item's scores.",
        "Whoever pushed them measured them; nobody else did: `weighin verify` measures a sample "
        "again.",
        "",
        "## Candidates",
        "",
        *listed,
        "",
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text of a record on one line, with nothing that Markdown would take for its own."""
    kept = "".join(c for c in text if c.isprintable() and c not in "`*_[]<>|\\#!")
    return json.dumps(kept)[1:-1][:120]
