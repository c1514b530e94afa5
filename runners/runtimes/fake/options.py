"""Options of the runtime `fake`, a candidate's `settings: {fake: …}`."""

from __future__ import annotations

import signal
from dataclasses import dataclass, fields
from typing import Any

from runners.worker.runtime import WorkerError

PHASES = ("load", "latency", "scoring", "generation", "divergence")
WAYS = ("exception", "refuse", "nan", "exit", "hang", "garbage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Behaviour of the fake; unknown keys are refused."""

    pick: int = -1
    """The choice that it prefers; -1: one drawn from a hash of the item."""
    wrong_rate: float = 0.0
    """Share of items (drawn from a hash) where it takes the next choice instead."""
    text: str = "The answer is 42."
    """Text of its answers; where it is wrong, the text is reversed."""
    seed: int = 0
    delay_load_s: float = 0.0
    delay_first_token_s: float = 0.0
    delay_per_token_s: float = 0.0
    delay_per_item_s: float = 0.0
    empty_tokens: int = 0
    """The first tokens of each generation whose text is empty."""
    memory_bytes: int = 0
    """Anonymous memory touched while loading, and kept."""
    spike_bytes: int = 0
    """Anonymous memory touched and freed at once in each timed request."""
    context_bytes_per_token: int = 0
    """Anonymous memory that a context takes which is opened for its length."""
    child_bytes: int = 0
    """Anonymous memory that a process of its own touches and keeps, from loading on."""
    map_file: str = ""
    """A file that is mapped and read while loading, as weights are."""
    fail_at: str = ""
    """load, latency, scoring, generation or divergence."""
    fail_after: int = 0
    """Items of a window that it answers before it fails."""
    fail_how: str = "exception"
    """exception, refuse, nan (its logits are), exit, hang, garbage, or a signal's name (kill, segv,
    ill, term)."""
    vocabulary: int = 256
    """Logits that it has for each byte of a text."""
    logit_noise: float = 0.0
    """Standard deviation of what is added to each logit, drawn from `seed`."""
    device: str = ""
    """Product name of a GPU that it says it has; empty: none."""
    layers: int = 12
    """Layers of the model that it says it has, the output's counted as one."""
    layer_bytes: int = 0
    """Bytes on that GPU that it says each layer takes."""
    most_layers: int = 9_999
    """Layers that it puts there at most, whatever it is asked."""
    chat_template: bool = False
    """True: it has a chat template, a line a message."""
    template: str = ""
    """A chat template of its own."""


def read_options(settings: dict[str, Any]) -> Options:
    """The options that a candidate's file tells.

    Raises:
        WorkerError: an unknown key, or a value of another type.
    """
    known = {field.name: field.default for field in fields(Options)}
    for key, value in settings.items():
        if key not in known:
            raise WorkerError(
                f'settings.fake: unknown key "{key}" (known: {", ".join(sorted(known))})'
            )
        kind = type(known[key])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise WorkerError(f"settings.fake.{key}: {value!r} is no {kind.__name__}")
    options = Options(**settings)
    if options.fail_at not in ("", *PHASES):
        raise WorkerError(
            f'settings.fake.fail_at: unknown phase "{options.fail_at}" (known: {", ".join(PHASES)})'
        )
    if options.fail_how not in WAYS and not hasattr(signal, f"SIG{options.fail_how.upper()}"):
        raise WorkerError(
            f'settings.fake.fail_how: unknown way "{options.fail_how}" (known: {", ".join(WAYS)}, '
            "or a signal's name)"
        )
    return options
