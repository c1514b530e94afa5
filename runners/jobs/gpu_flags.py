"""Reasons to qualify the numbers of a run that had a part of its model on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runners.measure.device_memory import DIFFERENCE
from runners.records.parts import FlagInfo

if TYPE_CHECKING:
    from runners.jobs.seen import Seen
    from runners.records.record import Record


FEWER = "fewer layers offloaded"


def _fewer_layers(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Fewer layers on the GPU than were asked for, which llama.cpp does without a word."""
    gpu = record.gpu
    if gpu is None or gpu.layers is None:
        return
    whole, asked = gpu.layers_in_all, gpu.layers_asked
    if whole is not None:
        asked = whole if asked == "all" else min(asked or 0, whole)
    if asked == "all" or gpu.layers < (asked or 0):
        of = f" of the model's {whole}" if whole is not None else ""
        detail = f"{gpu.layers}{of} layers are on the GPU, {asked} were asked for"
        yield FlagInfo(name=FEWER, detail=detail)


def _by_difference(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    """Device memory that is not the candidate's alone."""
    gpu = record.gpu
    if gpu is not None and gpu.source == DIFFERENCE:
        detail = (
            "what the device held more than before, so that whatever else ran there counts, too: "
        )
        yield FlagInfo(name="GPU memory by difference", detail=detail + gpu.reason)


def _not_measured(record: Record, _seen: Seen) -> Iterator[FlagInfo]:
    gpu = record.gpu
    if gpu is not None and gpu.source is None and not gpu.unified:
        yield FlagInfo(name="GPU memory not measured", detail=gpu.reason, level="note")


GPU_RULES: tuple[Callable[[Record, Seen], Iterator[FlagInfo]], ...] = (
    _fewer_layers, _by_difference, _not_measured,
)  # fmt: skip
"""Rules in the order in which their flags are shown."""
