"""`weighin compare A B`: what changed, on every axis, paired."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runners.cli.completion_names import complete_runs_or_candidates
from runners.cli.conclusion import conclusion, told
from runners.cli.fidelity_table import fidelity_dict, fidelity_lines, fidelity_table
from runners.cli.help import examples
from runners.cli.options import insist_option, json_option, open_store, store_option

if TYPE_CHECKING:
    from rich.text import Text

    from leaderboard.compare.comparison import Comparison
    from leaderboard.compare.run_metrics import AxisComparison
    from leaderboard.stats.paired_means import PairedDifference
    from runners.cli.layout import Grid

MOST_MISSING = 5
ACROSS = (
    "compared on the same items although conditions differ; other kernels change a few choices (as "
    "many as the noise floor, as a rule)"
)


@click.command("compare", epilog=examples(
    ("weighin compare q4_1 q4_0", "two candidates of the store"),
    ("weighin compare RUN RUN", "two runs, by the ends of their ids"),
    ("weighin compare folder/a folder/b", "of other folders"),
))  # fmt: skip
@click.argument(
    "sides", nargs=-1, required=True, metavar="A B…", shell_complete=complete_runs_or_candidates
)
@store_option
@insist_option
@json_option
def command(sides: tuple[str, ...], store_path: Path | None, *, insist: bool, as_json: bool) -> int:
    """Compare two to four candidates or runs, each with the first: accuracy item by item, times
    and memory run by run.

    A and B are candidates (their newest runs, under conditions that both were measured under where
    there are such), run ids (that invocation's repeats), or folders of records, e.g. of another
    machine: FOLDER, or FOLDER/CANDIDATE.
    """
    from leaderboard.compare.comparison import MOST_SIDES, compare
    from leaderboard.compare.sides import check_apart
    from runners.cli.sides import find_side, fitting

    if not 2 <= len(sides) <= MOST_SIDES:
        raise click.UsageError(f"{len(sides)} given: compare two to {MOST_SIDES}")
    store = open_store(store_path)
    first, *others = (find_side(text, store) for text in sides)
    others = [
        fitting(text, store, side, first) for text, side in zip(sides[1:], others, strict=True)
    ]
    named = [fitting(sides[0], store, first, others[0]), *others]
    check_apart([side.runs for side in named])
    found = compare(named, insist=insist)
    if as_json:
        print(json.dumps([as_dict(comparison) for comparison in found]))
        return 0
    for comparison in found:
        _print(comparison)
    return 0


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """One comparison as JSON; of the runs their ids, of the items those that differ."""
    fields = {f.name: getattr(comparison, f.name) for f in dataclasses.fields(comparison)}
    for side in ("reference", "other"):
        record = fields[side]
        fields[side] = {"run_id": record.run_id, "candidate": record.candidate.name}
    plain = {name: _plain(value) for name, value in fields.items()}
    return {**plain, "fidelity": fidelity_dict(comparison.fidelity)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _print(comparison: Comparison) -> None:
    from runners.cli.layout import console, say

    names = [r.candidate.name for r in (comparison.reference, comparison.other)]
    if names[0] == names[1]:
        names = [comparison.reference.run_id, comparison.other.run_id]
    out = console()
    kept = comparison.fidelity
    if kept and kept.loss:
        title = f"answers: {names[1]} (other) against {names[0]} (first), the same texts"
        out.print(fidelity_table(kept, title))
        for line in fidelity_lines(kept):
            say(out, line)
        out.print()
    out.print(_accuracy(comparison, names))
    if not all(task.by_item for task in comparison.tasks):
        out.print(_outside(comparison))
    out.print()
    out.print(_axes(comparison))
    out.print()
    for line in _notes(comparison):
        say(out, line)
    out.print()
    say(out, conclusion(comparison, names), style="bold")


def _accuracy(comparison: Comparison, names: list[str]) -> Grid:
    from leaderboard.units import format_percent
    from runners.cli.layout import Column, Grid, plain

    table = Grid(
        f"accuracy, %: {names[1]} (other) against {names[0]} (first), the same items", "task",
        Column(heading="items", drop=3), "first", "other", "difference, points", "95% interval",
        Column(heading="gained", drop=4), Column(heading="lost", drop=4),
        Column(heading="p adjusted", drop=2), Column(heading="detectable, points", drop=1),
    )  # fmt: skip
    for task in comparison.tasks:
        if task.paired:
            values = [format_percent(v).rstrip("%") for v in (task.reference, task.other)]
            p = "" if task.p_adjusted is None else f"{task.p_adjusted:.2g}"
            table.add_row(plain(f"{task.name} ({task.metric})"), *_cells(task.paired, values, p))
    if comparison.overall and len(comparison.tasks) > 1:
        table.add_section()
        table.add_row("mean over tasks", *_cells(comparison.overall, ["", ""], ""))
    return table


def _outside(comparison: Comparison) -> Grid:
    """Scores that enter no mean: both values, and of perplexities their ratio."""
    from leaderboard.stats.likelihoods import times
    from leaderboard.units import MISSING, format_number
    from runners.cli.layout import Column, Grid, plain

    table = Grid(
        "scores that enter no mean; perplexities by the same documents' log-likelihoods", "task",
        Column(heading="documents", drop=1), "first", "other", "perplexity ratio",
        "95% interval",
    )  # fmt: skip
    for task in comparison.tasks:
        if task.by_item:
            continue
        found = task.likelihood
        ratio = interval = MISSING
        if found:
            ratio = f"{times(found.loss):.4g}"
            if found.interval:
                low, high = times(found.interval.low), times(found.interval.high)
                interval = f"{low:.4g} to {high:.4g}"
        table.add_row(
            plain(f"{task.name} ({task.metric})"),
            f"{found.documents:,}" if found else MISSING,
            *(format_number(value) for value in task.recorded),
            ratio,
            interval,
        )
    return table


def _cells(paired: PairedDifference, values: list[str], p: str) -> list[str]:
    interval = paired.interval
    could = "nothing" if paired.detectable is None else f"{100 * paired.detectable:.1f}"
    return [
        f"{paired.n:,}",
        *values,
        f"{100 * paired.difference:+.1f}",
        f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}",
        str(paired.gained),
        str(paired.lost),
        p,
        could,
    ]


def _axes(comparison: Comparison) -> Grid:
    from leaderboard.gate.words import name, value
    from leaderboard.units import MISSING
    from runners.cli.layout import Column, Grid

    table = Grid(
        "times, memory and size", "axis", Column(heading="runs", drop=2), "first", "other",
        "ratio", "95% interval", Column(heading="detectable", drop=1), "better",
    )  # fmt: skip
    for axis in comparison.axes:
        if axis.reference is None and axis.other is None:
            continue
        metric = f"{axis.axis}:{axis.workload}" if axis.workload else axis.axis
        what = name(metric).replace("decode time per token", "decode")
        ratio = axis.ratio
        runs = interval = could = MISSING
        if ratio:
            runs = f"{ratio.reference_runs}, {ratio.other_runs}"
            if ratio.paired:
                runs = f"{ratio.reference_runs} pairs"
            if ratio.interval:
                interval = f"{ratio.interval.low:.3f} to {ratio.interval.high:.3f}"
            if ratio.detectable:
                could = f"{100 * (ratio.detectable - 1):.1f}%"
        table.add_row(
            what,
            runs,
            value(metric, axis.reference),
            value(metric, axis.other),
            f"{ratio.ratio:.3f}" if ratio else MISSING,
            interval,
            could,
            _better(axis),
        )
    return table


def _better(axis: AxisComparison) -> Text:
    """The better side, in the colour of what that means for the other."""
    from runners.cli.layout import state

    shown = {"better": ("improved", "other"), "worse": ("regressed", "first")}
    word = told(axis)
    return state(*shown.get(word, (word, word)))


def _conditions(comparison: Comparison) -> list[str]:
    """Machine, build and budget of both sides."""
    from leaderboard.rows.conditions import budget_name, build_name, machine_in_full

    sides = {"first": comparison.reference, "other": comparison.other}
    where = {
        which: f"{machine_in_full(run)}; {build_name(run)}; {budget_name(run)}"
        for which, run in sides.items()
    }
    if len(set(where.values())) == 1:
        return [f"both: {where['first']}"]
    return [f"{which}: {text}" for which, text in where.items()]


def _notes(comparison: Comparison) -> list[str]:
    from leaderboard.stats.group_sequential import LEVEL

    lines = [*_conditions(comparison)]
    if comparison.accuracy_level < LEVEL:
        lines.append(
            "accuracy: the 95% of its intervals hold over all looks and pairs of the comparison "
            "that was given a time"
        )
    lines += [
        f"prompts differ (allowed by --allow-different-prompts): {m.text}"
        for m in comparison.mismatches
    ]
    lines += [
        f"{task.name}: {task.reason}"
        for task in comparison.tasks
        if task.reason and not task.likelihood
    ]
    if comparison.fidelity and comparison.fidelity.reason:
        lines.append(f"fidelity: {comparison.fidelity.reason}")
    if comparison.overall is None and comparison.overall_reason:
        lines.append(f"no mean over tasks: {comparison.overall_reason}")
    for task in comparison.tasks:
        sides = (("the first", task.only_reference), ("the other", task.only_other))
        for side, keys in sides:
            if keys:
                shown = ", ".join(str(key.doc_id) for key in keys[:MOST_MISSING])
                more = ", …" if len(keys) > MOST_MISSING else ""
                lines.append(
                    f"{task.name}: {len(keys)} items only {side} answered, left out: {shown}{more}"
                )
    known = [a for a in comparison.axes if (a.reference, a.other) != (None, None)]
    reasons = dict.fromkeys(axis.reason for axis in known if axis.reason)
    if comparison.unlike:
        reasons.pop(comparison.unlike.partition(" (")[0], None)
        lines.append(f"times and memory: {comparison.unlike}")
    lines += [f"times and memory: {reason}" for reason in reasons]
    if comparison.unlike:
        lines.append(f"accuracy: {ACROSS}")
    if any(
        axis.ratio and axis.ratio.interval and not axis.ratio.paired for axis in comparison.axes
    ):
        lines.append("times and memory: runs are not interleaved, so drift is not in the intervals")
    lines.append("p adjusted: exact McNemar test, Benjamini-Hochberg over the tasks")
    lines.append("detectable: minimum detectable difference (80% power)")
    return lines
