"""Observations of a job that its record does not hold otherwise, for the rules of its flags."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runners.runtimes.llamacpp.proven import UNTRIED

if TYPE_CHECKING:
    from runners.measure.noise import Noise
    from runners.runtimes.llamacpp.prove import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Observations of a job that its record does not hold otherwise."""

    noise: Noise | None = None
    skipped: Sequence[str] = ()
    """Workloads that do not fit the candidate's context."""
    halved_to: int | None = None
    """Tokens of a batch since the device's memory ran out."""
    packs: bool = True
    """True: prefixes shared by sequences are evaluated once."""
    caches: bool = True
    """True: a generation continues from the cache."""
    truncated: Mapping[str, tuple[int, int]]
    """Task -> items whose prompt was cut, items that were answered."""
    alone: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Task -> items of which a choice was encoded without its context, items that were answered."""
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Task -> items of which a choice has an upper bound alone, items that were answered."""
    generates: bool = False
    """True where a task asks for generations."""
    chat_template: bool | None = None
    """True where the weights carry one; None: they were not loaded."""
    unclustered: Mapping[str, str] = field(default_factory=dict)
    """Task or group -> how many of its items share passages that no column is known for."""
    without_system: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Task -> prompts that the chat template made without the system message, prompts."""
    queued: Sequence[tuple[float, int]] = ()
    """Seconds until work began, and requests before it, of each answer of an app with a queue."""
    asked_of: str = ""
    """Function of an app that was asked."""
    elsewhere: str = ""
    """Place of an app or server that is not Weighin's own."""
    failed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Task -> answers that were an app's error, answers."""
    unscorable: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Task -> fault of its scorer on each answer that it failed on."""
    unused: Sequence[str] = ()
    """Arguments that the chat template does not know."""
    recommends: Mapping[str, object] = field(default_factory=dict)
    """Generation settings of the model's own files that lm-eval's `hf` would take over here."""
    recommends_none: bool = False
    """True where the candidate wants recommended settings and its files have none."""
    unheld: str = ""
    """Limits of the budget that could not be enforced, with the reason."""
    proof: Proof = UNTRIED
    """Result of the proof that the runtime's build computes on this processor."""
    not_built: str = ""
    """Kernels that the build lacks and this processor could use."""
    room_bytes: float = math.inf
    """Memory that a process may use here, where groups around it limit that."""
