"""The ranked table for a README or a paper: Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leaderboard.choose.overview import Line
from leaderboard.pages.overview.cells import Cell, rank_text
from leaderboard.pages.overview.columns import Column
from leaderboard.text import plain

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~$])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{EN DASH}": "--",
}


def markdown(lines: Sequence[Line], columns: Sequence[Column], notes: Sequence[str]) -> str:
    """A table of GitHub's Markdown with notes below it.

    Args:
        lines: a candidate each, in order.
        columns: after rank and name.
        notes: sentences: what was measured where, and the answer.
    """
    heads, rows = _cells(lines, columns)
    marks = ["--:", "---", *("--:" if column.number else "---" for column in columns)]
    table = [
        _row([_markdown(head) for head in heads]),
        f"|{'|'.join(marks)}|",
        *(_row([_markdown(cell) for cell in row]) for row in rows),
    ]
    return "\n".join([*table, "", *(_markdown(note) + "\n" for note in notes)])


def latex(lines: Sequence[Line], columns: Sequence[Column], notes: Sequence[str]) -> str:
    r"""A `tabular` for the package booktabs, notes as comments above it.

    Args:
        lines: a candidate each, in order.
        columns: after rank and name.
        notes: sentences: what was measured where, and the answer.
    """
    heads, rows = _cells(lines, columns)
    kinds = "rl" + "".join("r" if column.number else "l" for column in columns)
    return "\n".join(
        [
            *(f"% {plain(note)}" for note in notes),
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            " & ".join(_latex(head) for head in heads) + r" \\",
            r"\midrule",
            *(" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _cells(lines: Sequence[Line], columns: Sequence[Column]) -> tuple[list[str], list[list[str]]]:
    """The heads of the columns, rank and name first, and the cells of each line."""
    heads = [f"{one.header}, {one.unit}" if one.unit else one.header for one in columns]
    rows = [
        [
            rank_text(line),
            line.row.record.candidate.name,
            *(_cell(one.cell(line)) for one in columns),
        ]
        for line in lines
    ]
    return ["rank", "candidate", *heads], rows


def _cell(cell: Cell) -> str:
    return f"{cell.text} \N{PLUS-MINUS SIGN} {cell.spread}" if cell.spread else cell.text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: object) -> str:
    return _MARKDOWN.sub(r"\\\1", plain(text))


def _latex(text: object) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in plain(text))
