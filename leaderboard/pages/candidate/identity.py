"""Tables of a candidate's identity, and of the conditions under which it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.pages.candidate.tables import bits_text
from leaderboard.pages.grid import Cell, Grid, Head, text_grid
from leaderboard.pages.history.tables import accuracy_cells, measured_cells, measured_heads
from leaderboard.rows.conditions import budget_name, build_name, machine_in_full
from leaderboard.rows.row import Row
from leaderboard.runs.timings import noise_floor, tensor_shares
from leaderboard.units import MISSING, format_gib, format_mib, format_percent
from runners.records.record import Record


def identity_grid(record: Record) -> Grid:
    """Table of the candidate: files, settings, runtime."""
    candidate, floor = record.candidate, noise_floor(record)
    quantisation = candidate.quantisation
    named = quantisation.name if quantisation else MISSING
    verified = "verified" if candidate.weights_verified else "not verified"
    parameters = candidate.parameters
    rows = [
        ("family", candidate.family),
        ("runtime", candidate.runtime),
        ("architecture", candidate.architecture or MISSING),
        ("parameters", MISSING if parameters is None else f"{parameters:,}"),
        ("quantisation", f"{named}, {bits_text(record)}"),
        ("tensor types", _types(record)),
        ("made from", candidate.made_from or MISSING),
        ("weights", f"{format_mib(candidate.weights_bytes)}, sha256 {verified}"),
        ("sha256", candidate.weights_sha256 or MISSING),
        ("source", candidate.source or MISSING),
        ("licence", candidate.licence or "not named"),
        ("settings", ", ".join(f"{k} {v}" for k, v in candidate.settings.items()) or MISSING),
        ("of these chosen", _chosen(candidate.chosen)),
        ("digest", f"{candidate.digest}, of weights, runtime and chosen settings"),
        ("noise floor", floor.reason if floor.share is None else _floor(floor.share)),
        ("notes", candidate.notes or MISSING),
    ]
    return text_grid("Model file", ("candidate", ""), rows)


def _chosen(chosen: Mapping[str, Any] | None) -> str:
    if chosen is None:
        return MISSING
    return ", ".join(f"{k} {v}" for k, v in chosen.items()) or "none: all are defaults"


def _types(record: Record) -> str:
    """Tensor types with their shares; a small one is not shown as none."""
    shares = tensor_shares(record)
    texts = [f"{kind} {'< 0.1%' if 0 < v < 0.001 else f'{v:.1%}'}" for kind, v in shares]
    return ", ".join(texts) or MISSING


def _floor(share: float) -> str:
    return f"{format_percent(share)} of the items choose otherwise when the cache is laid out anew"


_WORDS = {
    "cpu_model": "processor",
    "usable_cpus": "cores that a process may use",
    "logical_cpus": "cores of the system",
    "ram_bytes": "memory",
    "gpu": "GPU",
    "os_family": "operating system",
    "os_release": "kernel",
    "python": "Python",
    "cpu_id": "generation",
    "cpu_features": "instruction sets",
    "transparent_hugepage": "transparent huge pages",
    "governors": "frequency governors",
    "weighin": "Weighin",
    "lm_eval": "lm-eval",
    "runtime_version": "runtime version",
    "runtime_build": "runtime build",
    "runtime_digest": "runtime libraries, digest",
    "left_out": "kernels left out",
}
"""Names of a record's keys; any other stands as it is."""


def machine_grid(record: Record) -> Grid:
    """Table of the machine and the software of a run, without what is empty."""
    said = {**record.machine.said(), **record.software.said()}
    found = {
        "machine": machine_in_full(record),
        "build": build_name(record),
        **{_WORDS.get(key, str(key)): _text(key, value) for key, value in said.items()},
    }
    rows = [pair for pair in found.items() if pair[1]]
    return text_grid("Under which conditions", ("machine and software", ""), rows)


def elsewhere_grid(rows: Sequence[Row]) -> Grid:
    """Table of the candidate under other conditions, a row each."""
    heads = (
        Head("machine", number=False),
        Head("build", number=False, hint="build of the runtime"),
        Head("suite", number=False),
        Head("budget", number=False),
        Head("accuracy", "%", "95 % interval over items"),
        Head("n"),
        *measured_heads(),
        Head("runs"),
    )
    cells = tuple(
        (
            Cell(machine_in_full(row.record)),
            Cell(build_name(row.record)),
            Cell(f"{row.record.suite.name} v{row.record.suite.version}"),
            Cell(budget_name(row.record)),
            *accuracy_cells(row),
            *measured_cells(row),
            Cell(str(row.runs)),
        )
        for row in rows
    )
    caption = (
        "The same candidate under other conditions: accuracy on the same items may be compared, "
        "times and memory may not"
    )
    return Grid(caption=caption, heads=heads, rows=cells)


def _text(key: str, value: object) -> str:
    if key == "ram_bytes" and isinstance(value, int):
        return format_gib(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
