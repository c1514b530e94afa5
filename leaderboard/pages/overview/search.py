"""Words that candidates are searched for: `llama quant:q4 licence:apache`."""

from __future__ import annotations

from collections.abc import Mapping

from leaderboard.rows.classes import classes_of
from leaderboard.rows.row import Row
from leaderboard.text import plain

ASKED_FOR = ("note", "runtime", "class")
"""Fields that are searched only where a word names them."""
EXAMPLE = "name  quant:q4  arch:llama  licence:  runtime:"


def fields(row: Row) -> dict[str, str]:
    """What can be searched, by the word that stands before the colon."""
    candidate = row.record.candidate
    kind = candidate.quantisation
    return {
        "name": plain(candidate.name),
        "family": plain(candidate.family),
        "quant": plain(kind.name if kind else ""),
        "arch": plain(candidate.architecture or ""),
        "licence": plain(candidate.licence),
        "runtime": plain(candidate.runtime),
        "class": " ".join(classes_of(row.record)),
        "flag": plain(" ".join(row.flags)),
        "note": plain(candidate.notes),
    }


def matches(found: Mapping[str, str], search: str) -> bool:
    """True where every word is found, in any case.

    Args:
        found: texts by field.
        search: a word with a field's name before a colon is looked for there, others in all
            fields but those of ASKED_FOR, which many share: `llamacpp` would answer `llama`.
    """
    return all(_matches(found, word) for word in search.casefold().split())


def _matches(found: Mapping[str, str], word: str) -> bool:
    field, colon, rest = word.partition(":")
    if colon and field in found:
        return rest in found[field].casefold()
    texts = (text for name, text in found.items() if name not in ASKED_FOR)
    return word in " ".join(texts).casefold()
