"""Lay out the prose of our Markdown: one sentence a line, no line of 200 characters or more.

    python tools/lay_out_docs.py [--check]

A change of one sentence is then a change of one line. Tables, headings, HTML and code stay as they
are. A longer sentence is cut at a semicolon or colon, else at a comma, else between words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("*.md", "docs/*.md", "locks/*.md", "benchmarks/**/*.md", "tools/templates/*.md")
MOST = 190
"""Characters of a line."""
LEAST = 60
"""Characters before a cut, so that no line is a stump."""
MARK = re.compile(r"( *)([-*+]|\d+[.)])( +)(?=\S)")
"""The beginning of an item of a list."""
AS_IT_IS = re.compile(r" *(\||#|<|>|!\[|---)|\[[^]]+\]:")
"""The beginning of a line that is no prose: a table, a heading, HTML, a quotation, an image."""
END = re.compile(r"(?<=[.!?])[\"”)\]*`]*\s+(?=[\"“(\[*`_]*[A-Z0-9†§±<“\"`\[])")
SHORT = re.compile(r"\b(e\.g|i\.e|cf|vs|al|etc|resp|approx)\.$")
"""Abbreviations, whose full stop ends no sentence."""
CUTS = (re.compile(r"[;:] "), re.compile(r", "), re.compile(r" "))


def laid_out(text: str) -> str:
    """The same Markdown with one sentence a line."""
    lines = text.split("\n")
    out: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.lstrip().startswith("```"):
            end = next(
                (n for n in range(at + 1, len(lines)) if _is_fence(lines[n])), len(lines) - 1
            )
            out += lines[at : end + 1]
            at = end + 1
        elif not line.strip() or AS_IT_IS.match(line) or _is_code(line, out):
            out.append(line)
            at += 1
        else:
            end = next((n for n in range(at + 1, len(lines)) if _interrupts(lines[n])), len(lines))
            out += _paragraph(lines[at:end])
            at = end
    return "\n".join(out)


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith("```")


def _is_code(line: str, before: list[str]) -> bool:
    """Four spaces after an empty line, or after another such line."""
    return line.startswith("    ") and bool(before) and not before[-1].startswith(("- ", "  "))


def _interrupts(line: str) -> bool:
    return not line.strip() or _is_fence(line) or bool(MARK.match(line) or AS_IT_IS.match(line))


def _paragraph(lines: list[str]) -> list[str]:
    mark = MARK.match(lines[0])
    first = mark.group() if mark else lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    indent = " " * len(first)
    text = " ".join([lines[0][len(first) :], *(line.strip() for line in lines[1:])])
    parts = [part for one in sentences(text) for part in cut(one, MOST - len(first))]
    return [(first if n == 0 else indent) + part for n, part in enumerate(parts)]


def sentences(text: str) -> Iterator[str]:
    """The sentences of a paragraph; none ends within brackets or code."""
    start = 0
    for end in END.finditer(text):
        head = text[start : end.end()].rstrip()
        if not (SHORT.search(head) or _is_open(head) or MARK.match(text[end.end() :])):
            yield head
            start = end.end()
    yield text[start:].rstrip()


def cut(sentence: str, most: int) -> Iterator[str]:
    """A sentence in lines of at most `most` characters, if it has places to cut it."""
    while len(sentence) > most:
        at = _place(sentence, most)
        if at is None:
            break
        yield sentence[:at].rstrip()
        sentence = sentence[at:]
    yield sentence


def _place(sentence: str, most: int) -> int | None:
    for pattern in CUTS:
        ends = [m.end() for m in pattern.finditer(sentence) if LEAST < m.end() <= most]
        good = [end for end in ends if not _is_code_or_link(sentence[:end])]
        good = [end for end in good if not _begins_markup(sentence[end:])]
        if good:
            return good[-1]
    return None


def _is_code_or_link(head: str) -> bool:
    return head.count("`") % 2 == 1 or bool(re.search(r"\[[^]]*$|\]\([^)]*$", head))


def _is_open(head: str) -> bool:
    return head.count("`") % 2 == 1 or head.count("(") > head.count(")")


def _begins_markup(line: str) -> bool:
    return bool(MARK.match(line) or AS_IT_IS.match(line))


def pages() -> list[Path]:
    """Every page that is written by hand."""
    generated = {ROOT / "docs" / path.name for path in (ROOT / "tools" / "templates").glob("*.md")}
    return sorted({p for pattern in PAGES for p in ROOT.glob(pattern)} - generated)


def main() -> None:
    """Write what is laid out otherwise, or name it (`--check`) and end with 1."""
    changed = [
        path for path in pages() if laid_out(path.read_text("utf-8")) != path.read_text("utf-8")
    ]
    for path in changed:
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.write_text(laid_out(path.read_text("utf-8")), encoding="utf-8")
    sys.exit(bool(changed) and "--check" in sys.argv)


if __name__ == "__main__":
    main()
