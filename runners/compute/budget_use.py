"""A budget as a job uses it: what the worker may use, how large its engine, what the record says.

A budget limits memory and cores. It does not make them slower: a server held to a board's memory
and cores is still as fast as a server.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evals.quantities import format_size
from runners.compute.budget import Budget
from runners.compute.limits import Allowance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runners.compute.limits import Held
    from runners.compute.machine import Machine

NOT_SPEED = "limits memory and cores, not speed"
NOT_ENFORCED = "not enforced"
CHECKED = "checked, not enforced"
"""Word for a limit that nothing holds a process to, and that is held against what it used."""
BESIDE_WEIGHTS = 512 * 2**20
"""Bytes that a process of any runtime takes beside weights and cache."""


def allowance(budget: Budget | None) -> Allowance:
    """Memory and CPUs that a worker may use under a budget."""
    if budget is None:
        return Allowance()
    return Allowance(memory_bytes=budget.memory_bytes, cpus=budget.cpus)


def threads(usable_cpus: int, budget: Budget | None) -> int:
    """Threads of a worker: the usable cores, at most the budget's CPUs rounded up."""
    if budget is None or budget.cpus is None:
        return usable_cpus
    return max(1, min(usable_cpus, math.ceil(budget.cpus)))


def engine_bytes(asked: int, budget: Budget | None, weights_bytes: int) -> int:
    """Bytes that the scoring engine may take.

    Under a memory limit it is what is left beside the process and twice the weights (a runtime may
    hold a copy of them in another layout); where nothing is left, 0, and the engine is as small as
    it can be: hardly more than what one request needs. It depends on nothing that is measured: the
    same job packs alike, and so gives the same bits.
    """
    if budget is None or budget.memory_bytes is None:
        return asked
    return min(asked, max(0, budget.memory_bytes - 2 * weights_bytes - BESIDE_WEIGHTS))


def with_mapping(settings: Mapping[str, Any], *, allowed: bool) -> dict[str, Any]:
    """A runtime's settings, without mapped weights where these are not allowed.

    A runtime that has no such setting is left as it is: a flag says so.
    """
    if allowed or "mmap" not in settings:
        return dict(settings)
    return {**settings, "mmap": False}


def without_memory(budget: Budget) -> Budget | None:
    """A budget without its memory limit; None when nothing is left of it."""
    rest = budget.model_dump(exclude={"memory_bytes", "name", "description", "source"})
    if not any(rest.values()):
        return None
    return budget.model_copy(update={"memory_bytes": None, "name": f"{budget.name}-any-memory"})


def ad_hoc(
    *,
    memory_bytes: int | None = None,
    vram_bytes: int | None = None,
    cpus: float | None = None,
    deadline_ttft_s: float | None = None,
    deadline_answer_s: float | None = None,
    min_decode_tokens_per_s: float | None = None,
) -> Budget:
    """A budget without a file, named after what it limits, e.g. `512mib-2cpus`.

    Raises:
        pydantic.ValidationError: a limit is out of range, or there is none.
    """
    parts = [
        format_size(memory_bytes).lower() if memory_bytes else "",
        f"{format_size(vram_bytes).lower()}vram" if vram_bytes else "",
        f"{cpus:g}cpus" if cpus else "",
        f"ttft{deadline_ttft_s:g}s" if deadline_ttft_s else "",
        f"answer{deadline_answer_s:g}s" if deadline_answer_s else "",
        f"decode{min_decode_tokens_per_s:g}" if min_decode_tokens_per_s else "",
    ]
    return Budget.model_validate(
        {
            "name": "-".join(part for part in parts if part).replace("+", "") or "nothing",
            "memory": memory_bytes,
            "vram": vram_bytes,
            "cpus": cpus,
            "deadline_ttft_s": deadline_ttft_s,
            "deadline_answer_s": deadline_answer_s,
            "min_decode_tokens_per_s": min_decode_tokens_per_s,
        }
    )


def limits(budget: Budget) -> str:
    """The budget's limits as text: `512MiB memory, 2 CPUs, TTFT at most 2 s`."""
    parts = [
        f"{format_size(budget.memory_bytes)} memory" if budget.memory_bytes else "",
        f"{format_size(budget.vram_bytes)} GPU memory ({CHECKED})" if budget.vram_bytes else "",
        f"{budget.cpus:g} CPUs" if budget.cpus else "",
        f"TTFT at most {budget.deadline_ttft_s:g} s" if budget.deadline_ttft_s else "",
        f"answer after at most {budget.deadline_answer_s:g} s" if budget.deadline_answer_s else "",
        f"decode at least {budget.min_decode_tokens_per_s:g} tokens/s"
        if budget.min_decode_tokens_per_s
        else "",
    ]
    return ", ".join(part for part in parts if part)


def exceeds(budget: Budget, machine: Machine, room_bytes: int) -> str:
    """Amounts that the budget allows and the machine does not have; empty where it has all.

    Args:
        room_bytes: memory that a process may use here: the RAM, cut by the limits of outer groups.
    """
    found = []
    if budget.memory_bytes is not None and budget.memory_bytes > room_bytes:
        found.append(f"memory: the budget allows {budget.memory_bytes:,} bytes of {room_bytes:,}")
    if budget.cpus is not None and budget.cpus > machine.usable_cpus:
        found.append(f"CPUs: the budget allows {budget.cpus:g} of {machine.usable_cpus}")
    return "; ".join(found)


def lacks(budget: Budget, held: Held) -> str:
    """Limits of the budget that could not be enforced, with the reason; empty where all are."""
    found = []
    if budget.memory_bytes is not None and held.memory is None:
        found.append(f"memory: {held.memory_why}")
    if budget.cpus is not None and held.cpus is None:
        found.append(f"CPUs: {held.cpus_why}")
    elif budget.cpus is not None and held.cpus == "affinity" and budget.cpus % 1:
        found.append(f"CPUs: whole cores alone, {math.ceil(budget.cpus)} for {budget.cpus:g}")
    return "; ".join(found)
