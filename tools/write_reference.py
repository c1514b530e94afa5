"""Write the README's reference table and plot from the records in results/reference.

    python tools/write_reference.py

Called by `make reference`. Every figure comes from the records; nothing is typed in.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from leaderboard.compare.family import against_largest
from leaderboard.compare.fidelity import Fidelity
from leaderboard.compare.fidelity_words import interval_text, ratio_text
from leaderboard.rows.answers import Answers, read_answers
from leaderboard.rows.metric import longest_workload
from leaderboard.rows.metrics import METRICS
from leaderboard.rows.row import Row, merged
from leaderboard.units import MISSING, format_percent, mib
from runners.cli.tables import measured, notes, with_interval
from runners.records.record import Record
from runners.records.store import Store

HERE = Path(__file__).parent.parent
STORE = HERE / "results" / "reference"
PLOT = HERE / "docs" / "reference.svg"
README = HERE / "README.md"
LADDER_SUITE, APP_SUITE = "core", "builder"
SHOWN = ("ttft", "decode", "memory", "disk", "bits")
BEGIN, END = "<!-- reference -->", "<!-- end of reference -->"
FIDELITY = (
    "perplexity of the answers' texts against f16's: [fidelity](docs/statistics.md#fidelity), "
    "which is closeness and not accuracy"
)
LADDER = (
    "the ladder was made from a 4-bit file: f16 is Q4_1 de-quantised, so that q4_1 is a control "
    "(its weights are f16's) and q8_0 loses nothing by construction; what their ratios show is of "
    "the size of what kernels round"
)
APP_SHOWN = ("ttft", "decode", "memory")
APP = (
    "a model of 135 million parameters does little of this: "
    "the suite is for models that an app could be built on"
)
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 420, 70, 40, 120, 60


def main() -> int:
    """Write both, or say what is missing."""
    records = [r for r in Store(STORE).records() if isinstance(r, Record)]
    done = [record for record in records if record.status == "completed"]
    rows = _on(LADDER_SUITE, done)
    if not rows:
        where = STORE.relative_to(HERE)
        print(f"no completed records of {LADDER_SUITE} in {where}: run `make reference` first")
        return 3
    text = README.read_text(encoding="utf-8")
    app = _on(APP_SUITE, done)
    section = f"{BEGIN}\n{table(rows)}\n{app_table(app) if app else ''}{END}\n"
    pattern = re.compile(f"{re.escape(BEGIN)}.*?(?:{re.escape(END)}\n|(?=\n## ))", re.DOTALL)
    README.write_text(pattern.sub(lambda _: section, text, count=1), encoding="utf-8")
    PLOT.write_text(plot(rows), encoding="utf-8")
    print(f"wrote {len(rows) + len(app)} rows into README.md and {PLOT.relative_to(HERE)}")
    return 0


def _on(suite: str, records: Sequence[Record]) -> list[Row]:
    """Rows of one suite's newest version, the largest candidate first."""
    asked = [record for record in records if record.suite.name == suite]
    newest = max((record.suite.version for record in asked), default=0)
    rows = merged([record for record in asked if record.suite.version == newest])
    return sorted(rows, key=lambda row: -(row.value("disk") or 0))


def table(rows: Sequence[Row]) -> str:
    """The results as Markdown, with what a reader has to know below them."""
    record = rows[0].record
    machine, workload = record.machine, longest_workload(record)
    items = sum(score.n for score in rows[0].scores)
    lines = [
        f"`make reference`: suite `{record.suite.name}` version {record.suite.version}, {items:,} "
        f"items; {machine.cpu_model}, {machine.usable_cpus} cores; "
        f"{record.candidate.runtime} {record.software.runtime_version}; "
        f"{record.created_at[:10]}. Times are of the workload {workload} (prompt + new tokens).",
        "",
        "| candidate | accuracy | perplexity of the answers | TTFT ms | decode tokens/s | peak MiB "
        "| weights MiB | bits/weight |",
        "|---|---|---|---|---|---|---|---|",
    ]
    kept = against_largest([row.record for row in rows], _answers)
    for row in rows:
        cells = [row.record.candidate.name, with_interval(row.score), _ratio(row, kept)]
        cells += [measured(row, METRICS[key]) for key in SHOWN]
        lines.append(f"| {' | '.join(cells)} |")
    flags: dict[str, list[str]] = {}
    for row in rows:
        flags.setdefault(", ".join(row.flags), []).append(row.record.candidate.name)
    flagged = [
        f"{'all' if len(names) == len(rows) else ', '.join(names)}: {text}"
        for text, names in flags.items()
        if text
    ]
    runs = [note for note in notes(rows) if note.startswith("TTFT")]  # the others are of tasks
    below = [FIDELITY, LADDER, *runs, *(f"flagged {text}" for text in flagged)]
    return "\n".join([
        *lines, "", *(f"- {note}" for note in below), "",
        "![accuracy against peak memory](docs/reference.svg)",
    ])  # fmt: skip


