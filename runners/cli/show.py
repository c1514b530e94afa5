"""`weighin show RUN`: everything about a candidate's runs, or one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli.completion_names import complete_runs
from runners.cli.options import json_option, open_store, store_option
from runners.cli.weights import Weights, check_measured, weights_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from leaderboard.rows.row import Row
    from leaderboard.rows.view import View
    from leaderboard.stats.tails import Tail
    from runners.cli.layout import Grid
    from runners.records.record import Record


@click.command("show")
@click.argument("run", shell_complete=complete_runs)
@store_option
@click.option("--suite", "suite_name", metavar="NAME",
              help="Of a candidate: its newest runs on this suite.")  # fmt: skip
@click.option("--wrong", is_flag=True, help="List every wrong answer to your own questions.")
@weights_option
@json_option
def command(
    run: str,
    weights: Weights,
    store_path: Path | None,
    *,
    suite_name: str | None,
    wrong: bool,
    as_json: bool,
) -> int:
    """Show a candidate with all its repeats, or one run.

    RUN is a candidate (its newest runs, repeats merged), a run id, or its start or end. --json
    prints one record: of a candidate the newest that answered the tasks.
    """
    from leaderboard.rows.conditions import conditions
    from leaderboard.rows.repeats import runs_of
    from leaderboard.rows.row import merged, row
    from leaderboard.rows.view import View
    from runners.cli import own_questions
    from runners.cli.ending import print_ending
    from runners.cli.layout import console, say
    from runners.cli.suite_runs import on_suite, other_suites
    from runners.records.record import Record

    store = open_store(store_path)
    record = store.find(run)
    records = [one for one in store.records() if isinstance(one, Record)]
    if suite_name:
        record = on_suite(records, run, suite_name)
    alone = record.candidate.name != run
    repeats = runs_of(record, records)
    runs = (record,) if alone else repeats
    lead = next((one for one in reversed(runs) if one.accuracy), record)
    if as_json:
        print(json.dumps(lead.model_dump(mode="json")))
        return 0
    out = console()
    rows = [row(record)] if alone else merged(runs)
    check_measured(weights, rows)
    view = View(ability_weights=weights)
    _print_run(out, rows, runs, lead, view)
    for table in own_questions.tables(runs, store, all_of_them=wrong):
        out.print()
        out.print(table)
    if alone and len(repeats) > 1:
        say(out, f"one of {len(repeats)} repeats: weighin show {record.candidate.name}")
    for line in [] if alone else other_suites(records, record):
        say(out, line)
    around = merged([one for one in records if conditions(one) == conditions(record)])
    beside = [one for one in around if one.record.candidate.digest != record.candidate.digest]
    print_ending(out, [*rows, *beside], store, shown=0, view=view)
    return 0


def _print_run(
    out: Console, rows: Sequence[Row], runs: Sequence[Record], lead: Record, view: View
) -> None:
    from leaderboard.rows.flags import said
    from leaderboard.runs.users import several_users
    from runners.cli.ability_table import by_ability
    from runners.cli.context_table import context_lines, context_table
    from runners.cli.layout import COLOURS, say
    from runners.cli.memory_tables import gpu_table, memory_table
    from runners.cli.tables import by_task, notes, results
    from runners.cli.users_table import print_users

    out.print(results(rows))
    for record in runs:
        if record.error:
            text = f"{record.status} in {record.error.phase}: {record.error.message}"
            say(out, text, style=COLOURS["failed"])
        if record.verdict:
            word = record.verdict.verdict
            text = f"verdict: {word}: {record.verdict.reason}"
            say(out, text, style=COLOURS.get(word, ""))
    scored = by_task(rows, out.width) if rows[0].scores else []
    measured = (_latency(runs), memory_table(runs), gpu_table(lead))
    tables = (*measured, by_ability(rows, view), *scored, context_table(lead))
    for table in tables:
        if table is not None:
            out.print()
            out.print(table)
    if users := several_users(runs):
        out.print()
        print_users(out, users)
    out.print()
    flags = dict.fromkeys(f"{flag.name}: {flag.detail}" for run in runs for flag in said(run))
    for line in [*context_lines(lead), *notes(rows), *flags]:
        say(out, line)
    out.print()
    for name, value in _fact_pairs(lead):
        if value not in (None, ""):
            say(out, f"{name}: {value}")


def _latency(runs: Sequence[Record]) -> Grid | None:
    """The requests of all runs together."""
    from leaderboard.rows.requests import workload_tail
    from leaderboard.units import format_number, ms
    from runners.cli.layout import Column, Grid, plain
    from runners.records.latency import FILL, request_latency, summary

    names = dict.fromkeys(name for run in runs for name in run.latency)
    if not names:
        return None
    table = Grid(
        "latency, one request at a time, of all runs; TPOT: time per output token",
        "prompt + new tokens", "n", "TTFT ms, median", "TTFT slow end", "TPOT ms, median",
        Column(heading="prefill tokens/s", drop=2), Column(heading="prefill slow end", drop=3),
        "decode tokens/s", Column(heading="decode slow end", drop=1),
    )  # fmt: skip
    for name in names:
        workloads = [run.latency[name] for run in runs if name in run.latency]
        found = [request_latency(r) for w in workloads for r in w.repeats]
        longest = max(w.prompt_tokens or 0 for w in workloads)
        ttft = summary([one.ttft_s for one in found])
        tpot = [one.tpot_s for one in found if one.tpot_s is not None]
        prefill = [w.prefill_tokens_per_s.p50 for w in workloads if w.prefill_tokens_per_s]
        rates = [one.decode_tokens_per_s for one in found if one.decode_tokens_per_s is not None]
        table.add_row(
            plain(f"{name} ({longest:,})" if name.startswith(FILL) else name),
            str(ttft.n),
            format_number(ms(ttft.p50)),
            _slow(workload_tail(runs, name, "ttft_s", "high"), ms),
            format_number(ms(summary(tpot).p50)) if tpot else "",
            format_number(summary(prefill).p50) if prefill else "",
            _slow(workload_tail(runs, name, "prefill_tokens_per_s", "low")),
            format_number(summary(rates).p50) if rates else "",
            _slow(workload_tail(runs, name, "decode_tokens_per_s", "low")),
        )
    return table


def _slow(found: Tail | None, scale: Callable[[float], float] = float) -> str:
    """A slow end with what it is: `1,473 (maximum)`."""
    from leaderboard.units import format_number

    return "" if found is None else f"{format_number(scale(found.value))} ({found.name})"


def _fact_pairs(record: Record) -> list[tuple[str, Any]]:
    from leaderboard.rows.conditions import build_name, machine_in_full
    from leaderboard.units import format_mib, format_ms, format_percent
    from runners.cli.server_facts import server_pairs

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
        *server_pairs(record),
        ("weights' pages before", load.page_cache if load else None),
        ("engine", _engine(record)),
        ("noise floor", _noise_floor(record)),
        ("divergence", _divergence(record)),
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


def _divergence(record: Record) -> str | None:
    from leaderboard.compare.divergence import divergence, why_no_divergence
    from leaderboard.units import format_mib, format_percent

    found, kept = divergence(record), record.divergence
    if found is None or kept is None:
        why = why_no_divergence(record)
        return f"not measured: {why}" if why else None
    error = "" if found.kl_stderr is None else f" ± {found.kl_stderr:.2g}"
    return (
        f"KL {found.kl_nats:.4f}{error} nats a token from {found.reference}, the same top token at "
        f"{format_percent(found.same_top)} of {found.positions} positions (logits of "
        f"{format_mib(kept.logits_bytes)})"
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
