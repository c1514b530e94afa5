"""Display names: shortened by their common prefix, told apart by digest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from runners.records.record import Record


def short_names(names: Sequence[str]) -> list[str]:
    """Names without their common beginning, cut where a word ends.

    `a-135m-q4_0`, `a-135m-q8_0` -> `q4_0`, `q8_0`. A single name, or names of which one would
    become empty, stay as they are; so do names that would no longer differ.
    """
    if len(set(names)) < 2:
        return list(names)
    # What the first and the last in alphabetical order share, all between them share.
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(min(names), max(names), strict=False))
    common = "".join(letter for letter, _ in pairs)
    # Not at an underscore, which stands within a quantisation's name: q4_0, q4_1.
    start = max(common.rfind(mark) for mark in "- /") + 1
    short = [name[start:] for name in names]
    return short if all(short) else list(names)


def labels(records: Sequence[Record]) -> dict[str, str]:
    """Display names of the candidates of records, by digest.

    A name is the choice of whoever wrote the candidate's file; two versions of one may differ in
    their weights alone, and then the digest's start is added.
    """
    names = {one.candidate.digest: one.candidate.name for one in records}
    common = Counter(names.values())
    return {
        digest: name if common[name] == 1 else f"{name} ({digest[:6]})"
        for digest, name in names.items()
    }