def app_table(rows: Sequence[Row]) -> str:
    """What an app asks, as Markdown: tasks down, candidates across."""
    record = rows[0].record
    suite, names = record.suite, [row.record.candidate.name for row in rows]
    scores = [{score.name: score for score in row.scores} for row in rows]
    tasks = [(score.name, score.metric, score.n) for score in rows[0].scores]
    lines = [
        "",
        f"The same for what an app asks: suite `{suite.name}` version {suite.version}, "
        f"{sum(n for _, _, n in tasks)} items; {record.created_at[:10]}.",
        "",
        f"| task | items | {' | '.join(names)} |",
        "|---" * (len(rows) + 2) + "|",
    ]
    for name, metric, n in tasks:
        cells = [with_interval(known.get(name)) for known in scores]
        lines.append(f"| {name} ({metric}) | {n} | {' | '.join(cells)} |")
    lines.append(f"| mean | | {' | '.join(with_interval(row.score) for row in rows)} |")
    for key in APP_SHOWN:
        cells = [measured(row, METRICS[key]) for row in rows]
        lines.append(f"| {METRICS[key].short} {METRICS[key].unit.symbol} | | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"- {APP}", ""])


def _answers(record: Record) -> Answers:
    return read_answers(record, Store(STORE).answers(record))


def _ratio(row: Row, kept: Mapping[str, tuple[Record, Fidelity]]) -> str:
    """The perplexity ratio to the largest, which is 1 by definition."""
    found = kept.get(row.record.run_id)
    if found is None:
        return "1 (reference)"
    ratio, interval = found[1].ratio, found[1].interval
    if ratio is None or interval is None:
        return MISSING
    return f"{ratio_text(ratio)} ({interval_text(interval)})"


def plot(rows: Sequence[Row]) -> str:
    """Accuracy against peak memory as SVG, with the intervals of both."""
    points = [row for row in rows if row.score and row.score.interval and row.value("memory")]
    xs = [mib(row.value("memory") or 0) for row in points]
    lows = [row.score.interval.low for row in points if row.score and row.score.interval]
    highs = [row.score.interval.high for row in points if row.score and row.score.interval]
    x0, x1 = _padded(min(xs), max(xs))
    y0, y1 = _padded(min(lows), max(highs))

    def x(value: float) -> float:
        return LEFT + (value - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">'
        "Accuracy against peak memory (bars: 95 % intervals over items)</text>",
    ]
    for tick in _ticks(x0, x1):
        parts.append(_line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "#eee"))
        parts.append(_text(x(tick), HEIGHT - BOTTOM + 18, f"{tick:,.0f}", "middle"))
    for tick in _ticks(y0, y1):
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "#eee"))
        parts.append(_text(LEFT - 8, y(tick) + 4, format_percent(tick), "end"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 16, "peak memory while serving one user, MiB", "middle"))
    order = sorted(range(len(points)), key=xs.__getitem__)
    for place, number in enumerate(order):
        row, at, low, high = points[number], xs[number], lows[number], highs[number]
        value = row.score.value if row.score and row.score.value is not None else 0.0
        label = row.record.candidate.name.removeprefix(f"{row.record.candidate.family}-")
        parts.append(_line(x(at), y(low), x(at), y(high), "#0072b2"))
        parts.append(f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="6" fill="#0072b2"/>')
        # In turns above and below their bars, so that neighbours' names do not meet.
        beside = y(low) + 16 if place % 2 else y(high) - 6
        parts.append(_text(x(at), beside, label, "middle"))
    return "\n".join([*parts, "</svg>", ""])


def _padded(low: float, high: float) -> tuple[float, float]:
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10 ** len(str(int(rough))) / 10 if rough >= 1 else 0.01
    step = next((power * m for m in (1, 2, 5, 10) if power * m >= rough), power * 10)
    first = int(low / step) + 1
    return [step * number for number in range(first, int(high / step) + 1)]


def _line(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    sys.exit(main())
