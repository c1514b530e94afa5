"""The command that measures a model, from what somebody typed; every word is quoted for a shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from leaderboard.text import plain

MODEL = "MODEL"
"""Stands where nothing was typed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be measured."""

    model: str = ""
    """A path, a Hub id or a name; empty: not said yet."""
    suite: str = ""
    """Empty: the command's default; so are the others."""
    budget: str = ""
    repeats: int = 1
    against: str = ""
    gpu_layers: str = ""
    """`all`, or empty: as the candidate says."""


def command(asked: Asked) -> str:
    """A `weighin run` for a POSIX shell."""
    words = ["weighin", "run", operand(asked.model) or MODEL]
    for option, value in (
        ("--suite", quoted(asked.suite) if asked.suite else ""),
        ("--budget", quoted(asked.budget) if asked.budget else ""),
        ("--gpu-layers", quoted(asked.gpu_layers) if asked.gpu_layers else ""),
        ("--repeats", str(asked.repeats) if asked.repeats > 1 else ""),
        ("--against", operand(asked.against)),
    ):
        if value:
            words += [option, value]
    return " ".join(words)


def operand(typed: str) -> str:
    """A path or name as one word of the shell; one that begins with a dash is no option."""
    word = plain(typed).strip()
    return quoted(f"./{word}" if word.startswith("-") else word) if word else ""


def quoted(word: str) -> str:
    """One word of a POSIX shell, whatever it holds; a `~/` at its start still means home."""
    if word.startswith("~/") and len(word) > len("~/"):
        return f"~/{shlex.quote(word.removeprefix('~/'))}"
    return shlex.quote(word)
