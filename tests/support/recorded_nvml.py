"""A library with NVML's functions, errors and shapes of answers, which answers what it is told.

The shapes are those of nvidia-ml-py 13: a process is an object with `pid` and `usedGpuMemory`,
which is None where NVML says NVML_VALUE_NOT_AVAILABLE; `busId` has eight digits of a domain; what a
device cannot do raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

GIB = 2**30


class NVMLLibraryMismatchError(Exception):
    """The driver lacks the version of a function that the package asks for; no NVMLError there."""


class NVMLError(Exception):
    """Any error of NVML."""


class NVMLError_FunctionNotFound(NVMLError):  # noqa: N801
    """The driver lacks a function in any version."""

    def __str__(self) -> str:
        return "Function Not Found"


class NVMLError_NotSupported(NVMLError):  # noqa: N801  # its name there
    """What this device, or this driver, does not do."""

    def __str__(self) -> str:
        return "Not Supported"


class NVMLError_NoPermission(NVMLError):  # noqa: N801
    """What this user may not do."""

    def __str__(self) -> str:
        return "Insufficient Permissions"


class NVMLError_LibraryNotFound(NVMLError):  # noqa: N801
    """There is no driver."""

    def __str__(self) -> str:
        return "NVML Shared Library Not Found"


class NVMLError_NotFound(NVMLError):  # noqa: N801
    """There is nothing at this place."""

    def __str__(self) -> str:
        return "Not Found"


@dataclass(kw_only=True)
class Card:
    """A recorded device."""

    name: str = "NVIDIA GeForce RTX 4090"
    bus_id: str = "00000000:01:00.0"
    total: int = 24 * GIB
    used: int | NVMLError = GIB
    computing: Mapping[int, int | None] | NVMLError = field(default_factory=dict)
    """Process -> bytes, None: not available."""
    drawing: Mapping[int, int | None] | NVMLError = field(default_factory=dict)
    instances: Sequence[Card | None] | None = None
    """Instances of a GPU that is split, None: an empty place; None: it cannot be split."""


@dataclass(kw_only=True)
class RecordedNvml:
    """Stands for the module `pynvml`."""

    cards: Sequence[Card] = ()
    fails: NVMLError | None = None
    """Raised at the start."""
    started: int = 0
    """Starts that were not stopped yet."""
    lists: int = 3
    """Latest version of the lists of processes that the driver has; 1: not even the second."""

    NVMLError = NVMLError
    NVMLLibraryMismatchError = NVMLLibraryMismatchError
    NVMLError_NotSupported = NVMLError_NotSupported

    def nvmlInit(self) -> None:  # noqa: N802
        if self.fails:
            raise self.fails
        self.started += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.started -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "550.54.14"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:  # noqa: N802
        return self.cards[index]

    def nvmlDeviceGetName(self, card: Card) -> str:  # noqa: N802
        return card.name

    def nvmlDeviceGetPciInfo(self, card: Card) -> Any:  # noqa: N802
        return SimpleNamespace(busId=card.bus_id)

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> Any:  # noqa: N802
        used = _said(card.used)
        return SimpleNamespace(total=card.total, used=used, free=card.total - used)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:  # noqa: N802
        return self._list(card.computing, 3)

    def nvmlDeviceGetGraphicsRunningProcesses(self, card: Card) -> list[Any]:  # noqa: N802
        return self._list(card.drawing, 3)

    def nvmlDeviceGetComputeRunningProcesses_v2(self, card: Card) -> list[Any]:  # noqa: N802
        return self._list(card.computing, 2)

    def nvmlDeviceGetGraphicsRunningProcesses_v2(self, card: Card) -> list[Any]:  # noqa: N802
        return self._list(card.drawing, 2)

    def _list(self, said: Any, version: int) -> list[Any]:
        if self.lists < version:
            raise NVMLLibraryMismatchError if version == 3 else NVMLError_FunctionNotFound
        return _processes(_said(said))

    def nvmlDeviceGetMigMode(self, card: Card) -> list[int]:  # noqa: N802
        if card.instances is None:
            raise NVMLError_NotSupported
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, card: Card) -> int:  # noqa: N802
        return len(card.instances or ())

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card: Card, index: int) -> Card:  # noqa: N802
        found = (card.instances or ())[index]
        if found is None:
            raise NVMLError_NotFound
        return found


def _said(answer: Any) -> Any:
    if isinstance(answer, NVMLError):
        raise answer
    return answer


def _processes(held: Mapping[int, int | None]) -> list[Any]:
    return [
        SimpleNamespace(pid=pid, usedGpuMemory=size, gpuInstanceId=0xFFFFFFFF)
        for pid, size in held.items()
    ]
