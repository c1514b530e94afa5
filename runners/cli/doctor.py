"""`weighin doctor`: what this machine can run and measure, and what would help."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli import EXIT_FAILED, say
from runners.cli.options import json_option, open_store, store_option

if TYPE_CHECKING:
    from runners.doctor.check import Check
    from runners.doctor.recovery import Recovery


@click.command("doctor")
@click.option("--network", is_flag=True, help="Also ask the package index and the model hub.")
@click.option("--measure", is_flag=True,
              help="Instead, measure known amounts of memory and time and say what was found "
              "(10 s; leave the machine alone).")  # fmt: skip
@store_option
@json_option
def command(store_path: Path | None, *, network: bool, measure: bool, as_json: bool) -> int:
    """Look at this machine: what can be run and measured here, and what would help.

    The first line says whether it is ready. Of each check: `ok`; `limited`: runs work, something
    is not measured, not enforced or not quiet; `missing`: `weighin run` needs it (then the exit
    code is 3). The runtime of GGUF weights computes for a second. Uses no network without
    --network.
    """
    if measure:
        return _measure(as_json=as_json)
    from leaderboard.units import format_gib
    from runners.doctor.check import lacking
    from runners.doctor.checkup import checkup

    checks = list(checkup(open_store(store_path).root, format_gib, online=network))
    if as_json:
        print(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        _print(checks)
    missing = lacking(checks)
    if missing:
        say(f"missing here: {', '.join(missing)}")
    return EXIT_FAILED if missing else 0


def _print(checks: Sequence[Check]) -> None:
    """The summary, then each check with further lines under its first."""
    from evals.terminal import wrapped
    from runners.cli.layout import COLOURS, console, plain, state
    from runners.doctor.check import lacking, summary

    out = console()
    colour = COLOURS["missing" if lacking(checks) else "ready"]
    for line in wrapped(summary(checks), out.width):
        out.print(plain(line), style=f"bold {colour}", soft_wrap=True)
    names = max(len(check.name) for check in checks)
    indent = 8 + names + 2
    for check in checks:
        lines = wrapped(check.found, max(20, out.width - indent), 0)
        if check.advice:
            lines += wrapped(f"-> {check.advice}", max(20, out.width - indent), 3)
        head = state(check.status, f"{check.status:<8}")
        head.append(f"{check.name:<{names}}  ", style="default")
        for number, line in enumerate(lines):
            out.print((head if not number else plain(" " * indent)) + plain(line), soft_wrap=True)


def _measure(*, as_json: bool) -> int:
    from runners.doctor.recovery import recover_memory, recover_served, recover_times

    say("measuring known amounts with the runtime fake and the mock server")
    found = [*recover_memory(), *recover_times(), *recover_served()]
    if as_json:
        print(json.dumps([_plain(one) for one in found]))
    else:
        _print_recoveries(found)
    lost = [one.name for one in found if not one.ok]
    if lost:
        say(f"not found as it is: {', '.join(lost)}")
    return EXIT_FAILED if lost else 0


def _plain(one: Recovery) -> dict[str, Any]:
    return {**dataclasses.asdict(one), "error": one.error, "bar": one.bar, "ok": one.ok}


def _print_recoveries(found: Sequence[Recovery]) -> None:
    from evals.terminal import wrapped
    from leaderboard.units import format_mib, format_ms
    from runners.cli.layout import Grid, console, plain, state

    table = Grid("", "known amount", "expected", "measured", "error", "at most", "")
    for one in found:
        text = format_mib if one.unit == "bytes" else format_ms
        numbers = [text(value) for value in (one.expected, one.measured, one.error, one.bar)]
        table.add_row(plain(one.name), *numbers, state("ok" if one.ok else "missed"))
    out = console()
    out.print(table)
    for one in found:
        if not one.ok and one.why:
            lines = wrapped(f"{one.name}: {one.why}", out.width)
            out.print(plain("\n".join(lines)), soft_wrap=True)
