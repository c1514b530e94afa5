"""Identity of a candidate, apart from where it was measured: weights, runtime and chosen settings.

The runtime's build, the threads that a default gave and the machine are *conditions*: they stand
in a record's `software`, `settings` and `machine` (leaderboard/rows/conditions.py compares them).
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.records.record import Record

MOST_CONTEXT = 4096
"""Tokens of context that a runtime takes by default, where the model was trained for more."""
_EARLY_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "context": (None, MOST_CONTEXT), "threads": (None,), "kv_cache_type": ("f16",), "mmap": (True,),
    "dtype": ("auto",), "device": ("auto",), "trust_remote_code": (False,), "fake": ({},),
    "chat_template": ("auto",),
}  # fmt: skip
"""Defaults when records did not say what was chosen; a later default changes nothing here."""
_AUTO_DTYPES = {
    "cpu": ("bfloat16", "float32"),
    "mps": ("float16",),
    "cuda": ("bfloat16", "float16"),
}
"""Types that `dtype: auto` gives, by the kind of device."""


def digest(content: Any) -> str:
    """The first 16 hex digits of sha256 over canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def candidate_digest(weights_sha256: str | None, runtime: str, chosen: Mapping[str, Any]) -> str:
    """The digest of what would be shipped, the same on every machine and in every build.

    Args:
        weights_sha256: of the weights file, which holds the quantisation; of the GGUF where a
            runtime converts one, since a converter is part of its build. None without weights.
        runtime: its name.
        chosen: settings without their defaults, so that a setting added later changes no digest.
    """
    return digest(["candidate", weights_sha256, runtime, dict(chosen)])


def rekeyed(record: Record) -> Record:
    """A record with the digest of today.

    An early digest also covered the runtime's build and the threads that were used, and an early
    record does not say which settings were chosen: `_chosen_before` reads it from their values.
    What another harness measured keeps the digest that its import gave it.
    """
    about = record.candidate
    if about.chosen is not None or record.imported is not None:
        return record
    chosen = _chosen_before(record)
    key = candidate_digest(about.weights_sha256, about.runtime, chosen)
    known = about.model_copy(update={"chosen": chosen, "digest": key})
    return record.model_copy(update={"candidate": known})


def _chosen_before(record: Record) -> dict[str, Any]:
    """The settings that an old record's job was given, without those a default would have given."""
    used = record.candidate.settings
    found = {key: value for key, value in used.items() if not _is_default(key, value)}
    if used.get("threads") == _default_threads(record):
        found.pop("threads", None)
    if used.get("mmap") is False and _unmapped_by_the_budget(record):
        found.pop("mmap")
    device = str(used.get("device"))
    if device in ("mps", "cuda", "cuda:0") or (device == "cpu" and not record.machine.gpu):
        found.pop("device")
    if used.get("dtype") in _AUTO_DTYPES.get(device.partition(":")[0], ()):
        found.pop("dtype")
    return found


def _is_default(key: str, value: Any) -> bool:
    """True for a value that was the default on any machine and of any model."""
    return key in _EARLY_DEFAULTS and value in _EARLY_DEFAULTS[key]


def _default_threads(record: Record) -> int | None:
    """The usable cores, cut by the budget's (runners/compute/budget_use.py `threads`)."""
    usable, cpus = record.machine.usable_cpus, record.budget.cpus if record.budget else None
    if usable is not None and cpus:
        return max(1, min(usable, math.ceil(cpus)))
    return usable


def _unmapped_by_the_budget(record: Record) -> bool:
    """True where a memory limit switched mapping off, since the weights could not leave the page
    cache.
    """
    enforced = record.budget.enforced if record.budget else None
    by = enforced.memory if enforced else None
    left = record.load.page_cache if record.load else "cold"
    return by not in (None, "not enforced") and left not in ("cold", "no weights")
