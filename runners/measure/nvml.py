"""NVIDIA's management library (NVML), through its own package: which process holds how much.

The one module that knows its functions. Tests give it a library that answers as NVML does; where it
was written there was no GPU.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

PACKAGE = "nvidia-ml-py"
MODULE = "pynvml"
NOT_INSTALLED = f"{PACKAGE} is not installed: pip install weighin[nvidia]"
NOT_LISTED = (
    "NVML lists no process of this candidate (in a container it may know other process ids; "
    "docker run --pid=host shows the same)"
)
MIG_ON = 1
"""NVML_DEVICE_MIG_ENABLE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A device that NVML counts memory of: a GPU, or one instance of a GPU that is split (MIG)."""

    handle: Any
    name: str
    bus_id: str
    """PCI address as `0000:01:00.0`; an instance has its GPU's."""
    total_bytes: int | None
    instance: bool = False
    """True of one instance of a GPU that is split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Memory that some processes hold on all devices together."""

    bytes: int | None
    """Sum over the devices; None where it is not told."""
    reason: str = ""
    """Why it is not told."""


class Nvml:
    """A started NVML; made by `start`."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.driver = str(library.nvmlSystemGetDriverVersion())
        self.cards = tuple(self._find_cards())

    def held(self, pids: Collection[int], bus_ids: Collection[str] = ()) -> Held:
        """Device memory of processes by NVML's lists of those that compute and those that draw.

        Args:
            pids: a process and its descendants. NVML names processes as the driver sees them, which
                are others than these in a container with process ids of its own.
            bus_ids: PCI addresses of the devices that matter; empty: all that there are.
        """
        found: dict[tuple[int, int], int] = {}
        for place, card in enumerate(self._on(bus_ids)):
            listed = self._listed(card)
            if isinstance(listed, str):
                return Held(bytes=None, reason=listed)
            for process in listed:
                if process.pid not in pids:
                    continue
                if process.usedGpuMemory is None:  # NVML_VALUE_NOT_AVAILABLE
                    why = f"the driver does not tell what a process holds on {card.name}"
                    return Held(bytes=None, reason=why)
                # One that computes and draws (Vulkan) is in both lists, with the same figure.
                key = (place, process.pid)
                found[key] = max(found.get(key, 0), int(process.usedGpuMemory))
        if not found:
            return Held(bytes=None, reason=NOT_LISTED)
        return Held(bytes=sum(found.values()))

    def used(self, bus_ids: Collection[str]) -> Held:
        """Memory in use on whole devices, whoever holds it.

        Args:
            bus_ids: PCI addresses of the devices; empty: all that there are.
        """
        cards = self._on(bus_ids)
        if not cards:
            return Held(bytes=None, reason="NVML does not know the device")
        if sum(card.instance for card in cards) > 1:
            return Held(
                bytes=None, reason="the GPU is split (MIG), and which instance it used is not known"
            )
        try:
            read = [int(self._library.nvmlDeviceGetMemoryInfo(card.handle).used) for card in cards]
        except self._library.NVMLError as error:
            return Held(bytes=None, reason=f"NVML does not tell the memory in use ({error})")
        return Held(bytes=sum(read))

    def unlisted(self) -> str:
        """Why processes are not told apart on some device; empty where they are on all."""
        listed = map(self._listed, self.cards)
        return next((one for one in listed if isinstance(one, str)), "")

    def stop(self) -> None:
        """Let the library go."""
        with suppress(self._library.NVMLError):
            self._library.nvmlShutdown()

    def _on(self, bus_ids: Collection[str]) -> list[Card]:
        return [card for card in self.cards if not bus_ids or card.bus_id in bus_ids]

    def _listed(self, card: Card) -> list[Any] | str:
        """The processes on a device, or why NVML does not list them."""
        try:
            return self._processes(card)
        except self._library.NVMLError as error:
            return f"NVML does not list the processes of {card.name} ({error})"

    def _processes(self, card: Card) -> list[Any]:
        computing = self._list("Compute", card)
        try:
            return computing + self._list("Graphics", card)
        except self._library.NVMLError_NotSupported:  # a device that never draws
            return computing

    def _list(self, kind: str, card: Card) -> list[Any]:
        """One of NVML's lists, in the version that the driver has: before 510 that is the second.

        The package asks for the third alone and raises what is no NVMLError where it is not there.
        """
        name = f"nvmlDeviceGet{kind}RunningProcesses"
        try:
            return list(getattr(self._library, name)(card.handle))
        except self._library.NVMLLibraryMismatchError:
            return list(getattr(self._library, f"{name}_v2")(card.handle))

    def _find_cards(self) -> Iterator[Card]:
        for index in range(self._library.nvmlDeviceGetCount()):
            try:
                handle = self._library.nvmlDeviceGetHandleByIndex(index)
            except self._library.NVMLError:  # a device that this user, or container, may not see
                continue
            bus_id = pci_address(str(self._library.nvmlDeviceGetPciInfo(handle).busId))
            for part, instance in self._instances(handle):
                yield Card(
                    handle=part,
                    name=str(self._library.nvmlDeviceGetName(part)),
                    bus_id=bus_id,
                    total_bytes=self._total(part),
                    instance=instance,
                )

    def _instances(self, handle: Any) -> list[tuple[Any, bool]]:
        """A GPU, or the instances that it is split into."""
        nvml = self._library
        try:
            now, _ = nvml.nvmlDeviceGetMigMode(handle)
            most = nvml.nvmlDeviceGetMaxMigDeviceCount(handle) if now == MIG_ON else 0
        except nvml.NVMLError:  # most GPUs cannot be split
            return [(handle, False)]
        found = []
        for index in range(most):
            with suppress(nvml.NVMLError):  # a place where no instance is
                found.append((nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index), True))
        return found if now == MIG_ON else [(handle, False)]

    def _total(self, handle: Any) -> int | None:
        try:
            return int(self._library.nvmlDeviceGetMemoryInfo(handle).total)
        except self._library.NVMLError:
            return None


def start(library: Any = None) -> Nvml | str:
    """NVML, started; a sentence where it cannot be.

    Args:
        library: with NVML's functions; by default the installed package's module.
    """
    if library is None:
        try:
            library = importlib.import_module(MODULE)
        except ImportError:
            return NOT_INSTALLED
    try:
        library.nvmlInit()
        return Nvml(library)
    except library.NVMLError as error:
        return f"NVML does not start: {error}"


def pci_address(said: str) -> str:
    """NVML's `00000000:01:00.0` as other libraries write it: `0000:01:00.0`."""
    domain, _, rest = said.strip().lower().partition(":")
    return f"{domain[-4:]}:{rest}" if rest else said
