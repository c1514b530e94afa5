"""`weighin check`: the regression gate. Exit 0 pass, 1 regressed, 2 cannot tell."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from evals.errors import RecordError
from evals.replacing import replaced_file
from runners.cli import EXIT_FAILED, refusal
from runners.cli.asking import ASKED
from runners.cli.completion_names import complete_runs_or_candidates
from runners.cli.help import GroupedCommand, examples
from runners.cli.options import (
    accept_option,
    insist_option,
    json_option,
    offline_option,
    open_store,
    store_option,
    suite_options,
    trust_code_option,
    typed,
)

if TYPE_CHECKING:
    from leaderboard.compare.comparison import Side
    from leaderboard.gate.gate import Gate
    from leaderboard.gate.policy import Policy
    from runners.cli.layout import Column
    from runners.records.store import Store

PAIRS = 10
TIMEOUT_S = 600.0


@click.command("check", cls=GroupedCommand, epilog=examples(
    ("weighin check a.gguf --against results/baselines/a --rerun", "measure both sides now"),
    ("weighin check a --against RUN", "runs that are stored"),
    ("weighin check a --against b --github --junit report.xml", "in CI"),
))  # fmt: skip
@click.argument("candidate", shell_complete=complete_runs_or_candidates)
@click.option("--against", required=True, metavar="BASELINE",
              shell_complete=complete_runs_or_candidates,
              help="A folder of records (results/baselines/NAME), a run id, or a "
              "candidate.")  # fmt: skip
@click.option("--policy", "policy_path", type=click.Path(path_type=Path), metavar="FILE",
              help="Margins and severities; docs/gate.md has the defaults.")  # fmt: skip
@store_option
@click.option(
    "--rerun", is_flag=True, help="Run both now, interleaved, instead of reading stored runs."
)
@click.option("--pairs", type=click.IntRange(min=1), metavar="N",
              help="With --rerun: runs of each side, fixed in advance (default: "
              f"{PAIRS}).")  # fmt: skip
@suite_options
@insist_option
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write JUnit XML.")  # fmt: skip
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a Markdown summary.")  # fmt: skip
@click.option(
    "--github",
    is_flag=True,
    help="Print GitHub annotations, and append the summary to $GITHUB_STEP_SUMMARY.",
)
@accept_option
@trust_code_option
@offline_option
@json_option
def command(candidate: str, against: str, **options: Any) -> int:
    """Check CANDIDATE for regressions against a baseline: pass, regressed or cannot tell.

    CANDIDATE is a candidate (its newest runs in the store, on the suite of BASELINE where it was
    asked that), a run id, a folder of records or
    FOLDER/CANDIDATE. Times and memory are judged between runs on one machine, in one build of the
    runtime; --rerun measures both sides here and now.
    The suite's options choose what --rerun asks (default: what the baseline was asked); both sides
    run inside the budget that a recorded baseline ran inside.
    """
    from leaderboard.gate.gate import judge
    from leaderboard.gate.past import write_gate
    from leaderboard.gate.policy import Policy, read_policy
    from leaderboard.gate.report import as_dict, exit_code

    if options["as_json"] and options["github"]:
        raise click.UsageError("give --json or --github, not both: each has stdout for itself")
    policy = read_policy(options["policy_path"]) if options["policy_path"] else Policy()
    store = open_store(options["store_path"])
    baseline, measured = _sides(candidate, against, store, policy, options)
    gate = judge(baseline, measured, policy, insist=options["insist"])
    _check_that_it_can_fail(gate)
    report = as_dict(gate, created_at=datetime.now(UTC).isoformat(timespec="seconds"))
    unwritten = _write(gate, options)
    if options["as_json"]:
        print(json.dumps(report))
    else:
        _print(gate)
    try:
        write_gate(store.root, report)
    except RecordError as error:
        # A store that can be read and not written, as in CI, is no reason to have no verdict.
        print(f"weighin: the report is not kept for the board: {error}", file=sys.stderr)
    for message in unwritten:
        print(f"weighin: {message}", file=sys.stderr)
    return exit_code(gate) or (EXIT_FAILED if unwritten else 0)


def _sides(
    candidate: str, against: str, store: Store, policy: Policy, options: dict[str, Any]
) -> tuple[Side, Side]:
    """Baseline and candidate, stored or measured now."""
    from runners.cli.sides import find_side, fitting

    if not options["rerun"]:
        given = [
            f"--{name.replace('_', '-')}"
            for name in ("pairs", "tasks", "questions", "limit", "seed", *ASKED)
            if options[name] is not None
        ]
        if given or options["suite_name"]:
            raise click.UsageError(
                f"{(given or ['--suite'])[0]} is for --rerun: stored runs are judged as they are"
            )
        baseline = find_side(against, store)
        shared = {run.run_id for run in baseline.runs}
        measured = find_side(candidate, store, but=shared)
        baseline = fitting(against, store, baseline, measured)
        asked = baseline.runs[-1].suite.digest
        if measured.runs[-1].suite.digest != asked:
            measured = find_side(candidate, store, but=shared, suite=asked)
        return baseline, measured
    return _measured(candidate, against, store, policy, options)


def _measured(
    candidate: str, against: str, store: Store, policy: Policy, options: dict[str, Any]
) -> tuple[Side, Side]:
    from evals.tasks.quiet import go_offline
    from leaderboard.gate.policy import fewest_pairs
    from runners.cli.progress import ProgressLines
    from runners.cli.rerun import measure, plan
    from runners.jobs.job import Options
    from runners.records.store import GATES, Store

    pairs = options["pairs"] or PAIRS
    if pairs < fewest_pairs(policy.alpha):
        raise click.UsageError(
            f"--pairs {pairs} cannot show a regression at alpha {policy.alpha:g}: at least "
            f"{fewest_pairs(policy.alpha)} pairs are needed"
        )
    if options["offline"]:
        go_offline()
    planned = plan(candidate, against, store, options)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    run_options = Options(
        store=Store(store.root / GATES / name),
        command=typed(),
        timeout_s=TIMEOUT_S,
    )
    return measure(planned, pairs, run_options, options, ProgressLines())


def _check_that_it_can_fail(gate: Gate) -> None:
    """A gate that would be green whatever happened is a mistake, not an answer."""
    deciding = [j for j in gate.judged if j.severity == "fail"]
    if gate.failure or not all(j.refused for j in deciding):
        return
    from leaderboard.gate.words import sentence

    if not deciding:
        raise RecordError("this gate cannot fail: the policy lets no metric of these runs decide")
    raise RecordError(f"this gate cannot fail: {sentence(deciding[0])}")


def _write(gate: Gate, options: dict[str, Any]) -> list[str]:
    """Write the reports that were asked for; why some of them could not be written."""
    from leaderboard.gate.ci import github_annotations, junit, markdown

    wanted: list[tuple[Path, Literal["w", "a"], str]] = []
    if options["junit"]:
        wanted.append((options["junit"], "w", junit(gate)))
    if options["markdown"]:
        wanted.append((options["markdown"], "w", markdown(gate)))
    if options["github"]:
        print("\n".join(github_annotations(gate)))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            wanted.append((Path(summary), "a", markdown(gate)))
    return [message for one in wanted if (message := _unwritten(*one))]


def _unwritten(path: Path, mode: Literal["w", "a"], text: str) -> str:
    try:
        if mode == "a":  # the step's own file, to which others write, too
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            with replaced_file(path) as made:
                made.write_text(text, encoding="utf-8")
    except OSError as error:
        return refusal(error, path)
    return ""


def _print(gate: Gate) -> None:
    """The verdict first, then the metrics, worst first."""
    from leaderboard.gate.report import cells, left_out, notes, runs_judged, shown, verdict_line
    from leaderboard.gate.words import sentence, word
    from runners.cli.layout import COLOURS, Grid, console, plain, say, state

    out = console()
    say(out, verdict_line(gate), style=f"bold {COLOURS[gate.verdict]}")
    rows = shown(gate)
    if rows:
        table = Grid("", *_columns())
        for judged in rows:
            metric, verdict, *others = cells(judged)
            table.add_row(plain(metric), state(word(judged), verdict), *map(plain, others))
        out.print()
        out.print(table)
        out.print()
    for judged in rows:
        told = judged.verdict == "regressed" or judged.severity == "fail"
        if told and judged.verdict != "pass":
            say(out, sentence(judged), style=COLOURS[word(judged)])
    for note in [*left_out(gate), *notes(gate), f"runs: {runs_judged(gate)}"]:
        say(out, note)


def _columns() -> list[Column]:
    """The headings of a report, and how they give way."""
    from leaderboard.gate.report import HEADINGS
    from runners.cli.layout import Column

    drop = {"detectable": 4, "allowed": 3, "baseline": 1, "candidate": 2}
    left = ("metric", "verdict", "severity")
    return [Column(heading=h, drop=drop.get(h, 0), left=h in left) for h in HEADINGS]
