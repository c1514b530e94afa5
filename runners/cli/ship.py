"""`weighin ship`: which of the measured candidates to ship, as the board answers it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evals.errors import RecordError, did_you_mean
from leaderboard.rows.view import PREFERENCES
from runners.cli import EXIT_FAILED
from runners.cli.completion_names import complete_suites
from runners.cli.options import json_option, open_store, size_option, store_option, time_option
from runners.cli.weights import check_measured, weights_option

if TYPE_CHECKING:
    from leaderboard.choose.choice import Standing
    from leaderboard.choose.overview import Overview
    from leaderboard.rows.row import Row
    from leaderboard.rows.selection import Selection
    from leaderboard.rows.view import View


@click.command("ship", epilog="""\b
Examples:
  weighin ship                              of what this machine measured
  weighin ship --memory 512MiB --decode 20  within limits
  weighin ship --prefer fastest             of those that tie, the fastest
  weighin ship --fidelity 2%                no damaged quantisation
  weighin ship --weights tools=3,code=1     what an app needs it for
  weighin ship --store DIR --json           for a script
""")  # fmt: skip
@click.option("--memory", callback=size_option, metavar="SIZE",
              help="Most peak memory, in the largest of its runs, e.g. 512MiB.")  # fmt: skip
@click.option("--decode", type=click.FloatRange(min=0), metavar="N",
              help="Slowest decode, in tokens/s.")  # fmt: skip
@click.option("--ttft", callback=time_option, metavar="TIME",
              help="Latest first token, with the longest prompt, e.g. 2s or 500ms.")  # fmt: skip
@click.option("--prefer", type=click.Choice(PREFERENCES), default="smallest",
              help="Choose among those that tie with the most accurate; default: "
              "smallest.")  # fmt: skip
@click.option("--fidelity", metavar="PERCENT",
              help="By how much more perplexing a quantisation's answers may be than those of its "
              "family's largest, e.g. 2%; default: any, and the price is named.")  # fmt: skip
@weights_option
@click.option("--suite", metavar="NAME", shell_complete=complete_suites,
              help="Default: the one with the most candidates that measures what is weighed."
              )  # fmt: skip
@store_option
@json_option
@click.option("--markdown", is_flag=True, help="Print Markdown, e.g. for a README.")
def command(store_path: Path | None, suite: str | None, **options: Any) -> int:
    """Say which of the measured candidates to ship, at which price, and how sure that is.

    Ships the preferred one of those without a significant accuracy difference from the most
    accurate that keeps to the limits: on this machine if it has runs, else on the one that was
    measured last. Exits 3 where none fits.
    """
    from leaderboard.pages.checks.alarms import failed_check
    from leaderboard.pages.overview.page import measured
    from leaderboard.pages.stored import StoredLibrary

    root = open_store(store_path).root
    library = StoredLibrary([root])
    view = _view(options)
    selection = select_rows(library.rows(), view, suite)
    if selection is None:
        raise RecordError(f"store {root}: no record can be read; is it the right --store?")
    check_measured(view.ability_weights, selection.rows)
    found = library.overview(selection, view)
    if options["as_json"]:
        print(json.dumps({**as_dict(found), **_by_ability(found, view)}))
    elif options["markdown"]:
        from runners.cli.export_judged import table_text

        print(table_text(selection, found, "markdown", view), end="")
    else:
        from runners.cli.ending import say_answer
        from runners.cli.layout import console, say

        out = console()
        say_answer(out, found)
        if failed := failed_check(library, found.choice.row):
            say(out, failed)
        say(out, " ".join(filter(None, (found.basis, measured(selection)))))
    return 0 if found.choice.row else EXIT_FAILED


def select_rows(rows: Sequence[Row], view: View, suite: str | None) -> Selection | None:
    """The rows of a suite that may be judged together: this machine's, if it has any.

    Args:
        rows: of all conditions.
        view: limits and preference.
        suite: a name; None: the suite with the most candidates.

    Raises:
        click.UsageError: no row is of that suite.
    """
    from leaderboard.rows.selection import select
    from runners.compute.machine import machine

    names = dict.fromkeys(row.record.suite.name for row in rows)
    if suite is not None and suite not in names:
        raise click.UsageError(f'--suite "{suite}": no run of it here{did_you_mean(suite, names)}')
    asked = [row for row in rows if suite in (None, row.record.suite.name)]
    return select(asked, view, here=machine().fingerprint)


def as_dict(found: Overview) -> dict[str, Any]:
    """The answer as JSON: shares, bytes and seconds; what is not known is null."""
    choice, answer = found.choice, found.answer
    record = choice.row.record if choice.row else None
    return {
        "ship": record.candidate.name if record else None,
        "run": record.run_id if record else None,
        "claim": answer.claim,
        "evidence": answer.evidence,
        "nexts": list(answer.nexts),
        "warnings": list(answer.warnings),
        "basis": found.basis,
        "prefer": choice.prefer,
        "certainty": choice.certainty,
        "tied": [row.record.candidate.name for row in choice.tied],
        "against": None
        if choice.against is None or choice.other is None
        else {
            "candidate": choice.other.record.candidate.name,
            "difference": choice.against.difference,
            "low": choice.against.interval.low,
            "high": choice.against.interval.high,
        },
        "fitting": [_standing(one) for one in choice.standings],
        "refused": {
            one.row.record.candidate.name: [reason.text for reason in one.reasons]
            for one in choice.admission.refused
        },
    }


def _by_ability(found: Overview, view: View) -> dict[str, Any]:
    """Weights of abilities as shares, and each candidate's score in them; nothing without any."""
    from leaderboard.rows.abilities import abilities, ability_score, counted

    rows = [line.row for line in found.lines]
    members = abilities(rows)
    weights = counted(view, members)
    if not weights:
        return {}
    total = sum(weights.values())
    return {
        "weights": {name: weight / total for name, weight in weights.items()},
        "abilities": {
            row.record.candidate.name: {
                name: ability_score(row, tasks, {}).value for name, tasks in members.items()
            }
            for row in rows
        },
    }


def _standing(one: Standing) -> dict[str, Any]:
    from leaderboard.rows.metrics import METRICS

    row = one.row
    return {
        "candidate": row.record.candidate.name,
        "run": row.record.run_id,
        "accuracy": one.accuracy,
        "accuracy_expected": one.expected,
        "shortfall": one.shortfall,
        "meets_limits": one.fits,
        **{METRICS[key].name: row.value(key) for key in ("memory", "decode", "ttft")},
    }


def _view(options: dict[str, Any]) -> View:
    from leaderboard.rows.metrics import METRICS
    from leaderboard.rows.view import View

    asked = {"ttft_tail": options["ttft"], "decode": options["decode"], "memory": options["memory"]}
    return View(
        limits=tuple(
            (key, METRICS[key].unit.scale(limit))
            for key, limit in asked.items()
            if limit is not None
        ),
        prefer=options["prefer"],
        perplexity_percent=_percent(options["fidelity"]),
        ability_weights=options["weights"],
    )


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = -1.0
    if not 0 < found <= 1000:
        raise click.UsageError(f"--fidelity {text}: not a percentage above 0, e.g. 2%")
    return found
