"""A gate as a CI service reads it: Markdown summary, JUnit XML, GitHub annotations.

What stands in a record is data here: no name of a candidate ends a table, a tag or a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from leaderboard.gate.gate import Gate
from leaderboard.gate.report import HEADINGS, cells, exit_code, headline, notes
from leaderboard.gate.verdicts import Judged
from leaderboard.gate.words import name, sentence, worst_first

MARKS = {"pass": "✅", "regressed": "❌", "cannot tell": "❔"}
# Source: `escapeData` and `escapeProperty` of GitHub's actions toolkit.
_IN_TEXT = "%\r\n"
_IN_A_PROPERTY = "%\r\n:,"


def markdown(gate: Gate) -> str:
    """A summary of a CI step: what decides first, the rest folded away."""
    lines = [f"### {MARKS[gate.verdict]} {_cell(headline(gate))}", ""]
    deciding = worst_first([j for j in gate.judged if j.severity == "fail"])
    lines += _markdown_table(deciding)
    lines += [f"- {_cell(sentence(j))}" for j in deciding if j.verdict != "pass"]
    warned = worst_first([j for j in gate.judged if j.severity == "warn"])
    if warned:
        lines += ["", f"<details><summary>{len(warned)} more, which only warn</summary>", ""]
        lines += [*_markdown_table(warned), "", "</details>"]
    return "\n".join([*lines, "", *(f"> {_cell(note)}  " for note in notes(gate)), ""])


def _markdown_table(judged: Sequence[Judged]) -> list[str]:
    if not judged:
        return []
    head = ["| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
    rows = [[_cell(cell) for cell in cells(j)] for j in judged]
    return [*head, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _cell(text: str) -> str:
    """Text as data: neither markup nor the end of a cell."""
    for mark in "\\`*_[]#":
        text = text.replace(mark, f"\\{mark}")
    for mark, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;")):
        text = text.replace(mark, safe)
    return " ".join(text.split())


def junit(gate: Gate) -> str:
    """JUnit XML: a test case a metric; a regression fails, what cannot be told is skipped."""
    suite = ET.Element("testsuite", name="weighin check")
    if gate.failure:
        case = ET.SubElement(suite, "testcase", classname="weighin", name="candidate")
        ET.SubElement(case, "failure", message=_xml(gate.failure))
    for judged in gate.judged:
        case = ET.SubElement(suite, "testcase", classname="weighin", name=name(judged.metric))
        text = _xml(sentence(judged))
        counts = judged.severity == "fail"
        if judged.verdict == "regressed" and counts:
            ET.SubElement(case, "failure", message=text)
        elif judged.verdict == "cannot tell" and counts:
            ET.SubElement(case, "skipped", message=text)
        else:
            ET.SubElement(case, "system-out").text = text
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    """XML 1.0 has no control characters, escaped or not."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def github_annotations(gate: Gate) -> list[str]:
    """GitHub's workflow commands: an error a regression, a warning for what warns or is unsure."""
    levels = {0: "notice", 1: "error", 2: "warning"}
    title = f"weighin: {gate.verdict}"
    lines = [_command(levels[exit_code(gate)], title, headline(gate))]
    for judged in gate.judged:
        if judged.verdict == "regressed":
            level = "error" if judged.severity == "fail" else "warning"
            lines.append(_command(level, f"weighin: {name(judged.metric)}", sentence(judged)))
        elif judged.verdict == "cannot tell" and judged.severity == "fail":
            lines.append(_command("warning", f"weighin: {name(judged.metric)}", sentence(judged)))
    return lines


def _command(level: str, title: str, text: str) -> str:
    return f"::{level} title={_escaped(title, _IN_A_PROPERTY)}::{_escaped(text, _IN_TEXT)}"


def _escaped(text: str, marks: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in marks else c for c in text)
