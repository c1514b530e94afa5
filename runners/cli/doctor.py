"""`weighin doctor`: what this machine can run and measure, and what would help."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from runners.cli import EXIT_FAILED
from runners.cli.options import json_option, open_store, store_option

ADVICE_INDENT = "    "


@click.command("doctor")
@click.option("--network", is_flag=True, help="Also ask the package index and the model hub.")
@store_option
@json_option
def command(store_path: Path | None, *, network: bool, as_json: bool) -> int:
    """Look at this machine: what can be run and measured here, and what would help.

    `ok`; `limited`: runs work, something is not measured, not enforced or not quiet; `missing`:
    `weighin run` needs it (then the exit code is 3). Uses no network without --network.
    """
    from leaderboard.units import format_gib
    from runners.doctor.check import lacking
    from runners.doctor.checkup import checkup

    checks = list(checkup(open_store(store_path).root, format_gib, online=network))
    if as_json:
        print(json.dumps([dataclasses.asdict(check) for check in checks]))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{check.status:<8}{check.name:<{width}}  {check.found}")
            if check.advice:
                print(f"{ADVICE_INDENT}-> {check.advice}")
    missing = lacking(checks)
    if missing:
        click.echo(f"weighin: missing here: {', '.join(missing)}", err=True)
    return EXIT_FAILED if missing else 0
