"""Memory of a candidate's runs, and of their GPUs, as tables of `weighin show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runners.cli.layout import Grid
    from runners.records.record import Record


def memory_table(runs: Sequence[Record]) -> Grid | None:
    """The largest of all runs, phase by phase."""
    from leaderboard.units import format_number, mib
    from runners.cli.layout import Column, Grid, plain

    known = [run.memory for run in runs if run.memory]
    if not known:
        return None

    def cell(values: Sequence[int | None]) -> str:
        found = [value for value in values if value is not None]
        return format_number(mib(max(found)) if found else None)

    grouped = any(p.group_peak_bytes is not None for m in known for p in m.phases.values())
    extra = ("charged to the group", "read again") if grouped else ()
    table = Grid(
        f"memory of the worker, MiB ({known[0].source}), largest run; headline: largest peak of "
        "load, latency and generation",
        "phase", "peak", "anonymous at its end", "file-backed at its end",
        *(Column(heading=heading, drop=1) for heading in extra),
    )  # fmt: skip
    for name in dict.fromkeys(name for memory in known for name in memory.phases):
        phases = [memory.phases[name] for memory in known if name in memory.phases]
        columns: list[list[int | None]] = [
            [p.peak_bytes for p in phases],
            [p.anon_bytes for p in phases],
            [p.file_bytes for p in phases],
            *([[p.group_peak_bytes for p in phases], [p.refaulted_bytes for p in phases]]
              if grouped else []),
        ]  # fmt: skip
        table.add_row(plain(name), *map(cell, columns))
    return table


def gpu_table(record: Record) -> Grid | None:
    """Devices, layers and GPU memory by phase; None where no part of the model was on a GPU."""
    from leaderboard.pages.candidate.gpu import gpu_grid, gpu_words
    from runners.cli.layout import Grid, plain

    if record.gpu is None:
        return None
    found = gpu_grid(record.gpu)
    heads = [f"{head.text} {head.unit}".strip() for head in found.heads]
    table = Grid(f"{gpu_words(record.gpu)} {found.caption}", *heads)
    for row in found.rows:
        table.add_row(*(plain(cell.text) for cell in row))
    return table
