"""`weighin fetch`: bring weights and data into the cache."""

from __future__ import annotations

import json
from typing import Any

import click

from runners.cli import EXIT_FAILED
from runners.cli.completion_names import complete_candidates, complete_suites
from runners.cli.options import (
    DEFAULT_CANDIDATE,
    accept_option,
    choose_candidates,
    json_option,
)
from runners.cli.progress import ProgressLines


@click.command("fetch")
@click.argument("candidates", nargs=-1, metavar="[CANDIDATE]…", shell_complete=complete_candidates)
@click.option("--suite", "suite_name", metavar="NAME|FILE", shell_complete=complete_suites,
              help="Fetch this suite's data, too.")  # fmt: skip
@accept_option
@json_option
def command(
    candidates: tuple[str, ...], suite_name: str | None, accepted: tuple[str, ...], *, as_json: bool
) -> int:
    """Bring weights (and a suite's data) into the cache, and quantise what is made here.

    With neither, the embedded default and the suite quick. After it, `weighin run --offline` needs
    no network for the same candidates and suite.
    """
    from evals.errors import WeighinError
    from evals.suites import find_suite
    from evals.tasks.load import load_suite
    from leaderboard.units import format_mib
    from runners.candidates import weights

    if not candidates and not suite_name:
        candidates, suite_name = (DEFAULT_CANDIDATE,), "quick"
    progress = ProgressLines()
    lines: list[dict[str, Any]] = []
    failed = False
    for candidate in choose_candidates(candidates, trust_code=True) if candidates else ():
        try:
            found = weights.resolve(
                candidate, accepted=frozenset(accepted), progress=progress.transfer
            )
        except WeighinError as error:
            failed = True
            progress.say(f"{candidate.name}: {error}")
            continue
        lines.append({
            "candidate": candidate.name, "path": str(found.path), "bytes": found.bytes,
            "sha256": found.sha256,
        })  # fmt: skip
        progress.end()
        if not as_json:
            print(f"{candidate.name}: {format_mib(found.bytes)}, {found.path}")
    if suite_name:
        try:
            tasks = load_suite(find_suite(suite_name), progress=progress.transfer)
        except WeighinError as error:
            failed = True
            progress.say(str(error))
        else:
            progress.end()
            if not as_json:
                print(f"suite {suite_name}: data of {len(tasks)} tasks is here")
    if as_json:
        print(json.dumps(lines))
    return EXIT_FAILED if failed else 0
