"""`weighin show RUN`: everything about one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli.completion_names import complete_runs
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from runners.records.record import Record


@click.command("show")
@click.argument("run", shell_complete=complete_runs)
@store_option
@json_option
def command(run: str, store_path: Path | None, *, as_json: bool) -> int:
    """Show one run: RUN is a run id, its start or end, or a candidate (its newest run)."""
    record = open_store(store_path).find(run)
    if as_json:
        print(json.dumps(record.model_dump(mode="json")))
        return 0
    from leaderboard.rows.row import row
    from runners.cli.tables import by_task, console, notes, plain, results

    out = console()
    rows = [row(record)]
    out.print(results(rows))
    if record.error:
        out.print(plain(f"{record.status} in {record.error.phase}: {record.error.message}"))
    if record.verdict:
        out.print(plain(f"verdict: {record.verdict.verdict}: {record.verdict.reason}"))
    for table in (_latency(record), _memory(record)):
        if table is not None:
            out.print(table)
    if rows[0].scores:
        out.print(by_task(rows))
    for line in [*notes(rows), *(f"{flag.name}: {flag.detail}" for flag in record.flags)]:
        out.print(plain(line))
    out.print(_facts(record))
    return 0


def _latency(record: Record) -> Table | None:
    from leaderboard.units import format_number, ms
    from runners.cli.tables import new_table, plain
    from runners.records.latency import FILL

    if not record.latency:
        return None
    table = new_table(
        "latency, one request at a time", "workload (prompt+new tokens)", "n", "TTFT ms p50",
        "TTFT ms p95", "TPOT ms p50", "prefill tokens/s", "decode tokens/s",
    )  # fmt: skip
    for name, w in record.latency.items():
        table.add_row(
            plain(f"{name} ({w.prompt_tokens:,})" if name.startswith(FILL) else name),
            str(w.ttft_s.n),
            format_number(ms(w.ttft_s.p50)),
            format_number(ms(w.ttft_s.p95)),
            format_number(ms(w.tpot_s.p50)),
            format_number(w.prefill_tokens_per_s.p50),
            format_number(w.decode_tokens_per_s.p50),
        )
    return table


def _memory(record: Record) -> Table | None:
    from leaderboard.units import format_number, mib
    from runners.cli.tables import new_table, plain

    if record.memory is None:
        return None

    def cell(value: int | None) -> str:
        return format_number(None if value is None else mib(value))

    title = f"memory of the worker, MiB ({record.memory.source}); the headline is latency's peak"
    table = new_table(title, "phase", "peak", "anonymous at its end", "file-backed at its end")
    phases = record.memory.phases
    grouped = any(phase.group_peak_bytes is not None for phase in phases.values())
    for heading in ("peak charged to the group", "read again") if grouped else ():
        table.add_column(heading, justify="right", overflow="fold")
    for name, phase in phases.items():
        group = (phase.group_peak_bytes, phase.refaulted_bytes) if grouped else ()
        own = (phase.peak_bytes, phase.anon_bytes, phase.file_bytes)
        table.add_row(plain(name), *(cell(value) for value in (*own, *group)))
    return table


def _facts(record: Record) -> Table:
    from runners.cli.tables import new_table, plain

    table = new_table("facts", "what", "is")
    table.columns[1].justify = "left"
    for name, value in _fact_pairs(record):
        if value not in (None, ""):
            table.add_row(plain(name), plain(value))
    return table


def _fact_pairs(record: Record) -> list[tuple[str, Any]]:
    from leaderboard.rows.conditions import build_name, machine_in_full
    from leaderboard.units import format_mib, format_ms, format_percent

    candidate, machine, load = record.candidate, record.machine, record.load
    quantisation = candidate.quantisation
    shares = quantisation.share if quantisation else {}
    return [
        ("run", record.run_id),
        ("command", record.command),
        ("weights", candidate.source),
        ("made from", candidate.made_from),
        ("sha256", candidate.weights_sha256),
        ("on disk", format_mib(candidate.weights_bytes)),
        ("tensors", ", ".join(f"{kind} {format_percent(s)}" for kind, s in shares.items())),
        ("bits per weight", f"{quantisation.bits_per_weight:.2f}" if quantisation else None),
        ("parameters", f"{candidate.parameters:,}" if candidate.parameters else None),
        ("licence", candidate.licence),
        ("digest", f"{candidate.digest} (of weights, runtime and chosen settings)"),
        ("settings", ", ".join(f"{k}={v}" for k, v in candidate.settings.items())),
        ("of these chosen", _chosen(record)),
        ("cold start", format_ms(load.cold_start_s) if load else None),
        ("energy", _energy(record)),
        ("weights' pages before", load.page_cache if load else None),
        ("engine", _engine(record)),
        ("noise floor", _noise_floor(record)),
        ("machine", machine_in_full(record)),
        ("instruction sets", ", ".join(machine.cpu_features)),
        ("build", build_name(record)),
        ("software", ", ".join(f"{k} {v}" for k, v in record.software.said().items() if v)),
        ("notes", candidate.notes),
    ]


def _chosen(record: Record) -> str | None:
    chosen = record.candidate.chosen
    if chosen is None:
        return None
    return ", ".join(f"{k}={v}" for k, v in chosen.items()) or "none: all are defaults"


def _noise_floor(record: Record) -> str | None:
    floor = record.noise_floor
    from leaderboard.units import format_percent

    if floor is None:
        return None
    if floor.share is None or floor.largest_nats is None:
        return f"not measured: {floor.reason}"
    return (
        f"{format_percent(floor.share)} of {floor.items} choices change with packing alone (log-"
        f"probabilities by {floor.largest_nats:.2g} nats at most)"
    )


def _energy(record: Record) -> str | None:
    from leaderboard.units import format_number

    energy = record.energy
    if energy is None or energy.source is None:
        return f"not measured: {energy.reason}" if energy else None
    used = ", ".join(f"{phase} {format_number(j)} J" for phase, j in energy.joules.items())
    return f"{used} ({energy.source})"


def _engine(record: Record) -> str | None:
    engine = record.engine
    if engine is None or not engine.distinct_tokens or not engine.scoring_s:
        return None
    saved = engine.raw_tokens / engine.distinct_tokens
    return (
        f"{engine.distinct_tokens:,} tokens evaluated for {engine.raw_tokens:,} read "
        f"({saved:.1f} times fewer), {engine.distinct_tokens / engine.scoring_s:,.0f} tokens/s"
    )
