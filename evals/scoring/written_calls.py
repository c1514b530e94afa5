"""Calls of functions in a text that a model wrote: JSON, or Python, alone or amid words.

However a text is made, reading it takes work in proportion to its length, and never fails.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.scoring.scorer import MOST_TEXT

FENCE = re.compile(r"```[\w+-]*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_START = re.compile(r"(?<![\w.])(?<!def )(?<!class )[A-Za-z_][\w.]*\s*\(")
"""Not the head of a definition: `def area(base=10):` calls nothing."""
_WORD = re.compile(r"\w+")
MOST_SCANNED = 20 * MOST_TEXT
"""Characters that are read in the search for closing brackets, each as often as it is read."""
ENOUGH = 2
"""Calls amid words that are looked for: more than one is wrong, however many they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it was written."""

    name: str
    arguments: Mapping[str, Any]


def calls_in(answer: str) -> list[Call]:
    """The calls in an answer: JSON (`name` and `arguments`), or Python, alone or in a list.

    Looked for in what is tagged as a call, else in the first code block, else in the whole.
    """
    text = answer[:MOST_TEXT]
    tagged = _TAGGED.findall(text)
    blocks = tagged or FENCE.findall(text)[:1] or [text]
    return [call for block in blocks for call in _of_block(block.strip())]


def calls_one_of(answer: str, names: Sequence[str]) -> bool:
    """True where a function of these is called, whatever its arguments: in a code block, or in a
    line that is nothing else. In a sentence a function is spoken of.
    """
    text, plain = answer[:MOST_TEXT], {plain_name(one) for one in names}
    return any(
        plain_name(text[start:end].partition("(")[0].strip()) in plain
        and (text.count("```", 0, start) % 2 == 1 or _is_a_line(text, start, end))
        for start, end in _bracketed(text)
    )


def plain_name(name: str) -> str:
    """A function's name; models that may not write dots write underscores."""
    return name.replace(".", "_")


def _is_a_line(text: str, start: int, end: int) -> bool:
    """True where a part has its lines for itself, but for a label or a variable before it."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    after = text[end:].partition("\n")[0]
    words = _WORD.findall(before)
    labels = not words or (len(words) == 1 and before.rstrip("` ").endswith((":", "=")))
    return labels and not _WORD.search(after)


def _of_block(block: str) -> list[Call]:
    try:
        return _of_json(json.loads(block))
    except (ValueError, RecursionError):
        pass
    return _of_python(block) or list(_scattered(block))


def _scattered(text: str) -> Iterator[Call]:
    """Calls between which a model says something else, each once: to repeat one is not to call it
    twice.
    """
    past, seen = 0, list[Call]()
    for start, end in _bracketed(text):
        for call in _of_python(text[start:end]) if start >= past else ():
            past = end
            if call not in seen:
                seen.append(call)
                yield call
        if len(seen) >= ENOUGH:
            return


def _bracketed(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each name with a pair of brackets behind it, also of one within another."""
    left = MOST_SCANNED
    for match in _START.finditer(text):
        end = _closing(text, match.end() - 1)
        left -= (end or len(text)) - match.start()
        if left < 0:
            return
        if end:
            yield match.start(), end


def _of_json(content: Any) -> list[Call]:
    entries = content if isinstance(content, list) else [content]
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            return []
        inner = entry.get("function", entry)
        name = inner.get("name") if isinstance(inner, dict) else None
        told = inner.get("arguments", inner.get("parameters", {})) if name else None
        if isinstance(told, str):
            try:
                told = json.loads(told)
            except (ValueError, RecursionError):
                return []
        if not isinstance(name, str) or not isinstance(told, dict):
            return []
        found.append(Call(name=name, arguments=told))
    return found


def _of_python(text: str) -> list[Call]:
    """Calls with keywords alone, and values that are written out."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
        return [_call(node) for node in nodes]
    # TypeError: a list as a key, `{[1]: 2}`, or in a set.
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return []


def _call(node: ast.expr) -> Call:
    """One call.

    Raises:
        ValueError: it is none, or a value is an expression.
    """
    if not isinstance(node, ast.Call) or node.args:
        raise ValueError("no call with keywords")
    arguments = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError("unpacks a mapping")
        arguments[keyword.arg] = ast.literal_eval(keyword.value)
    return Call(name=ast.unparse(node.func), arguments=arguments)


def _closing(text: str, opening: int) -> int:
    """Place behind the bracket that closes one; 0 where none does. Texts in quotes are skipped."""
    depth, quote, place = 0, "", opening
    while place < len(text):
        letter = text[place]
        if quote:
            place += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return 0
